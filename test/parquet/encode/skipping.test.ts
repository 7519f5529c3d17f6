// A reader that skips row groups and pages by what we say of them finds the rows that one finds who reads all.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { type ParquetQueryFilter, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { describe, expect, test } from "vitest";
import {
  FIELD_ID_KEY,
  type ParquetWriteOptions,
  writeParquet,
} from "../../../lib/lakehouse/parquet/index.js";
import { runs } from "../../support/runs.js";
import { MemoryStore } from "../support/memory-store.js";
import { build, type Plain } from "../support/plain-values.js";

const uri = "mem://test/x.parquet";
const field = (id: number, name: string, type: arrow.DataType) =>
  new arrow.Field(name, type, true, new Map([[FIELD_ID_KEY, String(id)]]));
const schema = new arrow.Schema([
  field(1, "n", new arrow.Int32()),
  field(2, "big", new arrow.Int64()),
  field(3, "text", new arrow.Utf8()),
]);

interface Row {
  readonly [name: string]: Plain;
  readonly n: number | null;
  readonly big: bigint | null;
  readonly text: string | null;
}
const long = "a long beginning that is the same in each of the values, beyond what a bound keeps: ";
const someRow: fc.Arbitrary<Row> = fc.record({
  n: fc.option(fc.integer({ min: -20, max: 20 })),
  big: fc.option(fc.bigInt({ min: -5n, max: 5n }).map((n) => n * 2n ** 60n)),
  text: fc.option(
    fc.oneof(
      fc.constantFrom("", "a", "b", "é", "\u{10ffff}"),
      fc.nat(9).map((n) => `${long}${n}`),
    ),
  ),
});
/** Rows as they come, or sorted, as most tables are. */
const someRows = fc
  .tuple(fc.array(someRow, { minLength: 1, maxLength: 80 }), fc.boolean())
  .map(([rows, sorted]) => (sorted ? rows.toSorted((a, b) => (a.n ?? 99) - (b.n ?? 99)) : rows));

async function found(
  rows: readonly Row[],
  options: ParquetWriteOptions,
  filter: ParquetQueryFilter,
): Promise<Row[]> {
  const store = new MemoryStore();
  const data = build(new arrow.Struct(schema.fields), rows) as arrow.Data<arrow.Struct>;
  await writeParquet(store, uri, schema, [new arrow.RecordBatch(schema, data)], options);
  const file = new Uint8Array(store.objects.get(uri)!).buffer;
  const skip = { useOffsetIndex: true, usePageIndex: true, useBloomFilters: true };
  return (await parquetReadObjects({ file, compressors, filter, ...skip })) as unknown as Row[];
}

const options = fc.record({
  rowGroupRows: fc.integer({ min: 5, max: 80 }),
  pageRows: fc.integer({ min: 1, max: 20 }),
  dictionaryBytes: fc.constantFrom(0, 1 << 20),
  columns: fc.constant(new Map([1, 2, 3].map((id) => [id, { bloomFilter: true }]))),
});

describe("skipping by bounds, page indexes and Bloom filters loses no row and adds none", () => {
  test.each(["n", "big", "text"] as const)("of column %s", async (name) => {
    await fc.assert(
      fc.asyncProperty(
        someRows,
        options,
        fc.nat(),
        fc.constantFrom("$gt", "$gte", "$lt", "$lte", "$eq", "$in"),
        async (rows, how, pick, operator) => {
          const values = rows.flatMap((row) => row[name] ?? []);
          fc.pre(values.length > 0);
          const wanted = values[pick % values.length] as Exclude<Row[typeof name], null>;
          const matches = (value: number | bigint | string) =>
            ({
              $gt: value > wanted,
              $gte: value >= wanted,
              $lt: value < wanted,
              $lte: value <= wanted,
              $eq: value === wanted,
              $in: value === wanted,
            })[operator];
          const expected = rows.filter((row) => row[name] !== null && matches(row[name] as string));
          const filter = { [name]: { [operator]: operator === "$in" ? [wanted] : wanted } };
          expect(await found(rows, how, filter)).toEqual(expected);
        },
      ),
      { numRuns: runs(50) },
    );
  });
});
