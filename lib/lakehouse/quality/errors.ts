import { errorKind, LakehouseError } from "../errors.js";
import { type CheckReport, summary } from "./run/report.js";

/**
 * Checks that block did not pass. Of a publication it is a `CheckFailedError`, and of a stream a `RowsRefusedError`, which have
 * the report.
 */
export const checkFailed = errorKind("CHECK_FAILED");
/** A check that cannot be run on this table: a column that is not there, a type that it is not for, SQL that fails. */
export const invalidCheck = errorKind("INVALID_CHECK");
/** A file of checks that cannot be read, or says what has no meaning here. */
export const invalidSuite = errorKind("INVALID_SUITE");

/** A check that names a column which its rows do not have. */
export function noSuchColumn(check: string, column: string, columns: readonly string[]): LakehouseError {
  return invalidCheck(
    check,
    `The check ${check} names the column ${JSON.stringify(column)}, which is not there.`,
    `The columns are ${columns.join(", ")}.`,
  );
}

/**
 * A publication that its checks have kept from the branch. `report` says what they found; `branch` shows the table as it
 * would have been.
 */
export class CheckFailedError extends LakehouseError<"CHECK_FAILED"> {
  constructor(
    readonly report: CheckReport,
    readonly branch: string,
    target: string,
  ) {
    super(
      checkFailed.code,
      report.table,
      `${summary(report)}. ${target} is as it was.`,
      `Look at the rows on the branch ${branch}; delete it, and publish again once they are right.`,
    );
  }
}

/** Rows of a stream that its checks have kept out of the table. `report` says what they found. */
export class RowsRefusedError extends LakehouseError<"CHECK_FAILED"> {
  constructor(readonly report: CheckReport) {
    super(
      checkFailed.code,
      report.table,
      `${summary(report)}. Nothing of this interval was committed, and the stream has ended.`,
      "Open it again, and go on behind its position without the rows that are wrong.",
    );
  }
}
