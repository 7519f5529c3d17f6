/** Reads whole segments, a block at a time, beside the cache that is for readers. */
import type { ObjectStore } from "../../storage/index.js";
import type { Place } from "../partition/place.js";
import type { SegmentFooter, StoredSegment } from "../segment/layout.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import { readBlock, readFooterOf, tailOf } from "../segment/segment-reader.js";

/** A segment whose footer was read. */
export interface OpenSegment {
  readonly uri: string;
  readonly footer: SegmentFooter;
  /** The last bytes of the object: all of it, where it is small. */
  readonly tail: Uint8Array;
}

/** @throws LakehouseError CORRUPT_SEGMENT, OBJECT_NOT_FOUND, STORAGE_FAILED */
export async function openSegment(
  store: ObjectStore,
  place: Place,
  segment: StoredSegment,
): Promise<OpenSegment> {
  const uri = place.object(segment);
  const tail = await store.read(uri, tailOf(segment.bytes));
  return { uri, tail, footer: readFooterOf(tail, segment.bytes, uri, segment) };
}

/** In their order; the next block is read while one is used. @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED */
export async function* batchesOf(store: ObjectStore, segment: OpenSegment): AsyncGenerator<HeldBatch> {
  const { uri, footer, tail } = segment;
  const tailStart = footer.bytes - tail.length;
  const read = (i: number): Promise<Uint8Array> | undefined => {
    const entry = footer.blocks[i];
    if (entry === undefined) return undefined;
    const { position, bytes } = entry;
    if (position >= tailStart)
      return Promise.resolve(tail.subarray(position - tailStart, position - tailStart + bytes));
    const reading = store.read(uri, { start: position, end: position + bytes });
    // It is heard of when its turn comes; who ends before that does not need it.
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(0);
  for (const [i, entry] of footer.blocks.entries()) {
    const bytes = (await next) as Uint8Array;
    next = read(i + 1);
    yield* readBlock(bytes, entry, uri);
  }
}

/** Opens segments one after the other, some ahead of the one that is used. */
export async function* openSegments(
  store: ObjectStore,
  place: Place,
  segments: readonly StoredSegment[],
): AsyncGenerator<OpenSegment> {
  const ahead: Promise<OpenSegment>[] = [];
  for (let i = 0; i < segments.length; i++) {
    while (ahead.length <= AHEAD && i + ahead.length < segments.length) {
      const opening = openSegment(store, place, segments[i + ahead.length] as StoredSegment);
      opening.catch(() => undefined);
      ahead.push(opening);
    }
    yield await (ahead.shift() as Promise<OpenSegment>);
  }
}

/** Of tails, each of 64 KiB at most. */
const AHEAD = 8;
