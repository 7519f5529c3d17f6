import type { TableName } from "../catalog/index.js";
import { invalidArgument, unsupported } from "../errors.js";
import { checkOptions, type OptionNames } from "../options.js";
import type { LogCore } from "./core.js";
import { type AppendedTo, firstTurn, intoBatches, joined, listOf, placeOf } from "./into-batches.js";
import { merge } from "./merge.js";
import type { PartitionSize, TopicRecord } from "./meta/log-meta.js";
import type { EpochEnd } from "./partition/epoch-end.js";
import type { Ack, Isolation } from "./partition/partition.js";
import type { PartitionOffsets, PartitionReader } from "./partition/partition-reader.js";
import { nextOffset } from "./partition/tail.js";
import type { NewRecord } from "./records/batch-builder.js";
import { prepareCompression } from "./records/compression.js";
import { leaderEpochOf } from "./records/header.js";
import { type LogRecord, readRecords } from "./records/read-records.js";
import type { ToTableOptions } from "./tables/options.js";
import type { TableStream } from "./tables/table-stream.js";
import type { TopicTables } from "./tables/topic-tables.js";
import { checkPartition, checkTopicName } from "./topics.js";

const FETCH_BYTES = 8 * 1024 * 1024;

export interface AppendRecordsOptions {
  /**
   * When the append is done. `wal` (the default): the records are flushed to this machine's disk, and survive a crash of
   * the process or a power cut. `stored`: they are in the object store, and survive the machine.
   */
  readonly ack?: Ack | undefined;
  /** Where they all go; by key where not given, and those without one to one partition after the other. */
  readonly partition?: number | undefined;
}

/** Where a reader begins: at an offset, at the first or behind the last record, or at the first of a time. */
export type ReadFrom = bigint | "beginning" | "end" | Date;

export interface ReadTopicOptions {
  /** `beginning` where not given. */
  readonly from?: ReadFrom | undefined;
  /** All of them where not given. */
  readonly partition?: number | undefined;
  /** Waits for new records; without it, reading ends where the topic ended when it began. */
  readonly follow?: boolean | undefined;
  /**
   * `read_uncommitted` (the default): records as they come. `read_committed`: those of transactions when these are
   * committed, and never those of aborted ones; so nothing behind the first record of an open transaction.
   */
  readonly isolation?: Isolation | undefined;
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

export interface DeleteRecordsOptions {
  /** All records before this offset, before the first of this time, or all that there are. */
  readonly before: bigint | Date | "end";
  /** All of them where not given. */
  readonly partition?: number | undefined;
}

/** Consecutive records of one partition. */
export interface LogBatch {
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** One behind the last record that readers saw when this was read. */
  readonly highWatermark: bigint;
  /** @internal Of the leader that took the last of what was read. Not known of what a server has read. */
  readonly leaderEpoch?: number | undefined;
}

export const APPEND_OPTIONS: OptionNames<AppendRecordsOptions> = { ack: true, partition: true };
export const DELETE_OPTIONS: OptionNames<DeleteRecordsOptions> = { before: true, partition: true };
export const READ_OPTIONS: OptionNames<ReadTopicOptions> = {
  from: true,
  partition: true,
  follow: true,
  isolation: true,
  signal: true,
};
const ISOLATIONS: Readonly<Record<Isolation, true>> = { read_uncommitted: true, read_committed: true };
const ACKS: Readonly<Record<Ack, true>> = { wal: true, stored: true };

/**
 * A topic, by name: it is looked up when it is used.
 *
 * @example
 * const flights = lake.log.topic("flights");
 * await flights.append([{ key: "HNL", value: JSON.stringify({ delay: 12 }) }]);
 * for await (const { records } of flights.read()) {
 *   for (const { value } of records) console.log(new TextDecoder().decode(value ?? undefined));
 * }
 */
export class Topic {
  readonly name: string;
  readonly #core: LogCore;
  /** Where the next records without a key go; from any on, so that topics that are looked up for one append take turns. */
  #turn = firstTurn();

  readonly #tables: TopicTables | undefined;

  /** @param tables what makes tables of it. @throws LakehouseError INVALID_ARGUMENT */
  constructor(name: string, core: LogCore, tables?: TopicTables) {
    checkTopicName(name);
    this.name = name;
    this.#core = core;
    this.#tables = tables;
  }

  /**
   * Makes the topic an Iceberg table, and follows it until the stream is closed: each record is a row, once, whatever
   * crashes. What becomes no row goes to a topic of dead letters. The columns are those of the schema of the values; a later
   * version of it widens the table.
   *
   * @param name of the table, which is made where there is none.
   * @throws LakehouseError NO_SUCH_TOPIC; NO_SUCH_SUBJECT where the values have no schema; UNSUPPORTED_FEATURE for a schema
   *   that no table can hold; INVALID_ARGUMENT
   * @example
   * const stream = await lake.log.topic("flights").toTable("raw.flights", { partitionSpec: [day("date")] });
   * await stream.flush(); // the table has all that the topic has
   * await lake.sql("select count(*) from raw.flights.stream"); // and all that has come since
   */
  async toTable(name: TableName, options: ToTableOptions = {}): Promise<TableStream> {
    if (this.#tables === undefined)
      throw unsupported(this.name, "This topic was opened without a catalog.", "Use lake.log.topic(name).");
    return this.#tables.open(this.name, name, options);
  }

  /** What the topic is. @throws LakehouseError NO_SUCH_TOPIC */
  describe(): Promise<TopicRecord> {
    return this.#core.topic(this.name);
  }

  /**
   * Appends records. Those of one partition stay in their order; each partition's are one batch, or several of about 1 MB.
   *
   * @returns where they are, by partition.
   * @throws LakehouseError NO_SUCH_TOPIC, NO_SUCH_PARTITION, INVALID_ARGUMENT, RECORD_TOO_LARGE; STORAGE_FAILED where the
   *   disk fails: then nothing was acknowledged. Sent again, records may be there twice: some may have got through, and
   *   where the process ends right after the failure, the rest may be found on the disk.
   */
  async append(
    records: NewRecord | readonly NewRecord[],
    options: AppendRecordsOptions = {},
  ): Promise<AppendedTo[]> {
    checkOptions("append", options, APPEND_OPTIONS);
    const { ack = "wal", partition } = options;
    checkAck(ack);
    const topic = await this.#core.topic(this.name);
    if (partition !== undefined) checkPartition(topic, partition);
    await prepareCompression(topic.config.compression);
    const turn = this.#turn++;
    const batches = intoBatches(
      topic,
      listOf(records),
      this.#core.clock.now(),
      (key) => partition ?? placeOf(key, topic.partitions, turn),
    );
    const appended = await Promise.all(
      batches.map(async ({ partition, batch }) => ({
        partition,
        ...(await (await this.#core.partitionOf(topic, partition)).append(batch, ack)),
      })),
    );
    return joined(appended);
  }

  /**
   * Lets a partition begin at a later offset. Readers have nothing before it from then on, and the objects go when it is
   * time; who follows and is behind it gets OFFSET_OUT_OF_RANGE.
   *
   * @returns where each partition begins then, by number.
   * @throws LakehouseError NO_SUCH_TOPIC, NO_SUCH_PARTITION, OFFSET_OUT_OF_RANGE, INVALID_ARGUMENT; POLICY_VIOLATION where the
   *   topic is only compacted.
   */
  async deleteRecords(options: DeleteRecordsOptions): Promise<bigint[]> {
    checkOptions("deleteRecords", options, DELETE_OPTIONS);
    const { before, partition } = options;
    const topic = await this.#core.topic(this.name);
    if (partition !== undefined) checkPartition(topic, partition);
    if (typeof before === "bigint" && partition === undefined && topic.partitions > 1)
      throw invalidArgument(
        "partition",
        `The topic ${this.name} has ${topic.partitions} partitions, each with offsets of its own.`,
        'Give the partition that the offset is of, or a Date, or "end".',
      );
    const numbers = partition === undefined ? this.#partitions(topic) : [partition];
    for (const number of numbers) {
      const one = await this.#core.partitionOf(topic, number);
      await one.deleteRecords(await offsetOf(one.reader, before, await one.reader.offsets()));
    }
    return (await this.offsets()).map(({ start }) => start);
  }

  /** What each partition has in the object store: of those that have something, by number. */
  async sizes(): Promise<PartitionSize[]> {
    return this.#core.sizes(await this.#core.topic(this.name));
  }

  /**
   * Where reading from a place begins in each partition, by number.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, INVALID_ARGUMENT
   */
  async offsetsAt(from: ReadFrom): Promise<bigint[]> {
    const topic = await this.#core.topic(this.name);
    return Promise.all(
      this.#partitions(topic).map(async (number) => {
        const { reader } = await this.#core.partitionOf(topic, number);
        return offsetOf(reader, from, await reader.offsets());
      }),
    );
  }

  /** Where each partition begins and ends, by number. */
  async offsets(): Promise<PartitionOffsets[]> {
    const topic = await this.#core.topic(this.name);
    return Promise.all(
      this.#partitions(topic).map(async (number) =>
        (await this.#core.partitionOf(topic, number)).reader.offsets(),
      ),
    );
  }

  /**
   * Reads records, those of each partition in their order. From an offset, each partition that has come that far is read
   * from there; one of several that has not gives its records from that offset on, when it has them.
   *
   * @throws LakehouseError NO_SUCH_TOPIC, NO_SUCH_PARTITION, OFFSET_OUT_OF_RANGE, CORRUPT_SEGMENT, STORAGE_FAILED
   */
  async *read(options: ReadTopicOptions = {}): AsyncGenerator<LogBatch> {
    checkOptions("read", options, READ_OPTIONS);
    const { from, partition, signal, isolation = "read_uncommitted" } = options;
    checkIsolation(isolation);
    const topic = await this.#core.topic(this.name);
    if (partition !== undefined) checkPartition(topic, partition);
    const numbers = partition === undefined ? this.#partitions(topic) : [partition];
    // An offset that none of them has is a mistake, or records are lost; one that some have not reached is neither.
    const isReached =
      typeof from === "bigint" && numbers.length > 1 && (await this.offsets()).some(({ end }) => from <= end);
    const ending = new AbortController();
    const stop = () => ending.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      yield* merge(numbers.map((number) => this.#readOne(topic, number, options, isReached, ending.signal)));
    } finally {
      stop();
      signal?.removeEventListener("abort", stop);
    }
  }

  /** @param isReached whether another partition has the offset to read from: this one need not. */
  async *#readOne(
    topic: TopicRecord,
    number: number,
    { from = "beginning", follow = false, isolation = "read_uncommitted" }: ReadTopicOptions,
    isReached: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogBatch> {
    const { reader } = await this.#core.partitionOf(topic, number);
    const offsets = await reader.offsets();
    const end = isolation === "read_committed" ? offsets.lastStable : offsets.end;
    const first = await offsetOf(reader, from, { ...offsets, end });
    let next = first;
    if (isReached && first > offsets.end) next = offsets.end;
    else reader.check(first, offsets);
    while (!signal.aborted && (follow || next < end)) {
      const batches = await reader.batches(next, FETCH_BYTES, { isolation });
      if (batches.length === 0) {
        await reader.untilBeyond(next, signal, { isolation });
        continue;
      }
      const { end: highWatermark } = await reader.offsets();
      const records: LogRecord[] = [];
      const visible = isolation === "read_committed" ? await reader.committed(batches) : batches;
      for (const { bytes } of visible)
        for (const record of readRecords(bytes, `${topic.name}/${number}`))
          if (record.offset >= next && record.offset >= first) records.push(record);
      const last = batches.at(-1) as (typeof batches)[number];
      next = nextOffset(last);
      const leaderEpoch = leaderEpochOf(last.bytes);
      if (records.length > 0) yield { partition: number, records, highWatermark, leaderEpoch };
    }
  }

  /** @internal As `PartitionReader.endOfEpoch`. */
  async endOfEpoch(number: number, epoch: number): Promise<EpochEnd> {
    return (await this.#core.partition(this.name, number)).reader.endOfEpoch(epoch);
  }

  #partitions({ partitions }: TopicRecord): number[] {
    return Array.from({ length: partitions }, (_, number) => number);
  }
}

/** The offset at which reading begins. */
export async function offsetOf(
  reader: PartitionReader,
  from: ReadFrom,
  { start, end }: PartitionOffsets,
): Promise<bigint> {
  if (typeof from === "bigint") return from;
  if (from === "beginning") return start;
  if (from === "end") return end;
  if (from instanceof Date && !Number.isNaN(from.getTime()))
    return reader.offsetSince(BigInt(from.getTime()));
  throw noPlace(from);
}

/** What `from` cannot be. */
export function noPlace(from: unknown) {
  return invalidArgument(
    "from",
    `A topic cannot be read from ${String(from)}.`,
    'Give an offset as a bigint, "beginning", "end", or a Date.',
  );
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkAck(ack: Ack): void {
  if (Object.hasOwn(ACKS, ack)) return;
  throw invalidArgument(
    "ack",
    `There is no acknowledgement ${JSON.stringify(ack)}.`,
    'Give "wal" or "stored".',
  );
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkIsolation(isolation: Isolation): void {
  if (Object.hasOwn(ISOLATIONS, isolation)) return;
  throw invalidArgument(
    "isolation",
    `There is no isolation ${JSON.stringify(isolation)}.`,
    'Give "read_uncommitted" or "read_committed".',
  );
}
