/** Where leaders' epochs end: by that readers see whether what they have read is still there (KIP-101, KIP-320). */
import type { EpochStart } from "../manifest/manifest.js";
import { leaderEpochOf } from "../records/header.js";
import type { BlockEntry, StoredSegment } from "../segment/layout.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import type { Segments } from "./segments.js";

/** Up to where records of an epoch go, or of the nearest one before it that has any. */
export interface EpochEnd {
  /** -1 where nobody has led under the epoch that was asked for, as far as is known here. */
  readonly epoch: number;
  /** The first offset that a later epoch has, or will have; -1 with the epoch. */
  readonly endOffset: bigint;
}

export const UNKNOWN_END: EpochEnd = { epoch: -1, endOffset: -1n };

/** What a partition has: later batches never have smaller epochs. */
export interface EpochParts {
  readonly segments: Segments;
  /** In the object store, in their order. */
  readonly stored: readonly StoredSegment[];
  /** The newest batches, from one that is in the object store or next to it on. */
  readonly tail: readonly HeldBatch[];
  /** Where epochs began whose first batches compaction has taken. */
  readonly starts: readonly EpochStart[];
  /** One behind the last record. */
  readonly end: bigint;
}

/** The first batch of a later epoch, and the last one before that. */
interface Boundary {
  readonly before: HeldBatch | undefined;
  readonly after: HeldBatch | undefined;
}

/** @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED, OBJECT_NOT_FOUND where a segment was replaced meanwhile */
export async function findEpochEnd(parts: EpochParts, epoch: number): Promise<EpochEnd> {
  const { before, after } = await boundaryOf(parts, epoch);
  let endOffset = after?.header.baseOffset ?? parts.end;
  for (const one of parts.starts) if (one.epoch > epoch && one.start < endOffset) endOffset = one.start;
  const earlier = parts.starts.filter((one) => one.epoch <= epoch).map((one) => one.epoch);
  const found = Math.max(before === undefined ? -1 : leaderEpochOf(before.bytes), ...earlier);
  return { epoch: found < 0 ? epoch : found, endOffset };
}

async function boundaryOf({ segments, stored, tail }: EpochParts, epoch: number): Promise<Boundary> {
  const isLater = (batch: HeldBatch | undefined) => batch !== undefined && leaderEpochOf(batch.bytes) > epoch;
  const filled = stored.filter(({ records }) => records > 0);
  // A segment's epoch is its writer's: it may begin with what an earlier one had left in the write-ahead log.
  const begun = filled.findIndex((segment) => segment.epoch > epoch);
  const from = begun < 0 ? filled.length : begun;
  const at = await firstFrom(from, filled.length, async (i) =>
    isLater(await lastOf(segments, filled[i] as StoredSegment)),
  );
  const previous = filled[at - 1];
  const lastBefore = async () => (previous === undefined ? undefined : lastOf(segments, previous));
  const segment = filled[at];
  if (segment === undefined) {
    const first = tail.findIndex(isLater);
    const end = first < 0 ? tail.length : first;
    return { before: tail[end - 1] ?? (await lastBefore()), after: tail[end] };
  }
  const { blocks } = await segments.footer(segment);
  const batchesOf = async (i: number) =>
    (await segments.blockOf(segment, (blocks[i] as BlockEntry).baseOffset)).batches;
  const block = await firstFrom(0, blocks.length, async (i) => isLater((await batchesOf(i)).at(-1)));
  const batches = await batchesOf(block);
  const first = batches.findIndex(isLater);
  const before = first > 0 ? batches[first - 1] : block > 0 ? (await batchesOf(block - 1)).at(-1) : undefined;
  return { before: before ?? (await lastBefore()), after: batches[first] };
}

async function lastOf(segments: Segments, segment: StoredSegment): Promise<HeldBatch | undefined> {
  const { blocks } = await segments.footer(segment);
  const last = blocks.at(-1);
  return last && (await segments.blockOf(segment, last.baseOffset)).batches.at(-1);
}

/** The first from `from` on for which it holds, as for all behind that one; near `from` it is soon found. @returns `end` where there is none. */
async function firstFrom(
  from: number,
  end: number,
  holds: (index: number) => Promise<boolean>,
): Promise<number> {
  let low = from;
  let high = from;
  for (let step = 1; high < end && !(await holds(high)); step *= 2) {
    low = high + 1;
    high = Math.min(low + step, end);
  }
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (await holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
