/** Makes record batches of the records of one call: for each partition one, or several of about 1 MB. */
import { invalidArgument } from "../errors.js";
import type { TopicRecord } from "./meta/log-meta.js";
import { checkSize } from "./partition/checks.js";
import type { Appended } from "./partition/partition.js";
import { partitionOf } from "./partitioner.js";
import { BatchBuilder, type BatchProducer, type NewRecord } from "./records/batch-builder.js";

export interface AppendedTo extends Appended {
  readonly partition: number;
}

/** A batch, and where it goes. */
export interface PlacedBatch {
  readonly partition: number;
  readonly batch: Uint8Array;
}

/** Of a batch before compression: what more there is goes into the next. */
const BATCH_BYTES = 1024 * 1024;
const MOST_TURNS = 2 ** 30;

/** Where the records of a first call without a key go: to any, so that who makes one call only takes a turn, too. */
export function firstTurn(): number {
  return Math.floor(Math.random() * MOST_TURNS);
}

/** By key; without one, all of a call to the partition whose turn it is. */
export function placeOf(key: NewRecord["key"], partitions: number, turn: number): number {
  return key === null || key === undefined ? turn % partitions : partitionOf(key, partitions);
}

export function listOf(records: NewRecord | readonly NewRecord[]): readonly NewRecord[] {
  return Array.isArray(records) ? records : [records as NewRecord];
}

/**
 * @param now what records without a timestamp get, in milliseconds since the epoch.
 * @param place the partition of a record with that key.
 * @param producer whose batches they are, by partition and number of records.
 * @throws LakehouseError INVALID_ARGUMENT, RECORD_TOO_LARGE: before any is appended, so that all of it can be sent again
 */
export function intoBatches(
  { name, config }: TopicRecord,
  records: readonly NewRecord[],
  now: number,
  place: (key: NewRecord["key"]) => number,
  producer?: (partition: number, count: number) => BatchProducer,
): PlacedBatch[] {
  const limit = Math.min(BATCH_BYTES, config.maxBatchBytes);
  const builders = new Map<number, BatchBuilder>();
  const batches: PlacedBatch[] = [];
  const build = (partition: number, builder: BatchBuilder) => {
    const batch = builder.build(producer?.(partition, builder.count));
    checkSize(batch, config.maxBatchBytes, `${name}/${partition}`);
    batches.push({ partition, batch });
  };
  for (const record of records) {
    checkRecord(record);
    const partition = place(record.key);
    let builder = builders.get(partition);
    if (builder === undefined) {
      builder = new BatchBuilder(config.compression);
      builders.set(partition, builder);
    }
    if (builder.add(record, now, limit)) continue;
    build(partition, builder);
    builder.add(record, now);
  }
  for (const [partition, builder] of builders) if (builder.count > 0) build(partition, builder);
  return batches;
}

/** Types do not hold in plain JavaScript, and a record of the wrong kind would be stored as another. */
export function checkRecord(record: NewRecord): void {
  const { key, value, headers, timestamp } = record ?? {};
  const isContent = (content: unknown) =>
    content === null || typeof content === "string" || content instanceof Uint8Array;
  const isTime =
    timestamp === undefined || (Number.isSafeInteger(timestamp) && Math.abs(timestamp) < 2 ** 51);
  const areHeaders =
    headers === undefined ||
    (Array.isArray(headers) &&
      headers.every((header) => typeof header?.key === "string" && isContent(header.value)));
  if ((key === undefined || isContent(key)) && isContent(value) && areHeaders && isTime) return;
  throw invalidArgument(
    "record",
    "A record is not what a topic takes.",
    "Give a value, and a key if there is one, as text, bytes or null; headers as { key, value }; a timestamp as whole milliseconds below 2^51.",
  );
}

/** One for each partition, of the batches that it got. */
export function joined(appended: readonly AppendedTo[]): AppendedTo[] {
  const byPartition = new Map<number, AppendedTo>();
  for (const one of appended) {
    const before = byPartition.get(one.partition);
    byPartition.set(one.partition, before === undefined ? one : { ...before, lastOffset: one.lastOffset });
  }
  return [...byPartition.values()];
}
