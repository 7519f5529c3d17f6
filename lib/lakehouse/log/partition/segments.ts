/** Reads what is in the object store, through a cache of blocks. */
import { LRUCache } from "lru-cache";
import type { ObjectStore } from "../../storage/index.js";
import { corruptSegment } from "../errors.js";
import type { Manifest } from "../manifest/manifest.js";
import { readManifest } from "../manifest/manifest-file.js";
import { logReads } from "../metrics.js";
import {
  type BlockEntry,
  damagedSegment,
  offsets,
  type SegmentFooter,
  type StoredSegment,
} from "../segment/layout.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import { readBlock, readFooterOf, tailOf } from "../segment/segment-reader.js";
import { type AbortedTransaction, readAborted } from "../segment/segment-state.js";
import { type Place, segmentName } from "./place.js";

const FOOTERS = 10_000;
const ABORTED_LISTS = 1_000;

interface Wanted {
  readonly uri: string;
  readonly entry: BlockEntry;
}

/** A block of a segment, and which one it is; no batches where the segment has none from an offset on. */
export interface ReadBlock {
  readonly batches: readonly HeldBatch[];
  /** One behind its last offset. */
  readonly next: bigint;
}

/**
 * Segments never change, so what was read of one stays true. Who asks for a block that is being read waits for the same
 * request.
 */
export class Segments {
  readonly #store: ObjectStore;
  readonly #place: Place;
  readonly #footers: LRUCache<string, SegmentFooter, StoredSegment>;
  readonly #blocks: LRUCache<string, readonly HeldBatch[], Wanted>;
  readonly #aborted: LRUCache<string, readonly AbortedTransaction[], SegmentFooter>;

  /** @param cacheBytes the most bytes of blocks that are kept. */
  constructor(store: ObjectStore, place: Place, cacheBytes: number) {
    this.#store = store;
    this.#place = place;
    this.#footers = new LRUCache({
      max: FOOTERS,
      ignoreFetchAbort: true,
      fetchMethod: (uri, _, { context }) => this.#readFooter(uri, context),
    });
    this.#aborted = new LRUCache({
      max: ABORTED_LISTS,
      ignoreFetchAbort: true,
      fetchMethod: (uri, _, { context }) => readAborted(this.#store, uri, context),
    });
    this.#blocks = new LRUCache({
      maxSize: cacheBytes,
      sizeCalculation: (batches) => batches.reduce((sum, { bytes }) => sum + bytes.length, 1),
      ignoreFetchAbort: true,
      fetchMethod: (_key, _, { context }) => this.#readBlock(context),
    });
  }

  /** The block of a segment that has the offset. @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED, OBJECT_NOT_FOUND */
  async blockOf(segment: StoredSegment, offset: bigint): Promise<ReadBlock> {
    const { uri, entry } = await this.#find(segment, offset);
    if (entry === undefined) return { batches: [], next: segment.nextOffset };
    const key = `${uri}#${entry.position}`;
    logReads.publish({ source: this.#blocks.has(key) ? "cache" : "store", bytes: entry.bytes });
    const batches = await this.#blocks.fetch(key, { context: { uri, entry } });
    return { batches: batches ?? [], next: entry.lastOffset + 1n };
  }

  /** Begins to read the block that has the offset, for who will ask for it. A failure is for that one to hear. */
  async prefetch(segment: StoredSegment, offset: bigint): Promise<void> {
    try {
      const { uri, entry } = await this.#find(segment, offset);
      if (entry === undefined) return;
      await this.#blocks.fetch(`${uri}#${entry.position}`, { context: { uri, entry } });
    } catch {
      // Asked for again when it is wanted.
    }
  }

  /** The first block of the segment with a record of that time or later. */
  async offsetSince(segment: StoredSegment, timestamp: bigint): Promise<bigint | undefined> {
    const { blocks } = await this.footer(segment);
    return blocks.find(({ maxTimestamp }) => maxTimestamp >= timestamp)?.baseOffset;
  }

  async footer(segment: StoredSegment): Promise<SegmentFooter> {
    const uri = this.#place.object(segment);
    return (await this.#footers.fetch(uri, { context: segment })) as SegmentFooter;
  }

  /** The transactions whose abort markers are in a segment. */
  async aborted(segment: StoredSegment): Promise<readonly AbortedTransaction[]> {
    const footer = await this.footer(segment);
    if (footer.aborted.bytes === 0) return [];
    return (await this.#aborted.fetch(this.#place.object(segment), { context: footer })) ?? [];
  }

  /** What the store says of a partition now. */
  manifest(topicId: string, partition: number): Promise<Manifest | undefined> {
    return readManifest(this.#store, this.#place.manifest(topicId, partition));
  }

  /** Where segments were merged, the last of their records may be gone. */
  async #find(
    segment: StoredSegment,
    offset: bigint,
  ): Promise<{ readonly uri: string; readonly entry: BlockEntry | undefined }> {
    const uri = this.#place.object(segment);
    const { blocks } = await this.footer(segment);
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((blocks[middle] as BlockEntry).lastOffset >= offset) high = middle;
      else low = middle + 1;
    }
    const entry = blocks[low];
    if (entry === undefined && segment.object === segmentName(segment.sequence))
      throw damagedSegment(uri, holdsOf(segment), `its index has no block for offset ${offset}`);
    return { uri, entry };
  }

  async #readFooter(uri: string, segment: StoredSegment): Promise<SegmentFooter> {
    const tail = await this.#store.read(uri, tailOf(segment.bytes));
    return readFooterOf(tail, segment.bytes, uri, segment);
  }

  async #readBlock({ uri, entry }: Wanted): Promise<readonly HeldBatch[]> {
    const range = { start: entry.position, end: entry.position + entry.bytes };
    try {
      return readBlock(await this.#store.read(uri, range), entry, uri);
    } catch (error) {
      if (!corruptSegment.is(error)) throw error;
      // Bytes can change on their way, too: what is damaged where it lies is so again.
      return readBlock(await this.#store.read(uri, range), entry, uri);
    }
  }
}

function holdsOf({ baseOffset, nextOffset }: StoredSegment): string {
  return offsets(baseOffset, nextOffset);
}
