import { isLakehouseError, LakehouseError } from "../../errors.js";

/** Runs what comes before a ref is moved: a storage failure there leaves no doubt that it was not. */
export async function beforeMove<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isLakehouseError(error, "STORAGE_FAILED") ? notMoved(error) : error;
  }
}

/** The failure of a store, where it is certain that nothing was moved. */
export function notMoved(failure: LakehouseError): LakehouseError {
  return new LakehouseError({
    code: "CATALOG_UNAVAILABLE",
    subject: failure.subject,
    message: `${failure.message} Nothing was committed.`,
    remedy: "Try again when the store answers.",
    cause: failure,
  });
}
