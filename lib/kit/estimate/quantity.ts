import { invalidArgument } from "sololakehouse/errors";

/** Powers of the things that are counted, by their singular: bytes for each row are `{ byte: 1, row: -1 }`. */
export type Dimensions = Readonly<Record<string, number>>;

/** A number with what it counts, in base units: bytes, seconds, and everything else in ones. */
export interface Quantity {
  readonly value: number;
  readonly of: Dimensions;
}

/** What larger units are in their base unit. Prefixes are decimal, as prices are. A month has 30 days, a year 365. */
const SCALES: Readonly<Record<string, readonly [factor: number, base: string]>> = {
  kB: [1e3, "byte"],
  MB: [1e6, "byte"],
  GB: [1e9, "byte"],
  TB: [1e12, "byte"],
  PB: [1e15, "byte"],
  ms: [1e-3, "second"],
  min: [60, "second"],
  h: [3600, "second"],
  day: [86_400, "second"],
  month: [30 * 86_400, "second"],
  year: [365 * 86_400, "second"],
  thousand: [1e3, ""],
};

/**
 * A number in a unit: `rows/day`, `bytes/row`, `dollars/GB/month`, `1/question`, or `""` for a plain number.
 * Every word after the first slash divides.
 */
export function quantity(value: number, unit: string): Quantity {
  const { factor, of } = parseUnit(unit);
  return { value: value * factor, of };
}

function parseUnit(unit: string): { factor: number; of: Dimensions } {
  let factor = 1;
  const of: Record<string, number> = {};
  for (const [index, word] of unit.split("/").entries()) {
    if (word.trim() === "" || word.trim() === "1") continue;
    const power = index === 0 ? 1 : -1;
    const known = SCALES[word.trim()] ?? SCALES[word.trim().replace(/s$/, "")];
    const [scale, base] = known ?? [1, word.trim().replace(/s$/, "")];
    factor *= scale ** power;
    if (base !== "") of[base] = (of[base] ?? 0) + power;
  }
  return { factor, of: withoutZeros(of) };
}

/** The product. */
export function times(a: Quantity, b: Quantity): Quantity {
  return { value: a.value * b.value, of: combined(a.of, b.of, 1) };
}

/** The quotient. */
export function over(a: Quantity, b: Quantity): Quantity {
  return { value: a.value / b.value, of: combined(a.of, b.of, -1) };
}

/**
 * The sum.
 *
 * @throws INVALID_ARGUMENT where the two count different things: bytes and rows have no sum.
 */
export function plus(a: Quantity, b: Quantity): Quantity {
  if (!isAlike(a.of, b.of)) throw unlike(`The sum of ${inWords(a.of)} and ${inWords(b.of)}`, a.of, b.of);
  return { value: a.value + b.value, of: a.of };
}

/**
 * The number that a quantity is in a unit.
 *
 * @throws INVALID_ARGUMENT where it counts something else than the unit does.
 */
export function inUnit(given: Quantity, unit: string): number {
  const { factor, of } = parseUnit(unit);
  if (!isAlike(given.of, of)) {
    throw unlike(`${inWords(given.of)} in ${unit === "" ? "a plain number" : unit}`, given.of, of);
  }
  return given.value / factor;
}

function unlike(what: string, a: Dimensions, b: Dimensions): Error {
  return invalidArgument(
    `${inWords(a)}, ${inWords(b)}`,
    `${what} means nothing: they count different things.`,
    "Look for the factor that is missing, such as bytes for each row.",
  );
}

function combined(a: Dimensions, b: Dimensions, sign: 1 | -1): Dimensions {
  const of: Record<string, number> = { ...a };
  for (const [base, power] of Object.entries(b)) of[base] = (of[base] ?? 0) + sign * power;
  return withoutZeros(of);
}

const withoutZeros = (of: Dimensions): Dimensions =>
  Object.fromEntries(Object.entries(of).filter(([, power]) => power !== 0));

const isAlike = (a: Dimensions, b: Dimensions): boolean =>
  Object.keys({ ...a, ...b }).every((base) => (a[base] ?? 0) === (b[base] ?? 0));

/** `byte/row`. */
function inWords(of: Dimensions): string {
  const part = (sign: 1 | -1) =>
    Object.entries(of).flatMap(([base, power]) =>
      Math.sign(power) === sign ? [Math.abs(power) === 1 ? base : `${base}^${Math.abs(power)}`] : [],
    );
  const [above, below] = [part(1), part(-1)];
  if (above.length + below.length === 0) return "a plain number";
  return [above.join("·") || "1", ...below].join("/");
}
