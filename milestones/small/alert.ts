// Written by slh run from the cells of m09 that have the tag module:../small/alert.ts.

/** Counters of a histogram as a scrape has them: how many values were at most each bound. */
export interface Buckets {
  /** In order; the last is infinite. */
  readonly bounds: readonly number[];
  readonly upTo: readonly number[];
}

/** An alert between two looks at it; `since` is when its condition began to hold. */
export interface AlertState {
  readonly state: "inactive" | "pending" | "firing";
  readonly since: number | undefined;
}

/** What came between two scrapes. */
export function windowOf(now: Buckets, before: Buckets): Buckets {
  // Counters only grow: one that is smaller has begun again, and all of it is new.
  const isNew = now.upTo.some((count, i) => count < (before.upTo[i] ?? 0));
  return {
    bounds: now.bounds,
    upTo: now.upTo.map((count, i) => (isNew ? count : count - (before.upTo[i] ?? 0))),
  };
}

/** Below which value a share `q` of the values lies, as far as buckets tell; NaN of nothing. */
export function quantileOf({ bounds, upTo }: Buckets, q: number): number {
  const rank = q * (upTo.at(-1) ?? 0);
  if (rank === 0) return Number.NaN;
  const i = upTo.findIndex((count) => count >= rank);
  const [low, below] = i === 0 ? [0, 0] : [bounds[i - 1] ?? 0, upTo[i - 1] ?? 0];
  const high = bounds[i] ?? low;
  // Values are taken to lie evenly between the bounds, of which the last has no end.
  return Number.isFinite(high) ? low + ((high - low) * (rank - below)) / ((upTo[i] ?? 0) - below) : low;
}

/** The alert at the time `at`, whose condition has to hold for `hold`. */
export function nextState(last: AlertState, holds: boolean, at: number, hold: number): AlertState {
  if (!holds) return { state: "inactive", since: undefined };
  const since = last.since ?? at;
  return { state: at - since >= hold ? "firing" : "pending", since };
}
