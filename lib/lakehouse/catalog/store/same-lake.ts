import type { LakehouseError } from "../../errors.js";
import { lakeMoved } from "../errors.js";
import type { Backend } from "./backend.js";
import { readLakeRecord, writeLakeRecord } from "./lake-record.js";
import type { RefState } from "./refs.js";

/*
 * Who has a lake open while it is relocated knows the locations from before. What it would commit builds on files that
 * nothing else leads to any more, which the next garbage collection takes; and what it would collect are the files that
 * hold now. So a relocation, once its record is written, tells every ref of its number, by which each ref's value
 * changes; whoever reads a number that is higher than the one it has opened the lake with goes no further.
 *
 * - A commit that read its branch before the relocation told it fails, and reads it again. One that moved its branch
 *   before is found by the relocation's last look.
 * - A sweep reads all refs again before what it condemned is final, and moves the record on to itself (`isSameLake`).
 *   A relocation that read the record before fails, and writes all of its files again, after those that the sweep has
 *   listed; one whose record was written before is seen here.
 */

/** The part of a store's context that tells which lake it has opened. */
interface OpenedLake {
  readonly backend: Backend;
  /** How many relocations there had been; `undefined` where there is no record. */
  readonly relocations?: number | undefined;
}

/** Throws `LAKE_MOVED` where a ref was told of a relocation that came after the lake was opened. */
export function requireSameLake(
  { backend, relocations }: OpenedLake,
  refs: readonly Pick<RefState, "relocations">[],
): void {
  if (relocations === undefined) return;
  if (refs.some((ref) => ref.relocations > relocations)) throw relocatedMeanwhile(backend);
}

/** The same for a ref that was just made, which no relocation before may have told. */
export async function requireSameRecord({ backend, relocations }: OpenedLake): Promise<void> {
  if (relocations === undefined) return;
  const { relocations: now = 0 } = (await readLakeRecord(backend))?.record ?? {};
  if (now > relocations) throw relocatedMeanwhile(backend);
}

/** Answers whether the lake is as it was opened, and lets no relocation go through that has begun before. */
export async function isSameLake({ backend, relocations }: OpenedLake): Promise<boolean> {
  for (;;) {
    const stored = relocations === undefined ? undefined : await readLakeRecord(backend);
    if (stored === undefined) return true;
    if ((stored.record.relocations ?? 0) !== relocations) return false;
    if (await writeLakeRecord(backend, stored.value, stored.record)) return true;
  }
}

export function relocatedMeanwhile({ place = "catalog" }: Backend): LakehouseError {
  return lakeMoved(
    place,
    `The lakehouse of ${place} was relocated after it was opened here, and its files have other locations now. Nothing was changed.`,
    "Open it again: start this process anew.",
  );
}
