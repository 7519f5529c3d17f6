import type { LogCore } from "../core.js";
import { PRODUCER_ID_TOPIC, TRANSACTION_TOPIC } from "../internal-topics.js";
import type { OpenTransactions } from "../producers/open-transactions.js";
import { openState, stateTopic } from "../state/open-state.js";
import type { Writer } from "../writer.js";
import { TransactionCoordinator } from "./coordinator.js";
import { PRODUCER_IDS, ProducerIds } from "./producer-ids.js";
import { TRANSACTIONS } from "./transaction-entry.js";

/** The coordinator of a log's transactions, which are in internal topics of it. Loaded when it is used. */
export async function openCoordinator(
  core: LogCore,
  writer: Writer,
  open: OpenTransactions,
): Promise<TransactionCoordinator> {
  const ids = await stateTopic(core, PRODUCER_ID_TOPIC, 1);
  const transactions = await stateTopic(core, TRANSACTION_TOPIC, 1);
  return TransactionCoordinator.open({
    clock: core.clock,
    state: await openState(core, transactions, 0, TRANSACTIONS),
    ids: new ProducerIds(await openState(core, ids, 0, PRODUCER_IDS)),
    open,
    partition: ({ topicId, partition }) => writer.partitionById(topicId, partition),
    leftOpen: () => writer.leftOpen(),
    endOffsets: async ({ producerId, epoch }, marker, groups, ack) =>
      (await core.groups()).end(groups, producerId, epoch, marker === "commit", ack),
  });
}
