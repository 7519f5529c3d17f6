import type { Estimate } from "./estimates.js";
import { LIMITS, type Limit } from "./model.js";

/** A part with what is asked of it, where 1 is what it takes. */
export interface Load extends Limit {
  readonly value: number;
}

/** The load of every part, the highest first: the first one above 1 is the one that breaks first. */
export function loads(found: readonly Estimate[]): readonly Load[] {
  const loadOf = (id: string): number => found.find((one) => one.id === id)?.value ?? 0;
  return LIMITS.map((limit) => ({ ...limit, value: loadOf(limit.load) })).sort((a, b) => b.value - a.value);
}

/** The part that is asked for more than it takes by most; undefined where each takes what is asked of it. */
export function breaksFirst(found: readonly Estimate[]): Load | undefined {
  const [first] = loads(found);
  return first && first.value > 1 ? first : undefined;
}

/** `0.84x`, `2,920x`: what is asked of a part by what it takes. */
export const loadText = (value: number): string =>
  `${value.toLocaleString("en-US", { maximumSignificantDigits: 3 })}x`;
