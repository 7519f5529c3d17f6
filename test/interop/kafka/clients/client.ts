import type { Member } from "../member.js";
import type { PlainRecord } from "../records.js";

export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof CODECS)[number];

/** A Kafka client that we did not write, as the suite uses all of them. */
export interface Client {
  /** Appends to partition 0, acknowledged by all. */
  produce(topic: string, records: readonly PlainRecord[], codec: Codec): Promise<void>;
  /** What it can say of a record: those that it sends are read as `sends` has them. */
  sends(record: PlainRecord): PlainRecord | undefined;
  /** `count` records of partition 0, from the beginning. */
  consume(topic: string, count: number, isolation: Isolation): Promise<PlainRecord[]>;
  /** One after the other, of a producer with an id of its own, into partition 0. */
  transact(topic: string, transactions: readonly Transaction[]): Promise<void>;
  /** Where it does not, `transact` leaves out what is to be aborted. */
  readonly aborts: boolean;
  /** A process of its own in the group, which commits by itself. */
  member(group: string, topic: string): Member;
  close(): Promise<void>;
}

export type Isolation = "read_committed" | "read_uncommitted";

export interface Transaction {
  readonly values: readonly string[];
  readonly end: "commit" | "abort";
}

export type OpenClient = (address: string) => Client;

/** The limit of a client that has no header without a value. */
export const sendsNoNullHeaders: Client["sends"] = (record) =>
  record.headers.some(([, value]) => value === null) ? undefined : record;
