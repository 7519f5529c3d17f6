import type { Ack, Partition } from "../partition/partition.js";
import type { ProducerIdentity, Standing, TransactionPartition } from "../transaction-types.js";

/**
 * Aborts transactions that a partition has open and their coordinator does not know: they began on a machine that is lost,
 * with what it knew. Readers would wait for their end for ever.
 *
 * @param standing asks the coordinator.
 */
export async function endLeftOpen(
  partition: Partition,
  standing: (producer: ProducerIdentity, at: TransactionPartition) => Promise<Standing>,
  ack: Ack,
): Promise<void> {
  const at = { topicId: partition.topicId, partition: partition.number };
  for (const { producerId, epoch, openSince } of partition.openTransactions) {
    const before = partition.transactions.of(producerId);
    if ((await standing({ producerId, epoch }, at)).state !== "none") continue;
    // It may have ended meanwhile, and another have begun.
    const isSame = partition.openTransactions.some(
      (one) => one.producerId === producerId && one.openSince === openSince,
    );
    if (isSame && partition.transactions.of(producerId) === before)
      await partition.appendMarker(producerId, epoch, "abort", ack);
  }
}
