/** A transaction at the servers that coordinate it and its groups. */
import { invalidArgument } from "../../errors.js";
import type { Ack } from "../partition/partition.js";
import type { TransactionOffset, TransactionWork } from "../transaction.js";
import type { TransactionOwner } from "../transaction-types.js";
import { ACKS, checkNumber } from "./messages.js";
import type { Remote } from "./remote-log.js";
import { transactionMessage } from "./transaction-messages.js";

/** Who cannot abort leaves it to the next transaction, or to the time-out. */
const ABORT_MS = 10_000;

export interface RemoteTransactionParts {
  /** Asks who coordinates the transaction. */
  readonly remote: Remote;
  /** Asks who coordinates groups. */
  readonly groups: Remote;
  readonly owner: TransactionOwner;
  readonly ack: Ack;
  readonly append: TransactionWork["append"];
  /** Does something again until there is an answer. */
  readonly retry: <T>(remote: Remote, work: () => Promise<T>, ms?: number) => Promise<T>;
}

export function remoteTransaction(parts: RemoteTransactionParts): TransactionWork {
  const { remote, groups, owner, ack, append, retry } = parts;
  const transaction = transactionMessage(owner);
  const addOffsets = (group: string) =>
    retry(remote, () => remote.transactions.addOffsets({ transaction, group, ack: ACKS[ack] }));
  return {
    transactionalId: owner.transactionalId,
    append,

    sendOffsets: async (group, offsets, begin) => {
      for (const offset of offsets) checkOffset(offset);
      begin();
      await addOffsets(group);
      const request = { transaction, group, offsets: [...offsets] };
      await retry(groups, () => groups.transactions.sendOffsets(request));
    },

    sendBatch: async ({ sendIn }, begin) => {
      if (sendIn === undefined || sendIn.connection !== remote.connection)
        throw invalidArgument(
          "batch",
          "This batch is none that this connection reads as a member of a group.",
          "Give a batch of the same log's consume.",
        );
      begin();
      await addOffsets(sendIn.group);
      return sendIn.send(owner);
    },

    end: async (marker) => {
      if (marker === "commit") await retry(remote, () => remote.transactions.commit({ transaction }));
      else await retry(remote, () => remote.transactions.abort({ transaction }), ABORT_MS);
    },
  };
}

/** What a message can hold; whether there is such a partition is for the server to say. */
function checkOffset({ partition, offset }: TransactionOffset): void {
  checkNumber(partition);
  if (typeof offset === "bigint" && BigInt.asIntN(64, offset) === offset) return;
  throw invalidArgument("offset", `${String(offset)} is no offset.`, "Give a bigint from 0n.");
}
