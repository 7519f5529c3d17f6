/** Under which epoch one process writes a log alone. */
import { corruptFile } from "../errors.js";
import { type ObjectStore, preconditionFailed } from "../storage/index.js";
import type { Clock } from "./partition/clock.js";
import type { Place } from "./partition/place.js";

export interface ClaimParts {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly clock: Clock;
}

/** Epochs have 31 bits. Counted in seconds from then on, they last to 2088; a clock that is ahead of that leaves some. */
const FIRST_SECOND = Date.UTC(2020, 0, 1) / 1000;
const MOST = 2 ** 31 - 1;
const MOST_BY_CLOCK = MOST - 2 ** 24;

/**
 * The least that a new count of epochs begins with: what counted before may be lost, and has not counted faster than the
 * clock.
 *
 * @param now in milliseconds since 1970.
 */
export function firstEpoch(now: number): number {
  return Math.min(Math.max(Math.floor(now / 1000) - FIRST_SECOND, 1), MOST_BY_CLOCK);
}

/**
 * Claims an epoch that nobody has had: larger than all before, whatever this machine's disk has lost. It is in the object
 * store before anybody hears of it: records that were read under the one before may be there no more, and those who read
 * them see by their epochs which these are.
 *
 * @param known the least that it may be.
 * @throws LakehouseError CORRUPT_FILE, STORAGE_FAILED
 */
export async function claimEpoch({ store, place, clock }: ClaimParts, known: number): Promise<number> {
  const uri = place.epoch;
  for (;;) {
    // Before the bytes: where they are newer, the tag is found to be old.
    const info = await store.head(uri);
    const last = info === undefined ? 0 : decode(await store.read(uri), uri);
    const epoch = Math.max(last + 1, known, firstEpoch(clock.now()));
    try {
      await store.put(
        uri,
        Buffer.from(`${JSON.stringify({ epoch })}\n`),
        info === undefined ? { ifAbsent: true } : { ifEtag: info.etag },
      );
      return epoch;
    } catch (error) {
      if (!preconditionFailed.is(error)) throw error;
    }
  }
}

function decode(bytes: Uint8Array, uri: string): number {
  const [, digits] = /^\{"epoch":(\d{1,10})\}\n$/.exec(Buffer.from(bytes).toString()) ?? [];
  const epoch = Number(digits);
  if (Number.isInteger(epoch) && epoch < MOST) return epoch;
  throw corruptFile(
    uri,
    `${uri} does not say under which epoch the log was written last.`,
    "Restore it from a backup, or delete it where no server writes the log: the next one then counts on by the clock.",
  );
}
