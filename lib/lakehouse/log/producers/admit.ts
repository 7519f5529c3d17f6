import { invalidTxnState } from "../errors.js";
import { type BatchHeader, CONTROL, TRANSACTIONAL } from "../records/header.js";
import type { ProducerStates } from "./producer-states.js";

/** Whether the open transaction of a producer has a partition. */
export type IsInTransaction = (producerId: bigint, epoch: number) => boolean;

/**
 * Lets a producer's batch into a partition.
 *
 * @param name of the partition, for errors.
 * @returns where the batch is, if it was appended before.
 * @throws LakehouseError OUT_OF_ORDER_SEQUENCE, PRODUCER_FENCED, INVALID_TXN_STATE
 */
export function admit(
  states: ProducerStates,
  header: BatchHeader,
  now: number,
  name: string,
  isInTransaction: IsInTransaction,
): bigint | undefined {
  const { producerId, producerEpoch, attributes } = header;
  if (producerId < 0n) return undefined;
  if ((attributes & CONTROL) !== 0) {
    states.checkEpoch(producerId, producerEpoch);
    return undefined;
  }
  const repeated = states.check(header, now);
  if (repeated !== undefined) return repeated.baseOffset;
  const isTransactional = (attributes & TRANSACTIONAL) !== 0;
  const isAllowed = isTransactional ? isInTransaction(producerId, producerEpoch) : !states.isOpen(producerId);
  if (isAllowed) return undefined;
  throw invalidTxnState(
    `${name}, producer ${producerId}`,
    isTransactional
      ? `Producer ${producerId} has no open transaction that has ${name}.`
      : `Producer ${producerId} has an open transaction in ${name}, and this batch is no part of it.`,
    "Add the partition to the transaction first, and append to it before it ends.",
  );
}
