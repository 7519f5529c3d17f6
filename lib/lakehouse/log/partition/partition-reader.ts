import { objectNotFound } from "../../storage/index.js";
import { offsetOutOfRange, topicDeleted } from "../errors.js";
import type { LogMeta, TopicRecord } from "../meta/log-meta.js";
import { logReads } from "../metrics.js";
import { CONTROL, TRANSACTIONAL } from "../records/header.js";
import { type LogRecord, readRecords } from "../records/read-records.js";
import type { StoredSegment } from "../segment/layout.js";
import { type HeldBatch, larger } from "../segment/segment-builder.js";
import type { AbortedTransaction } from "../segment/segment-state.js";
import { type Clock, holding, sleep } from "./clock.js";
import { type EpochEnd, findEpochEnd, UNKNOWN_END } from "./epoch-end.js";
import type { Isolation, Partition } from "./partition.js";
import type { Segments } from "./segments.js";
import { nextOffset } from "./tail.js";

/** How often another process's records are looked for: it makes them known when they are in the object store. */
const POLL_MS = 500;

/** Where a partition begins and ends. */
export interface PartitionOffsets {
  /** The first that readers may have: records before it are gone, or will be. */
  readonly start: bigint;
  /** One behind the last record that readers see: the high watermark. */
  readonly end: bigint;
  /** Before it, all transactions have ended: who reads what is committed sees no further. */
  readonly lastStable: bigint;
  /** One behind the last record in the object store. */
  readonly stored: bigint;
}

/** What of a partition is read. */
export interface ReadBatchesOptions {
  /** `read_uncommitted` where not given. */
  readonly isolation?: Isolation | undefined;
}

export interface ReaderParts {
  readonly meta: LogMeta;
  readonly segments: Segments;
  readonly clock: Clock;
  /** The partition's writer, where it is in this process. */
  readonly writer: () => Partition | undefined;
  /** Makes known what other servers have put; not given where the metadata knows all. */
  readonly learn?: (() => Promise<void>) | undefined;
}

/** Reads one partition: from its writer's memory where it is there, else from the object store. */
export class PartitionReader {
  readonly #topic: TopicRecord;
  readonly #partition: number;
  readonly #parts: ReaderParts;

  constructor(topic: TopicRecord, partition: number, parts: ReaderParts) {
    this.#topic = topic;
    this.#partition = partition;
    this.#parts = parts;
  }

  async offsets(): Promise<PartitionOffsets> {
    const { meta, writer } = this.#parts;
    const { id } = this.#topic;
    // The end first: what is stored in between must not be taken for what was never there.
    if (writer() === undefined) await this.#parts.learn?.();
    // Which may be here by now, and is behind the store for as long as it takes to hear that a segment is there.
    const partition = writer();
    const known = partition && {
      end: partition.highWatermark,
      lastStable: partition.lastStable,
      stored: partition.stored,
    };
    const last = known === undefined ? await meta.lastSegment(id, this.#partition) : undefined;
    const stored = known?.stored ?? last?.nextOffset ?? 0n;
    const start = await this.start();
    return {
      start,
      end: known?.end ?? stored,
      // Of a transaction that is open, the first records may be deleted: nobody can read from before what is kept.
      lastStable: larger(start, known?.lastStable ?? last?.lastStable ?? stored),
      stored,
    };
  }

  /** Of the first record that is kept; where there is none, of the next. */
  async start(): Promise<bigint> {
    const { meta, writer } = this.#parts;
    return writer()?.start ?? (await meta.manifest(this.#topic.id, this.#partition))?.start ?? 0n;
  }

  /** @throws LakehouseError OFFSET_OUT_OF_RANGE for an offset that is neither there nor the next. */
  check(from: bigint, { start, end }: PartitionOffsets): void {
    if (from >= start && from <= end) return;
    // Seen where it is stored, before the writer has heard that it is.
    if (from >= start && from <= (this.#parts.writer()?.durable ?? end)) return;
    const name = `${this.#topic.name}/${this.#partition}`;
    throw offsetOutOfRange(
      name,
      start === end
        ? `${name} has no offset ${from}: it is empty, and the next record gets ${end}.`
        : `${name} has no offset ${from}: it has ${start} to ${end - 1n}.`,
      'Read from "beginning" or "end", or from an offset between them.',
    );
  }

  /**
   * Batches from the one that has `from`; none at the end of the partition. Who reads what is committed gets no batch behind
   * the last stable offset, but those of aborted transactions: `abortedIn` says which they are, and `committed` leaves
   * them out.
   *
   * @param maxBytes in all, but for the first batch, which always comes.
   * @throws LakehouseError OFFSET_OUT_OF_RANGE, CORRUPT_SEGMENT, STORAGE_FAILED
   */
  async batches(
    from: bigint,
    maxBytes: number,
    { isolation = "read_uncommitted" }: ReadBatchesOptions = {},
  ): Promise<readonly HeldBatch[]> {
    const writer = this.#parts.writer();
    if (
      writer !== undefined &&
      from >= writer.tailStart &&
      from >= writer.start &&
      from <= writer.highWatermark
    ) {
      const batches = writer.readTail(from, maxBytes, isolation);
      logReads.publish({
        source: "memory",
        bytes: batches.reduce((sum, { bytes }) => sum + bytes.length, 0),
      });
      return batches;
    }
    if (isolation === "read_uncommitted") return this.#stored(from, maxBytes);
    const end = await this.#lastStable();
    if (from >= end) return this.#noneFrom(from);
    return (await this.#stored(from, maxBytes)).filter(({ header }) => header.baseOffset < end);
  }

  /** Of batches that were read as committed: those with records that are. */
  async committed(batches: readonly HeldBatch[]): Promise<readonly HeldBatch[]> {
    const [first] = batches;
    if (first === undefined || !batches.some(isTransactional)) return batches;
    const end = nextOffset(batches.at(-1) as HeldBatch);
    const aborted = await this.abortedIn(first.header.baseOffset, end);
    return batches.filter(({ header: { producerId, baseOffset, attributes } }) => {
      if ((attributes & CONTROL) !== 0) return false;
      const isAborted = (one: AbortedTransaction) =>
        one.producerId === producerId && one.firstOffset <= baseOffset && baseOffset < one.lastOffset;
      return (attributes & TRANSACTIONAL) === 0 || !aborted.some(isAborted);
    });
  }

  /**
   * The aborted transactions that have an offset from `from` to before `to`, by their first offset.
   *
   * @param to not behind the last stable offset: then the markers of all of them are there.
   */
  async abortedIn(from: bigint, to: bigint): Promise<AbortedTransaction[]> {
    const { meta, segments, writer } = this.#parts;
    // The memory first: what goes from there is in the object store by then.
    const recent = writer()?.aborted ?? [];
    const recentFrom = writer()?.tailStart;
    const found = new Map(recent.map((one) => [one.lastOffset, one]));
    for (let at = from; recentFrom === undefined || at < recentFrom; ) {
      const segment = await meta.segmentOf(this.#topic.id, this.#partition, at);
      if (segment === undefined) break;
      const aborted = await this.#unlessReplaced(segment, at, segments.aborted(segment));
      if (aborted === undefined) continue;
      for (const one of aborted) found.set(one.lastOffset, one);
      // Up to there, all have ended in this segment or before.
      if (segment.lastStable >= to) break;
      at = segment.nextOffset;
    }
    return [...found.values()]
      .filter(({ firstOffset, lastOffset }) => firstOffset < to && lastOffset >= from)
      .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  async #lastStable(): Promise<bigint> {
    const known = this.#parts.writer()?.lastStable;
    if (known !== undefined) return known;
    await this.#parts.learn?.();
    return (await this.#parts.meta.lastSegment(this.#topic.id, this.#partition))?.lastStable ?? 0n;
  }

  async #noneFrom(from: bigint): Promise<readonly HeldBatch[]> {
    await this.#checkTopic();
    this.check(from, await this.offsets());
    return [];
  }

  async #stored(from: bigint, maxBytes: number): Promise<readonly HeldBatch[]> {
    const { meta, segments, writer, learn } = this.#parts;
    let segment = await meta.segmentOf(this.#topic.id, this.#partition, from);
    if (segment === undefined && writer() === undefined && learn !== undefined) {
      await learn();
      segment = await meta.segmentOf(this.#topic.id, this.#partition, from);
    }
    if (segment === undefined || from < (await this.start())) return this.#noneFrom(from);
    const block = await this.#unlessReplaced(segment, from, segments.blockOf(segment, from));
    if (block === undefined) return this.batches(from, maxBytes);
    const { batches, next } = block;
    if (batches.length === 0) return this.batches(next, maxBytes);
    void this.#prefetch(next);
    let first = 0;
    while (first < batches.length && nextOffset(batches[first] as HeldBatch) <= from) first++;
    let bytes = 0;
    let end = first;
    while (end < batches.length) {
      bytes += (batches[end] as HeldBatch).bytes.length;
      if (end > first && bytes > maxBytes) break;
      end++;
    }
    return batches.slice(first, end);
  }

  /** What was read of a segment; `undefined` where it is to be read from another by now. */
  async #unlessReplaced<T>(segment: StoredSegment, offset: bigint, read: Promise<T>): Promise<T | undefined> {
    try {
      return await read;
    } catch (error) {
      await this.#checkTopic();
      if (!objectNotFound.is(error) || !(await this.#isReplaced(segment, offset))) throw error;
      return undefined;
    }
  }

  /** Whether other objects have the segment's records by now, or none: the metadata, or the store itself, knows. */
  async #isReplaced({ object }: StoredSegment, offset: bigint): Promise<boolean> {
    const { meta, segments } = this.#parts;
    const { id } = this.#topic;
    const now = await meta.segmentOf(id, this.#partition, offset);
    if (now?.object !== object) return true;
    const manifest = await segments.manifest(id, this.#partition);
    const known = await meta.manifest(id, this.#partition);
    if (manifest === undefined || manifest.revision <= (known?.revision ?? -1)) return false;
    await meta.setManifest(id, this.#partition, manifest);
    return true;
  }

  /** Who follows a topic hears of its end. @throws LakehouseError NO_SUCH_TOPIC */
  async #checkTopic(): Promise<void> {
    const { id, name } = this.#topic;
    if ((await this.#parts.meta.topic(name))?.id !== id) throw topicDeleted(name);
  }

  /** A reader who has read a block will want the next. */
  async #prefetch(offset: bigint): Promise<void> {
    const { meta, segments } = this.#parts;
    const segment = await meta.segmentOf(this.#topic.id, this.#partition, offset).catch(() => undefined);
    if (segment !== undefined) await segments.prefetch(segment, offset);
  }

  /** Resolves when there may be something to read at `offset`, or when `signal` is aborted. */
  async untilBeyond(
    offset: bigint,
    signal: AbortSignal,
    { isolation = "read_uncommitted" }: ReadBatchesOptions = {},
  ): Promise<void> {
    const { clock } = this.#parts;
    const writer = this.#parts.writer();
    await holding(
      clock,
      writer === undefined ? sleep(clock, POLL_MS, signal) : writer.untilBeyond(offset, isolation, signal),
    );
  }

  /**
   * Up to where the records of a leader's epoch go: who has read further under it has read what is there no more.
   *
   * @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED
   */
  async endOfEpoch(epoch: number): Promise<EpochEnd> {
    const { meta, segments, writer } = this.#parts;
    const { id } = this.#topic;
    const { end } = await this.offsets();
    const partition = writer();
    if (epoch === partition?.epoch) return { epoch, endOffset: end };
    // Before what is stored: a batch that goes there meanwhile is in both.
    const tail = partition?.readTail(partition.tailStart, Number.POSITIVE_INFINITY, "read_uncommitted") ?? [];
    const stored = await meta.segments(id, this.#partition);
    if (epoch < 0 || epoch > (partition?.epoch ?? stored.at(-1)?.epoch ?? -1)) return UNKNOWN_END;
    const manifest = partition?.manifest.known ?? (await segments.manifest(id, this.#partition));
    try {
      return await findEpochEnd({ segments, stored, tail, starts: manifest?.epochs ?? [], end }, epoch);
    } catch (error) {
      const now = new Set((await meta.segments(id, this.#partition)).map(({ object }) => object));
      if (!objectNotFound.is(error) || stored.every(({ object }) => now.has(object))) throw error;
      return this.endOfEpoch(epoch);
    }
  }

  /** The first offset with a record of that time, in milliseconds, or later; the end where there is none. */
  async offsetSince(timestamp: bigint): Promise<bigint> {
    const { end } = await this.offsets();
    return (await this.recordSince(timestamp))?.offset ?? end;
  }

  /** The first record of that time, in milliseconds, or later, if there is one. */
  async recordSince(timestamp: bigint): Promise<LogRecord | undefined> {
    const { meta, segments } = this.#parts;
    // Before the search: what is stored in the midst of it was looked for by nobody.
    const { start, end, stored } = await this.offsets();
    const segment = await meta.segmentSince(this.#topic.id, this.#partition, timestamp);
    const block = segment === undefined ? undefined : await segments.offsetSince(segment, timestamp);
    let from = block ?? stored;
    if (from < start) from = start;
    while (from < end) {
      const batches = await this.batches(from, Number.POSITIVE_INFINITY);
      if (batches.length === 0) break;
      for (const batch of batches) {
        if (batch.header.maxTimestamp >= timestamp) {
          const found = readRecords(batch.bytes, this.#topic.name).find(
            (record) => record.timestamp >= timestamp && record.offset >= start,
          );
          if (found !== undefined) return found;
        }
        from = nextOffset(batch);
      }
    }
    return undefined;
  }

  /** The record with the largest timestamp; of several, the first. Nothing where there is no record. */
  async latestRecord(): Promise<LogRecord | undefined> {
    const { start, end, stored } = await this.offsets();
    const latest = new LatestRecord(start, this.#topic.name);
    const known = await this.#parts.meta.segments(this.#topic.id, this.#partition);
    for (const segment of latestFirst(known.filter(({ nextOffset }) => nextOffset > start))) {
      if (latest.isBefore(segment)) continue;
      const read = this.#offer(segment, start, latest).then(() => true);
      if ((await this.#unlessReplaced(segment, segment.baseOffset, read)) !== true)
        return this.latestRecord();
    }
    let from = larger(stored, start);
    while (from < end) {
      const batches = await this.batches(from, Number.POSITIVE_INFINITY);
      if (batches.length === 0) break;
      latest.offer(batches);
      from = nextOffset(batches.at(-1) as HeldBatch);
    }
    return latest.found;
  }

  async #offer(segment: StoredSegment, start: bigint, latest: LatestRecord): Promise<void> {
    const { segments } = this.#parts;
    const { blocks } = await segments.footer(segment);
    for (const block of latestFirst(blocks.filter(({ lastOffset }) => lastOffset >= start))) {
      if (latest.isBefore(block)) continue;
      latest.offer((await segments.blockOf(segment, block.baseOffset)).batches);
    }
  }
}

/** A segment, a block or a batch. */
interface Timed {
  readonly maxTimestamp: bigint;
  readonly baseOffset: bigint;
}

/** Keeps the latest of the records that it is offered. */
class LatestRecord {
  readonly #start: bigint;
  readonly #subject: string;
  found: LogRecord | undefined;

  /** @param start records before it are none. */
  constructor(start: bigint, subject: string) {
    this.#start = start;
    this.#subject = subject;
  }

  /** Nothing in there is later, or as late and before it: of records without timestamps, all are as late. */
  isBefore({ maxTimestamp, baseOffset }: Timed): boolean {
    if (this.found === undefined || maxTimestamp > this.found.timestamp) return false;
    return maxTimestamp < this.found.timestamp || baseOffset > this.found.offset;
  }

  offer(batches: readonly HeldBatch[]): void {
    for (const { bytes, header } of batches) {
      if (this.isBefore(header)) continue;
      for (const record of readRecords(bytes, this.#subject))
        if (record.offset >= this.#start && this.#isLater(record)) this.found = record;
    }
  }

  #isLater({ timestamp, offset }: LogRecord): boolean {
    const { found } = this;
    if (found === undefined || timestamp > found.timestamp) return true;
    return timestamp === found.timestamp && offset < found.offset;
  }
}

function latestFirst<Some extends Timed>(all: readonly Some[]): Some[] {
  return all.toSorted((a, b) =>
    a.maxTimestamp > b.maxTimestamp ? -1 : a.maxTimestamp < b.maxTimestamp ? 1 : 0,
  );
}

function isTransactional({ header }: HeldBatch): boolean {
  return (header.attributes & TRANSACTIONAL) !== 0;
}
