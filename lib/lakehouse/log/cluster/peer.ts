import type { Ack, Appended } from "../partition/partition.js";
import type {
  Ending,
  OffsetsStanding,
  ProducerIdentity,
  Standing,
  TransactionOwner,
  TransactionPartition,
} from "../transaction-types.js";

/**
 * What the servers of one log do for each other, each as the leader of what it is asked about. One that does not lead it
 * refuses with NOT_LEADER; one that cannot be reached is LOG_UNAVAILABLE.
 */
export interface Peer {
  append(at: TransactionPartition, batch: Uint8Array, ack: Ack): Promise<Appended>;
  /** Asks the coordinator of the producer's transactions. */
  standing(producer: ProducerIdentity, at: TransactionPartition): Promise<Standing>;
  /** As `TransactionCoordinator.checkOffsets`. */
  checkOffsets(owner: TransactionOwner, group: string): Promise<OffsetsStanding>;
  /** As `TransactionCoordinator.isEnding`. */
  isEnding(ending: Ending): Promise<boolean>;
  /**
   * Ends a transaction in a partition.
   *
   * @param coordinatorEpoch under which its coordinator was opened.
   * @throws LakehouseError FENCED where that has a successor; COORDINATOR_NOT_AVAILABLE where the transaction has ended, and
   *   another of its producer is open.
   */
  endAt(at: TransactionPartition, ending: Ending, coordinatorEpoch: number): Promise<void>;
  /** The same for offsets of groups, which have one coordinator. */
  endOffsets(groups: readonly string[], ending: Ending, coordinatorEpoch: number): Promise<void>;
  /** The first of a block of ids that nobody else gets. */
  newProducerIds(): Promise<bigint>;
}

/** Finds who leads a partition. @throws LakehouseError NOT_LEADER where nobody does. */
export type FindPeer = (topicId: string, partition: number) => Promise<Peer>;
