/** What is known of a transactional id. */
import type { Ack } from "../partition/partition.js";
import type { StateFields } from "../state/state-fields.js";
import type { StateFormat } from "../state/state-topic.js";
import type { TransactionPartition } from "../transaction-types.js";

/**
 * As Kafka's coordinator has them. From `prepare_…` on it is decided how the transaction ends, whatever fails; a marker goes
 * to each of its partitions then, and at `complete_…` all are there.
 */
export type TransactionState =
  | "empty"
  | "ongoing"
  | "prepare_commit"
  | "prepare_abort"
  | "complete_commit"
  | "complete_abort";

export interface TransactionEntry {
  readonly producerId: bigint;
  readonly epoch: number;
  /** The epoch before, of which the producer asked for this one: who asks again gets the same. -1 where there is none. */
  readonly lastEpoch: number;
  /** How long a transaction may be open, in milliseconds. */
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: readonly TransactionPartition[];
  /** Whose offsets are committed with it. */
  readonly groups: readonly string[];
  /** How what concerns it is acknowledged. */
  readonly ack: Ack;
  /** When it began, in milliseconds since the epoch; later than the one before under the same epoch, so that it is told by it. */
  readonly startedAt: number;
  /** As its producer has said it (`TransactionOwner`), where it has. */
  readonly number?: number | undefined;
  readonly updatedAt: number;
}

const ACKS: Readonly<Record<Ack, true>> = { wal: true, stored: true };
const STATES: Readonly<Record<TransactionState, true>> = {
  empty: true,
  ongoing: true,
  prepare_commit: true,
  prepare_abort: true,
  complete_commit: true,
  complete_abort: true,
};

/** By transactional id. */
export const TRANSACTIONS: StateFormat<TransactionEntry> = {
  version: 1,
  write: (entry) => ({
    ...entry,
    producerId: String(entry.producerId),
    groups: entry.groups.map((group) => ({ group })),
  }),
  read: (fields) => ({
    producerId: fields.bigint("producerId"),
    epoch: fields.integer("epoch"),
    lastEpoch: fields.integer("lastEpoch", -1),
    timeoutMs: fields.integer("timeoutMs"),
    state: fields.kind("state", STATES),
    partitions: fields.list("partitions", readPartition),
    groups: fields.list("groups", (group) => group.text("group")),
    ack: fields.kind("ack", ACKS),
    startedAt: fields.integer("startedAt"),
    number: fields.optional("number", (name) => fields.integer(name)),
    updatedAt: fields.integer("updatedAt"),
  }),
};

function readPartition(fields: StateFields): TransactionPartition {
  return { topicId: fields.text("topicId"), partition: fields.integer("partition") };
}
