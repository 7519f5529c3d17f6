import type { ServiceImpl } from "@connectrpc/connect";
import type { LogCore } from "../core.js";
import { NOBODY } from "../local-transaction.js";
import { unlessAborted } from "./calls.js";
import type { TransactionService } from "./generated/sololakehouse/log/v1/transaction_pb.js";
import { ackOf } from "./messages.js";
import { ownerOf } from "./transaction-messages.js";

export function transactionService(core: LogCore): ServiceImpl<typeof TransactionService> {
  return {
    addOffsets: async ({ transaction, group, ack }) => {
      const owner = ownerOf(transaction);
      await (await core.transactions()).addOffsets(owner, group, ackOf(ack));
      return {};
    },

    sendOffsets: async ({ transaction, group, offsets }) => {
      const owner = ownerOf(transaction);
      const committed = offsets.map(({ topic, partition, offset }) => ({
        ...{ topic, partition, offset, leaderEpoch: -1, metadata: "" },
      }));
      const groups = await core.groups();
      const outcomes = await groups.hold(group, owner, committed, NOBODY, () =>
        core.checkOffsets(owner, group),
      );
      for (const { error } of outcomes) if (error !== undefined) throw error;
      return {};
    },

    commit: async ({ transaction }, { signal }) => {
      const owner = ownerOf(transaction);
      await unlessAborted(signal, (await core.transactions()).endTransaction(owner, "commit"));
      return {};
    },

    abort: async ({ transaction }, { signal }) => {
      const owner = ownerOf(transaction);
      await unlessAborted(signal, (await core.transactions()).endTransaction(owner, "abort"));
      return {};
    },
  };
}
