/** A run of text in one look: classes for its colours and weight. */
export interface Span {
  readonly text: string;
  readonly look: string;
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals read begins with one
const GRAPHIC = /\u001b\[([0-9;]*)m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals read begins with one
const OTHER = /\u001b\[[0-9;?]*[A-Za-z]|\u001b\][^\u0007]*\u0007|\u001b./g;

/** Text with terminal colours (ECMA-48, SGR) as spans. Colours of more than sixteen are left out; other steps vanish. */
export function ansiSpans(text: string): readonly Span[] {
  if (!text.includes("\u001b")) return [{ text, look: "" }];
  const spans: Span[] = [];
  let colour = "";
  const styles = new Set<string>();
  let from = 0;
  const push = (part: string) => {
    const plain = part.replace(OTHER, "");
    if (plain) spans.push({ text: plain, look: [colour, ...styles].filter(Boolean).join(" ") });
  };
  for (const match of text.matchAll(GRAPHIC)) {
    push(text.slice(from, match.index));
    from = match.index + match[0].length;
    const codes = (match[1] || "0").split(";").map(Number);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] ?? 0;
      if (code === 0) {
        colour = "";
        styles.clear();
      } else if (code === 1) styles.add("ansi-bold");
      else if (code === 2) styles.add("ansi-faint");
      else if (code === 3) styles.add("ansi-italic");
      else if (code === 4) styles.add("ansi-underline");
      else if (code === 22) {
        styles.delete("ansi-bold");
        styles.delete("ansi-faint");
      } else if (code === 23) styles.delete("ansi-italic");
      else if (code === 24) styles.delete("ansi-underline");
      else if (code === 39) colour = "";
      else if (code >= 30 && code <= 37) colour = `ansi-${COLOURS[code - 30]}`;
      else if (code >= 90 && code <= 97) colour = `ansi-${COLOURS[code - 90]}`;
      else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4;
    }
  }
  push(text.slice(from));
  return spans;
}
