/** Advances of Inter at weight 500, in hundredths of an em, from space to tilde. */
const ADVANCES =
  "27 30 49 64 65 99 65 31 37 37 52 67 30 46 30 37 65 42 62 63 66 60 63 57 63 63 30 32 67 67 67 53 98 71 66 73 72 60 59 75 74 27 58 69 57 91 76 77 64 77 65 65 65 74 71 100 70 70 64 37 37 37 48 46 34 57 62 58 62 59 38 62 60 25 25 56 25 89 60 60 62 62 39 54 34 60 57 83 56 58 56 44 35 44 67"
    .split(" ")
    .map(Number);
/** What a sign outside that range takes. */
const OTHER = 64;
/** Bold letters are a little wider. */
const BOLD = 1.03;

/** The part of a text mark that its width depends on. */
interface TextItem {
  readonly fontSize?: number | undefined;
  readonly fontWeight?: number | string | undefined;
  /** The most px that it may take before it is cut; 0 for no limit. */
  readonly limit?: number | undefined;
}

/**
 * The width of a text in px, as Inter sets it. Without a screen Vega takes each sign to be 0.8 em, half as much again as
 * it is, and leaves room for that beside every label.
 */
export function textWidth({ fontSize = 11, fontWeight, limit = 0 }: TextItem, text: unknown): number {
  let advance = 0;
  for (const sign of String(text ?? "").trim()) advance += ADVANCES[(sign.codePointAt(0) ?? 0) - 32] ?? OTHER;
  const isBold = fontWeight === "bold" || Number(fontWeight) >= 600;
  const width = Math.ceil((advance * fontSize * (isBold ? BOLD : 1)) / 100);
  return limit > 0 ? Math.min(width, limit) : width;
}
