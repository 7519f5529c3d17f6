import type { LogCore } from "../core.js";
import { offsetOutOfRange } from "../errors.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { PartitionReader } from "../partition/partition-reader.js";
import { nextOffset } from "../partition/tail.js";
import { type LogRecord, readRecords } from "../records/read-records.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import type { Positions } from "./positions.js";

/** Record batches that are read at a time, as they are stored: about six times as much when they are JSON. */
const FETCH_BYTES = 1024 * 1024;

/** How far a topic is read: what is committed, as far as it is in the object store or, for queries, acknowledged. */
export type Reach = "stored" | "acknowledged";

/** Records of one partition, and the next offset behind them. There may be none: an aborted transaction's are passed. */
export interface Chunk {
  readonly partition: number;
  readonly next: bigint;
  readonly records: readonly LogRecord[];
  readonly bytes: number;
}

/** Reads the committed records of a topic from given positions on. */
export class TopicSource {
  readonly #core: LogCore;
  readonly #name: string;
  readonly #reach: Reach;
  #topic: TopicRecord;
  #readers: PartitionReader[] = [];
  readonly #positions = new Map<number, bigint>();
  /** The partition that is read next: each has its turn. */
  #turn = 0;

  private constructor(core: LogCore, topic: TopicRecord, reach: Reach) {
    this.#core = core;
    this.#topic = topic;
    this.#name = topic.name;
    this.#reach = reach;
  }

  static async open(
    core: LogCore,
    topic: TopicRecord,
    positions: Positions,
    reach: Reach,
  ): Promise<TopicSource> {
    const source = new TopicSource(core, topic, reach);
    for (const [number, next] of positions) source.#positions.set(number, next);
    await source.refresh();
    return source;
  }

  get positions(): Positions {
    return new Map(this.#positions);
  }

  /** Sees partitions that were added. They are read from their beginning. */
  async refresh(): Promise<void> {
    this.#topic = await this.#core.topic(this.#name);
    for (let number = this.#readers.length; number < this.#topic.partitions; number++) {
      const { reader } = await this.#core.partitionOf(this.#topic, number);
      this.#readers.push(reader);
      if (!this.#positions.has(number)) this.#positions.set(number, (await reader.offsets()).start);
    }
  }

  /** How far each partition can be read now. */
  async ends(): Promise<Positions> {
    const ends = new Map<number, bigint>();
    for (const [number, reader] of this.#readers.entries()) ends.set(number, await this.#end(reader));
    return ends;
  }

  /** The partitions whose position is before or behind what they have. */
  async misplaced(): Promise<number[]> {
    const found: number[] = [];
    for (const [number, reader] of this.#readers.entries()) {
      const { start, end } = await reader.offsets();
      if (this.#position(number) < start || this.#position(number) > end) found.push(number);
    }
    return found;
  }

  /** @throws LakehouseError OFFSET_OUT_OF_RANGE where a position is before or behind what the partition has. */
  async check(): Promise<void> {
    const [number] = await this.misplaced();
    if (number === undefined) return;
    const { start, end } = await (this.#readers[number] as PartitionReader).offsets();
    const [name, position] = [`${this.#name}/${number}`, this.#position(number)];
    throw offsetOutOfRange(
      name,
      position < start
        ? `${name} begins at ${start}, and the table has taken in what is before ${position}: the records between are gone.`
        : `${name} ends at ${end}, and the table has taken in what is before ${position}: the topic has lost records.`,
      `Say where to go on, as in toTable(name, { from: { ${number}: ${position < start ? start : end}n } }).`,
    );
  }

  /** The next records, of whichever partition has some; `undefined` where none has. @param ends not to be passed. */
  async next(ends?: Positions): Promise<Chunk | undefined> {
    for (let tries = 0; tries < this.#readers.length; tries++) {
      const number = this.#turn++ % this.#readers.length;
      const reader = this.#readers[number] as PartitionReader;
      const from = this.#position(number);
      const end = ends?.get(number) ?? (await this.#end(reader));
      if (from >= end) continue;
      const batches = (await reader.batches(from, FETCH_BYTES, { isolation: "read_committed" })).filter(
        ({ header }) => header.baseOffset < end,
      );
      const last = batches.at(-1);
      if (last === undefined) continue;
      const visible = await reader.committed(batches);
      const records: LogRecord[] = [];
      let bytes = 0;
      for (const batch of visible) {
        const isWhole = batch.header.baseOffset >= from && nextOffset(batch) <= end;
        for (const record of readRecords(batch.bytes, `${this.#name}/${number}`)) {
          if (!isWhole && (record.offset < from || record.offset >= end)) continue;
          records.push(record);
          bytes += record.value?.length ?? 0;
        }
      }
      const next = min(nextOffset(last as HeldBatch), end);
      this.#positions.set(number, next);
      return { partition: number, next, records, bytes };
    }
    return undefined;
  }

  /** Resolves when there may be more, or when `signal` is aborted. */
  async untilMore(signal: AbortSignal): Promise<void> {
    const more = new AbortController();
    const stop = () => more.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      await Promise.all(
        this.#readers.map(async (reader, number) => {
          try {
            await reader.untilBeyond(this.#position(number), more.signal, { isolation: "read_committed" });
          } finally {
            stop();
          }
        }),
      );
    } finally {
      stop();
      signal.removeEventListener("abort", stop);
    }
  }

  /** Whether there is more than can be read yet: it is on its way to the object store. */
  async isBehind(): Promise<boolean> {
    for (const [number, reader] of this.#readers.entries())
      if ((await reader.offsets()).lastStable > this.#position(number)) return true;
    return false;
  }

  #position(number: number): bigint {
    return this.#positions.get(number) ?? 0n;
  }

  async #end(reader: PartitionReader): Promise<bigint> {
    const { lastStable, stored } = await reader.offsets();
    return this.#reach === "stored" ? min(lastStable, stored) : lastStable;
  }
}

const min = (a: bigint, b: bigint) => (a < b ? a : b);
