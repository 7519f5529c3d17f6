/** What a transactional producer can be given, here and by who calls from afar. */
import { invalidArgument } from "../../errors.js";
import { invalidTransactionTimeout } from "../errors.js";

/** As Kafka's `transaction.max.timeout.ms`. */
const MOST_TIMEOUT_MS = 15 * 60 * 1000;

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkTransactionalId(id: string): void {
  if (id !== "") return;
  throw invalidArgument("transactionalId", "A transactional id cannot be empty.", "Give it a name.");
}

/** @throws LakehouseError INVALID_TRANSACTION_TIMEOUT */
export function checkTimeout(ms: number): void {
  if (Number.isInteger(ms) && ms > 0 && ms <= MOST_TIMEOUT_MS) return;
  throw invalidTransactionTimeout(
    String(ms),
    `A transaction cannot be open for ${ms} milliseconds.`,
    `Give a whole number from 1 to ${MOST_TIMEOUT_MS}.`,
  );
}
