// Written by slh run from the cells of m11 that have the tag module:../small/estimate.ts.

/** A number and the powers of what it counts: bytes for each row are `{ byte: 1, row: -1 }`. */
export interface Counted {
  readonly value: number;
  readonly of: Readonly<Record<string, number>>;
}

/** What larger units are in their base unit. */
export const SCALES: Readonly<Record<string, readonly [factor: number, base: string]>> = {
  kB: [1e3, "byte"],
  MB: [1e6, "byte"],
  GB: [1e9, "byte"],
  TB: [1e12, "byte"],
  h: [3600, "second"],
  day: [86_400, "second"],
  month: [30 * 86_400, "second"],
};

/** One of a unit, in base units: `unitOf("GB/day")` is 1e9 bytes for each 86,400 seconds. */
export function unitOf(unit: string): Counted {
  let whole: Counted = { value: 1, of: {} };
  for (const [index, word] of unit.split("/").entries()) {
    const singular = word.replace(/s$/, "");
    const [value, base] = SCALES[word] ?? SCALES[singular] ?? [1, singular];
    whole = by(whole, { value, of: { [base]: 1 } }, index === 0 ? 1 : -1);
  }
  return whole;
}

/** The product; with `-1`, the quotient. A power that comes to 0 is left out. */
export function by(a: Counted, b: Counted, power: 1 | -1 = 1): Counted {
  const of: Record<string, number> = { ...a.of };
  for (const [base, each] of Object.entries(b.of)) of[base] = (of[base] ?? 0) + power * each;
  const left = Object.entries(of).filter(([, each]) => each !== 0);
  return { value: a.value * b.value ** power, of: Object.fromEntries(left) };
}

/** The sum. Throws where the two count different things. */
export function sum(a: Counted, b: Counted): Counted {
  const isAlike = Object.keys(by(a, b, -1).of).length === 0;
  if (!isAlike) throw new Error(`${JSON.stringify(a.of)} and ${JSON.stringify(b.of)} have no sum.`);
  return { value: a.value + b.value, of: a.of };
}
