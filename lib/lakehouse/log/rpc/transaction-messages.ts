/** Transactions in the messages, as the log has them, and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument } from "../../errors.js";
import type { TransactionOwner } from "../transaction-types.js";
import { checkTransactionalId } from "../transactions/checks.js";
import type {
  Producer,
  Transaction,
  TransactionSchema,
} from "./generated/sololakehouse/log/v1/producer_pb.js";

const MOST_EPOCH = 2 ** 15 - 1;

/** Whether a batch can name it. */
export function isProducer({ id, epoch }: Producer): boolean {
  return id >= 0n && epoch >= 0 && epoch <= MOST_EPOCH;
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function ownerOf(
  transaction: Transaction | undefined,
): TransactionOwner & { readonly number: number } {
  const { transactionalId = "", producer, number = 0n } = transaction ?? {};
  checkTransactionalId(transactionalId);
  const isNumber = number >= 0n && number <= BigInt(Number.MAX_SAFE_INTEGER);
  if (producer === undefined || !isProducer(producer) || !isNumber)
    throw invalidArgument(
      transactionalId,
      "The request does not say which transaction of which producer it speaks of.",
      "Give the producer that InitProducer has answered with, and number its transactions from 0.",
    );
  return { transactionalId, producerId: producer.id, epoch: producer.epoch, number: Number(number) };
}

export function transactionMessage({
  transactionalId,
  producerId: id,
  epoch,
  number = 0,
}: TransactionOwner): MessageInitShape<typeof TransactionSchema> {
  return { transactionalId, producer: { id, epoch }, number: BigInt(number) };
}
