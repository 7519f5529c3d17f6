import { isLakehouseError } from "../../errors.js";
import type { Failure } from "../state/types.js";

/** What an error is remembered as. */
export function failureOf(error: unknown): Failure {
  if (isLakehouseError(error)) return { code: error.code, message: error.message };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : `Thrown: ${String(error)}`;
  return { code: "error", message };
}

/** What comes of a second try as it came of the first: what is wrong is in the data, or in how the step is written. */
const LASTING: ReadonlySet<string> = new Set([
  "CHECK_FAILED",
  "INVALID_ARGUMENT",
  "INVALID_CHECK",
  "INVALID_CONFIG",
  "INVALID_SQL",
  "NOT_APPEND_ONLY",
  "POSITION_LOST",
  "READ_ONLY",
  "SCHEMA_MISMATCH",
  "UNDECLARED_WRITE",
  "UNSUPPORTED_FEATURE",
  "BROKEN_INSTALL",
]);

/** Whether another try may end otherwise. */
export const mayPass = (error: unknown): boolean => !isLakehouseError(error) || !LASTING.has(error.code);
