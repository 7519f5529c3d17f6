import type { LakehouseError } from "../../../errors.js";
import { storageFailed } from "../../../storage/index.js";
import { catalogUnavailable } from "../../errors.js";

/** Runs what comes before a ref is moved: a storage failure there leaves no doubt that it was not. */
export async function beforeMove<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageFailed.is(error) ? notMoved(error) : error;
  }
}

/** The failure of a store, where it is certain that nothing was moved. */
export function notMoved(failure: LakehouseError): LakehouseError {
  return catalogUnavailable(
    failure.subject,
    `${failure.message} Nothing was committed.`,
    "Try again when the store answers.",
    failure,
  );
}
