import { LakehouseError } from "./errors.js";

/** What a call on something that was closed ends in. */
export function closed(what: string): LakehouseError {
  return new LakehouseError({
    code: "CLOSED",
    subject: what,
    message: `The ${what} was closed.`,
    remedy: "Open it again, or close it after its last use.",
  });
}
