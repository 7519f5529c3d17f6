import { expect, onTestFinished } from "vitest";
import { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import type { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { recoverLog } from "../../../lib/lakehouse/log/recover.js";
import type { World } from "./world.js";

/** More than any history has: one that waits for what never comes fails. */
const MOST_STEPS = 100_000;

/**
 * Simulates histories by their seeds, from 1 on; or the one of `SLH_SEED`, which is how one that failed is run again.
 *
 * @returns whether it was all of them, and what each came to.
 */
export async function simulate<Result>(
  count: number,
  history: (seed: number) => Promise<Result>,
): Promise<{ readonly isWhole: boolean; readonly results: readonly Result[] }> {
  const only = process.env.SLH_SEED;
  const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)];
  const results: Result[] = [];
  for (const seed of seeds) {
    try {
      results.push(await history(seed));
    } catch (error) {
      throw new Error(`the history of SLH_SEED=${seed} failed`, { cause: error });
    }
  }
  return { isWhole: only === undefined, results };
}

/** Lets things happen until it is so. */
export async function driveUntil(world: World, isDone: () => boolean): Promise<void> {
  for (let i = 0; !isDone() && i < MOST_STEPS; i++) await world.step();
  expect(isDone()).toBe(true);
}

/** Lets things happen until the promise is settled. */
export async function drive<T>(world: World, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await driveUntil(world, () => isSettled);
  return promise;
}

export function emptyMeta(): SqliteMeta {
  const meta = new SqliteMeta(":memory:");
  onTestFinished(() => meta.close());
  return meta;
}

/** The metadata, from the objects alone. */
export async function recovered(world: World, place: Place): Promise<SqliteMeta> {
  const meta = emptyMeta();
  await drive(world, recoverLog({ store: world.store, place, meta, clock: world.clock }));
  return meta;
}
