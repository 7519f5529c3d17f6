import { invalidArgument } from "../errors.js";
import { invalidTxnState } from "./errors.js";
import { Transaction, type TransactionWork } from "./transaction.js";

/** What a producer begins a transaction with. */
export interface BegunTransaction {
  readonly work: TransactionWork;
  /** Called where it could not be ended: what it left open is aborted by the next, which has a later epoch. */
  readonly leftOpen: () => void;
}

/** The transactions of one producer, here or of a server's: one after the other, of one transactional id or of none. */
export class TransactionTurns {
  readonly transactionalId: string | undefined;
  readonly #begin: (transactionalId: string) => Promise<BegunTransaction>;
  #isOpen = false;

  /** @throws LakehouseError INVALID_ARGUMENT */
  constructor(
    transactionalId: string | undefined,
    begin: (transactionalId: string) => Promise<BegunTransaction>,
  ) {
    if (transactionalId !== undefined && (typeof transactionalId !== "string" || transactionalId === ""))
      throw invalidArgument(
        "transactionalId",
        "A transactional id is a text, and not empty.",
        "Give a name.",
      );
    this.transactionalId = transactionalId;
    this.#begin = begin;
  }

  /** For an append outside of them. @throws LakehouseError INVALID_TXN_STATE */
  checkNone(): void {
    if (this.transactionalId === undefined) return;
    throw invalidTxnState(
      this.transactionalId,
      `The producer ${this.transactionalId} writes in transactions.`,
      "Append by the transaction that `transaction` gives, or with a producer that has no transactionalId.",
    );
  }

  /** @throws LakehouseError INVALID_TXN_STATE; what `work` does, and beginning or ending the transaction */
  async run<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    const { transactionalId } = this;
    if (transactionalId === undefined)
      throw invalidTxnState(
        "producer",
        "The producer has no transactionalId.",
        "Make one with lake.log.producer({ transactionalId }).",
      );
    if (this.#isOpen)
      throw invalidTxnState(
        transactionalId,
        `The producer ${transactionalId} has an open transaction.`,
        "Await it first, or use another producer, with another transactionalId.",
      );
    this.#isOpen = true;
    try {
      const begun = await this.#begin(transactionalId);
      return await done(begun, work);
    } finally {
      this.#isOpen = false;
    }
  }
}

async function done<Result>(
  { work, leftOpen }: BegunTransaction,
  doing: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const transaction = new Transaction(work);
  try {
    const result = await doing(transaction);
    await transaction.end("commit");
    return result;
  } catch (error) {
    await transaction.end("abort").catch(leftOpen);
    throw error;
  }
}
