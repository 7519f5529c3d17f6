import { expect, test } from "vitest";
import { sqlError } from "../../../lib/lakehouse/query/duckdb/sql-error.js";

const failure = (type: string, message: string) =>
  sqlError(
    new Error(JSON.stringify({ exception_type: type, exception_message: message })),
    "copy t to 'x.csv'",
    () => 0,
  );

test.each(["No space left on device", "Disk quota exceeded"])(
  "a disk that is full when DuckDB writes (%s) is to be freed",
  (why) => {
    const error = failure("IO", `Could not write file "/data/x.csv": ${why}`);
    expect(error).toMatchObject({ code: "STORAGE_FAILED", remedy: "Free some space and try again." });
    expect(error.message).toContain("the disk is full");
  },
);

test("another failure to read or write is not called a full disk", () => {
  const error = failure("IO", 'Could not read from file "/data/x.parquet": Input/output error');
  expect(error).toMatchObject({ code: "STORAGE_FAILED", remedy: undefined });
  expect(error.message).not.toContain("full");
});
