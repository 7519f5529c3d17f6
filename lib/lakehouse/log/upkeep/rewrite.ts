/** Makes one segment of several. */
import { randomBytes } from "node:crypto";
import type { ObjectStore } from "../../storage/index.js";
import type { EpochStart, Manifest } from "../manifest/manifest.js";
import type { ManifestChange } from "../manifest/manifest-file.js";
import { mergedName, type Place } from "../partition/place.js";
import { nextOffset } from "../partition/tail.js";
import { leaderEpochOf } from "../records/header.js";
import type { SegmentSummary, StoredSegment } from "../segment/layout.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import {
  type AbortedTransaction,
  readAborted,
  readProducers,
  type SegmentState,
} from "../segment/segment-state.js";
import { streamSegment } from "../segment/segment-stream.js";
import { batchesOf, type OpenSegment, openSegments } from "./read-segment.js";
import { doomedBy } from "./retention.js";

export interface RewriteParts {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly writerId: bigint;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** What of the batches stays. */
export interface Keeping {
  /** The batch, one with fewer records, or none. @param subject for errors. */
  keep(batch: HeldBatch, subject: string): HeldBatch | undefined;
  /** Asked for when all batches were. */
  keepsAborted(transaction: AbortedTransaction): boolean;
}

/** A segment that was put, and which epochs' first batches it has not. */
export interface Rewritten {
  readonly segment: StoredSegment;
  readonly epochs: readonly EpochStart[];
}

/**
 * Puts a segment that has the batches of several, as they are. Nobody knows of it yet.
 *
 * @param run consecutive segments.
 * @param keeping what stays of them; all where not given.
 * @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED; what the signal was aborted with
 */
export async function rewriteSegments(
  { store, place, writerId, signal }: RewriteParts,
  run: readonly StoredSegment[],
  keeping?: Keeping,
): Promise<Rewritten> {
  const [first, last] = [run[0] as StoredSegment, run.at(-1) as StoredSegment];
  const { topicId, partition, sequence, baseOffset } = first;
  const { epoch, lastSequence, lastStable } = last;
  const object = mergedName(sequence, lastSequence, randomBytes(8).toString("hex"));
  const segments = openSegments(store, place, run);
  let hasGaps = false;
  const epochs: EpochStart[] = [];
  let state: SegmentState = { producers: [], aborted: [], lastStable };
  let latest: OpenSegment | undefined;
  async function* batches(): AsyncGenerator<HeldBatch> {
    let next = baseOffset;
    let latestEpoch: number | undefined;
    for await (const segment of segments) {
      latest = segment;
      const { uri, footer } = segment;
      state = { ...state, aborted: [...state.aborted, ...(await readAborted(store, uri, footer))] };
      for await (const batch of batchesOf(store, segment)) {
        signal.throwIfAborted();
        const kept = keeping === undefined ? batch : keeping.keep(batch, uri);
        const epoch = leaderEpochOf(batch.bytes);
        if (epoch !== latestEpoch && kept === undefined)
          epochs.push({ epoch, start: batch.header.baseOffset });
        latestEpoch = epoch;
        if (kept === undefined) continue;
        hasGaps ||= kept.header.baseOffset !== next;
        next = nextOffset(kept);
        yield kept;
      }
    }
    hasGaps ||= next !== last.nextOffset;
    const aborted = state.aborted.filter((one) => keeping === undefined || keeping.keepsAborted(one));
    state = { ...state, aborted };
    if (latest !== undefined)
      state = { ...state, producers: await readProducers(store, latest.uri, latest.footer) };
  }
  let summary: SegmentSummary | undefined;
  const body = streamSegment(
    {
      identity: { topicId, partition, sequence, epoch },
      writerId,
      baseOffset,
      nextOffset: last.nextOffset,
      batches: batches(),
      end: () => ({ state, hasGaps }),
    },
    (written) => {
      summary = written;
    },
  );
  await store.put(`${place.partition(topicId, partition)}${object}`, body);
  const storedAt = Math.max(...run.map((segment) => segment.storedAt));
  return { segment: { ...(summary as unknown as SegmentSummary), lastSequence, object, storedAt }, epochs };
}

/**
 * Lets one segment take the place of several.
 *
 * @param segments all that count.
 * @returns `undefined` where not all of them count any more.
 */
export function replacing(
  manifest: Manifest,
  segments: readonly StoredSegment[],
  run: readonly StoredSegment[],
  { segment: merged, epochs }: Rewritten,
  now: number,
): ManifestChange | undefined {
  const first = segments.findIndex(({ object }) => object === run[0]?.object);
  const end = first + run.length;
  if (first < 0 || !run.every(({ object }, i) => segments[first + i]?.object === object)) return undefined;
  const listed = Math.max(manifest.segments.length, end);
  const isLonger = end > manifest.segments.length;
  return {
    next: isLonger ? merged.lastSequence + 1 : manifest.next,
    nextOffset: isLonger ? merged.nextOffset : manifest.nextOffset,
    segments: [...segments.slice(0, first), merged, ...segments.slice(end, listed)],
    doomed: [...manifest.doomed, ...doomedBy(run, now)],
    epochs: joined([...manifest.epochs, ...epochs], manifest.start),
  };
}

/** Each epoch once, where it began first; of those that began before the partition does, the last one says enough. */
function joined(all: readonly EpochStart[], from: bigint): EpochStart[] {
  const inOrder = all.toSorted((a, b) => a.epoch - b.epoch || (a.start < b.start ? -1 : 1));
  const first = inOrder.filter(({ epoch }, i) => epoch !== inOrder[i - 1]?.epoch);
  const behind = first.findIndex(({ start }) => start > from);
  return first.slice(Math.max((behind < 0 ? first.length : behind) - 1, 0));
}
