import type * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalReader } from "../../../lib/lakehouse/iceberg/files/arrow/read.js";
import { canonicalValue, type PrimitiveValue, rowsToBatches } from "../../../lib/lakehouse/iceberg/index.js";
import { inputs, parseNested, says, schemaOf, TYPES } from "../support/exact-values.js";

describe("a value of a row", () => {
  test.each(TYPES.map((type) => [JSON.stringify(type), type] as const))(
    "comes back from %s as it went in, or is refused",
    (_, type) =>
      fc.assert(
        fc.asyncProperty(inputs, fc.nat(3), async (input, before) => {
          const rows = [...Array.from({ length: before }, () => ({ v: null })), { v: input }];
          let batch: arrow.RecordBatch | undefined;
          try {
            for await (const each of rowsToBatches(schemaOf(type), rows)) batch = each;
          } catch (error) {
            expect(error).toMatchObject({ code: "SCHEMA_MISMATCH", subject: "v" });
            expect((error as Error).message).toContain(`Row ${before}, column "v"`);
            expect(canonicalValue(type, input)).toBeUndefined();
            return;
          }
          const stored = canonicalReader(type, batch?.data.children[0] as arrow.Data)(before);
          expect(says(type, stored as PrimitiveValue, input)).toBe(true);
        }),
        { numRuns: 1000 },
      ),
  );

  test("of every type is taken where it fits", () => {
    const good: Record<string, unknown> = {
      boolean: true,
      int: -(2 ** 31),
      long: -(2n ** 63n),
      float: 3.4028234663852886e38,
      double: 5e-324,
      decimal: "-1234567.89",
      date: new Date("2001-01-31"),
      time: "23:59:59.999999",
      timestamp: "2001-01-31T10:00:00.123456",
      timestamptz: "2001-01-31T10:00:00.123456+01:00",
      timestamp_ns: "2001-01-31T10:00:00.123456789",
      timestamptz_ns: "2001-01-31T10:00:00.123456789Z",
      string: "😀",
      uuid: "F79C3E09-677C-4BBD-A479-3F349CB785E7",
      fixed: new Uint8Array(3),
      binary: new Uint8Array(0),
    };
    for (const type of TYPES) expect(canonicalValue(type, good[type.type])).toBeDefined();
  });

  test.each([
    ["a key of a map", "map<string, int>", new Map([["\ud83d", 1]]), "v.key"],
    [
      "two keys that are one",
      "map<date, int>",
      new Map<unknown, number>([
        ["1970-01-02", 1],
        [1, 2],
      ]),
      "v.key",
    ],
    ["an element of a list", "list<float>", [1, 1e300], "v.element"],
    ["a field of a struct", 'struct<"a": string>', { a: "\udc00" }, "v.a"],
    ["a value of type unknown", "unknown", 5, "v"],
    ["a field of type unknown", 'struct<"a": unknown>', { a: 5 }, "v.a"],
  ])("is refused as %s", async (_, text, value, column) => {
    const schema = schemaOf(parseNested(text));
    const read = async () => {
      for await (const _batch of rowsToBatches(schema, [{ v: null }, { v: value }]));
    };
    await expect(read()).rejects.toThrow(`Row 1, column "${column}"`);
  });
});
