/** A transaction in the process that coordinates it. */
import { invalidArgument } from "../errors.js";
import type { LogCore } from "./core.js";
import type { MemberOf } from "./groups/group-types.js";
import type { AppendedTo } from "./into-batches.js";
import type { TopicRecord } from "./meta/log-meta.js";
import type { Ack } from "./partition/partition.js";
import type { NewRecord } from "./records/batch-builder.js";
import type { AppendByProducerOptions, TransactionWork } from "./transaction.js";
import type { TransactionOwner } from "./transaction-types.js";
import type { Transactions } from "./transactions/transactions.js";

/** Whoever commits offsets without a batch is no member that could be told apart. */
export const NOBODY: MemberOf = { memberId: "", generation: -1 };

/** Makes batches of records and sends them, when `add` has made their partitions part of the transaction. */
type Send = (
  topic: string,
  records: NewRecord | readonly NewRecord[],
  options: AppendByProducerOptions,
  add: (topic: TopicRecord, partitions: readonly number[]) => Promise<void>,
) => Promise<AppendedTo[]>;

export interface LocalTransactionParts {
  readonly core: LogCore;
  readonly transactions: Transactions;
  readonly owner: TransactionOwner;
  readonly ack: Ack;
  readonly send: Send;
}

export function localTransaction({
  core,
  transactions,
  owner,
  ack,
  send,
}: LocalTransactionParts): TransactionWork {
  return {
    transactionalId: owner.transactionalId,

    append: (name, records, options, begin) =>
      send(name, records, options, async ({ id: topicId }, partitions) => {
        begin();
        const added = partitions.map((partition) => ({ topicId, partition }));
        await transactions.addPartitions(owner, added, ack);
      }),

    sendOffsets: async (group, offsets, begin) => {
      begin();
      await transactions.addOffsets(owner, group, ack);
      const committed = offsets.map((one) => ({ ...one, leaderEpoch: -1, metadata: "" }));
      const groups = await core.groups();
      const outcomes = await groups.hold(group, owner, committed, NOBODY, () =>
        core.checkOffsets(owner, group),
      );
      for (const { error } of outcomes) if (error !== undefined) throw error;
    },

    sendBatch: async (batch, begin) => {
      if (batch.commitAs === undefined)
        throw invalidArgument(
          "batch",
          "This batch is none that this process reads as a member of a group.",
          "Give a batch of lake.log.consume.",
        );
      begin();
      const groups = await core.groups();
      return batch.commitAs(async (offset, group, by) => {
        await transactions.addOffsets(owner, group, ack);
        return groups.hold(group, owner, [offset], by, () => core.checkOffsets(owner, group));
      });
    },

    end: (marker) => transactions.endTransaction(owner, marker),
  };
}
