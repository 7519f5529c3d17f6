/** What is in the messages, as the log has it, and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument } from "../../errors.js";
import { configOf, configText } from "../config-text.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { DEFAULT_CONFIG } from "../meta/topic-config.js";
import type { Ack, Isolation } from "../partition/partition.js";
import type { NewRecord, RecordHeader } from "../records/batch-builder.js";
import type { LogRecord, ReadHeader } from "../records/read-records.js";
import { type LogBatch, noPlace, type ReadFrom } from "../topic.js";
import type { Topic, TopicSchema } from "./generated/sololakehouse/log/v1/admin_pb.js";
import {
  Isolation as IsolationMessage,
  type ReadFrom as ReadFromMessage,
  type ReadFromSchema,
  type RecordBatch,
  type RecordBatchSchema,
} from "./generated/sololakehouse/log/v1/consumer_pb.js";
import { Ack as AckMessage } from "./generated/sololakehouse/log/v1/producer_pb.js";
import type {
  Header,
  HeaderSchema,
  NewRecord as NewRecordMessage,
  NewRecordSchema,
  RecordSchema,
} from "./generated/sololakehouse/log/v1/record_pb.js";

/** Of the records of one message, at most, but for a first that is larger: gRPC's clients take 4 MiB where not told otherwise. */
const MESSAGE_BYTES = 1024 * 1024;
/** What a record takes beside its content. */
const RECORD_BYTES = 32;

export function ackOf(ack: AckMessage): Ack {
  if (ack === AckMessage.UNSPECIFIED || ack === AckMessage.WAL) return "wal";
  if (ack === AckMessage.STORED) return "stored";
  throw invalidArgument("ack", `There is no acknowledgement ${ack}.`, "Give ACK_WAL or ACK_STORED.");
}

export function isolationOf(isolation: IsolationMessage): Isolation {
  if (isolation === IsolationMessage.READ_COMMITTED) return "read_committed";
  if (isolation === IsolationMessage.UNSPECIFIED || isolation === IsolationMessage.READ_UNCOMMITTED)
    return "read_uncommitted";
  throw invalidArgument(
    "isolation",
    `There is no isolation ${isolation}.`,
    "Give ISOLATION_READ_UNCOMMITTED or ISOLATION_READ_COMMITTED.",
  );
}

export const ISOLATIONS: Readonly<Record<Isolation, IsolationMessage>> = {
  read_uncommitted: IsolationMessage.READ_UNCOMMITTED,
  read_committed: IsolationMessage.READ_COMMITTED,
};

export const ACKS: Readonly<Record<Ack, AckMessage>> = { wal: AckMessage.WAL, stored: AckMessage.STORED };

/** @throws LakehouseError INVALID_ARGUMENT */
export function newRecordOf({ key, value, headers, timestamp }: NewRecordMessage): NewRecord {
  return {
    key: key ?? null,
    value: value ?? null,
    headers: headers.map(headerOf),
    ...(timestamp === undefined ? {} : { timestamp: Number(timestamp) }),
  };
}

export function newRecordMessage({
  key,
  value,
  headers = [],
  timestamp,
}: NewRecord): MessageInitShape<typeof NewRecordSchema> {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers.map(headerMessage),
    ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
  };
}

/** Null is a field that is absent. */
function bytesOf(content: Uint8Array | string | null | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (content === null || content === undefined) return undefined;
  return (typeof content === "string" ? Buffer.from(content) : content) as Uint8Array<ArrayBuffer>;
}

function headerOf({ key, value }: Header): { readonly key: string; readonly value: Uint8Array | null } {
  return { key, value: value ?? null };
}

function headerMessage({ key, value }: RecordHeader | ReadHeader): MessageInitShape<typeof HeaderSchema> {
  return { key, value: bytesOf(value) };
}

function recordMessage({
  offset,
  timestamp,
  key,
  value,
  headers,
}: LogRecord): MessageInitShape<typeof RecordSchema> {
  return { offset, timestamp, key: bytesOf(key), value: bytesOf(value), headers: headers.map(headerMessage) };
}

/** What was read, in messages. @param most bytes of records in each, but for a first that is larger. */
export function* batchMessages(
  { partition, records, highWatermark }: LogBatch,
  most = MESSAGE_BYTES,
): Generator<MessageInitShape<typeof RecordBatchSchema>> {
  let from = 0;
  let bytes = 0;
  const message = (to: number): MessageInitShape<typeof RecordBatchSchema> => ({
    partition,
    records: records.slice(from, to).map(recordMessage),
    highWatermark,
    nextOffset: (records[to - 1] as LogRecord).offset + 1n,
  });
  for (const [at, record] of records.entries()) {
    const size = sizeOf(record);
    if (at > from && bytes + size > most) {
      yield message(at);
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < records.length) yield message(records.length);
}

/** About what a record takes in a message. */
export function sizeOf({ key, value, headers = [] }: NewRecord | LogRecord): number {
  let size = RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) size += header.key.length + (header.value?.length ?? 0) + RECORD_BYTES;
  return size;
}

export function batchOf({ partition, records, highWatermark }: RecordBatch): LogBatch {
  return {
    partition,
    records: records.map(({ offset, timestamp, key, value, headers }) => ({
      offset,
      timestamp,
      key: key ?? null,
      value: value ?? null,
      headers: headers.map(headerOf),
    })),
    highWatermark,
  };
}

export function readFromOf(message: ReadFromMessage | undefined): ReadFrom {
  const from = message?.from;
  if (from?.case === "offset") return from.value;
  if (from?.case === "timestamp") return new Date(Number(from.value));
  return from?.case === "end" && from.value ? "end" : "beginning";
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function readFromMessage(from: ReadFrom): MessageInitShape<typeof ReadFromSchema> {
  if (typeof from === "bigint" && BigInt.asIntN(64, from) === from)
    return { from: { case: "offset", value: from } };
  if (from instanceof Date && !Number.isNaN(from.getTime()))
    return { from: { case: "timestamp", value: BigInt(from.getTime()) } };
  if (from === "end") return { from: { case: "end", value: true } };
  if (from === "beginning") return {};
  throw noPlace(from);
}

/** A number that a message can hold; that there is such a partition is for the server to say. */
export function checkNumber(partition: number | undefined): void {
  if (partition === undefined || (partition | 0) === partition) return;
  throw invalidArgument("partition", `${String(partition)} is no partition.`, "Give a whole number from 0.");
}

export function topicMessage({
  config,
  createdAt,
  version,
  ...topic
}: TopicRecord): MessageInitShape<typeof TopicSchema> {
  return { ...topic, config: configText(config), createdAt: BigInt(createdAt), version: BigInt(version) };
}

export function topicOf({ config, createdAt, id, name, partitions, version }: Topic): TopicRecord {
  const full = { ...DEFAULT_CONFIG, ...configOf(config) };
  return { id, name, partitions, config: full, createdAt: Number(createdAt), version: Number(version) };
}
