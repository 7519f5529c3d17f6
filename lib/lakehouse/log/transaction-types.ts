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
}

/** A partition of a topic, by ids that stay. */
export interface TransactionPartition {
  readonly topicId: string;
  readonly partition: number;
}

/** How a producer's transaction ends, for those who have a part of it. */
export interface Ending extends ProducerIdentity {
  readonly marker: Marker;
  readonly ack: Ack;
}

/** A transaction, as a partition that has its batches has to know it: it takes more while it is open, and waits for its end. */
export type Standing = "open" | "ending" | "none";
