/** A constant of a SQL text. */
export type Constant =
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "decimal"; readonly unscaled: bigint; readonly scale: number }
  | { readonly kind: "string" | "date" | "timestamp"; readonly text: string }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean };

/** The constant as a decimal, where it has no more digits than the type. */
export function decimalText(literal: Constant, precision: number, scale: number): string | undefined {
  if (literal.kind !== "integer" && literal.kind !== "decimal") return undefined;
  const [unscaled, from] =
    literal.kind === "integer" ? [literal.value, 0] : [literal.unscaled, literal.scale];
  if (from > scale) return undefined;
  const digits = String(unscaled < 0n ? -unscaled : unscaled) + "0".repeat(scale - from);
  if (digits.length > precision) return undefined;
  const padded = digits.padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  return scale === 0 ? sign + padded : `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/** True for the text of a day that there is. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** The constant as a day: one that is written so, or a point in time that is the beginning of one. */
export function dayText(literal: Constant): string | undefined {
  if (!("text" in literal)) return undefined;
  const text = literal.kind === "timestamp" ? literal.text.replace(/[ T]00:00:00(\.0+)?$/, "") : literal.text;
  return isDay(text) ? text : undefined;
}

/** The constant as a timestamp in ISO 8601, up to microseconds. */
export function timestampText(literal: Constant): string | undefined {
  if (!("text" in literal)) return undefined;
  const { text, kind } = literal;
  if (isDay(text)) return `${text}T00:00:00`;
  if (kind === "date") return undefined;
  const match = /^(\d{4}-\d{2}-\d{2})[ T]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,6})?$/.exec(text);
  return match && isDay(match[1] ?? "") ? text.replace(" ", "T") : undefined;
}
