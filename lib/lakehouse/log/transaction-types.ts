/** Producers and their transactions, as all who have to do with them name them. */
import type { Ack } from "./partition/partition.js";
import type { Marker } from "./records/control.js";

/** Whose batch it is, or whose request: a later epoch of the same id fences the earlier. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** A producer that speaks of its transaction. */
export interface TransactionOwner extends ProducerIdentity {
  readonly transactionalId: string;
  /**
   * Which of its transactions it speaks of, counted up: so that what comes late is not taken for the next one's. Not where
   * nothing comes late, in one process, and not of Kafka's clients, whose protocol does not have it.
   */
  readonly number?: number | undefined;
}

/** A partition of a topic, by ids that stay. */
export interface TransactionPartition {
  readonly topicId: string;
  readonly partition: number;
}

/** One of a producer's transactions. */
export interface TransactionIdentity extends ProducerIdentity {
  /** In milliseconds since the epoch; later than that of the transaction before, which may have the same producer epoch. */
  readonly startedAt: number;
}

/** How a producer's transaction ends, for those who have a part of it. */
export interface Ending extends TransactionIdentity {
  readonly marker: Marker;
  readonly ack: Ack;
}

/** A transaction, as a partition that has its batches has to know it: it takes more while it is open, and waits for its end. */
export type Standing =
  | { readonly state: "open"; readonly startedAt: number }
  | { readonly state: "ending" | "none" };

/** A transaction, as a group that keeps offsets of it has to know it. */
export interface OffsetsStanding {
  readonly startedAt: number;
  /** How the rest of it is acknowledged. */
  readonly ack: Ack;
}
