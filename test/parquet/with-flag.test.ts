import { Field, Int32, Schema, tableFromArrays } from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFooter, readParquet, withFlagColumn, writeParquet } from "../../lib/lakehouse/parquet/index.js";
import { runs } from "../support/runs.js";
import { MemoryStore } from "./support/memory-store.js";

const uri = "mem://test/flagged.parquet";

/** A file of the numbers from 0 to `rows` in groups of some rows, and what it becomes with a flag for each row. */
async function flagged(rows: number, rowGroupRows: number, flags: readonly boolean[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { batches } = tableFromArrays({ n: Int32Array.from({ length: rows }, (_, i) => i) });
  const schema = new Schema([new Field("n", new Int32(), false, new Map([["PARQUET:field_id", "1"]]))]);
  await writeParquet(store, uri, schema, batches, { rowGroupRows });
  const file = store.objects.get(uri) ?? new Uint8Array();
  const footer = await readFooter(store, uri);
  const start = file.length - 8 - footer.metadata.length;
  const bits = new Uint8Array(Math.ceil(rows / 8));
  for (const [i, flag] of flags.entries()) if (flag) bits[i >> 3] = (bits[i >> 3] ?? 0) | (1 << (i & 7));
  const end = withFlagColumn(footer, "deleted", bits, start, uri);
  store.objects.set(uri, Uint8Array.from([...file.subarray(0, start), ...end]));
  return store;
}

describe("withFlagColumn", () => {
  test("adds a column and leaves the others, whatever the size of the row groups", async () => {
    const anyFile = fc
      .record({ rows: fc.integer({ min: 1, max: 300 }), rowGroupRows: fc.integer({ min: 1, max: 100 }) })
      .chain(({ rows, rowGroupRows }) =>
        fc.tuple(fc.constant(rowGroupRows), fc.array(fc.boolean(), { minLength: rows, maxLength: rows })),
      );
    await fc.assert(
      fc.asyncProperty(anyFile, async ([rowGroupRows, flags]) => {
        const store = await flagged(flags.length, rowGroupRows, flags);
        const { columns } = await readParquet(store, uri);
        expect(columns.map(({ column }) => column.path)).toEqual([["n"], ["deleted"]]);
        expect([...(columns[0]?.values ?? [])]).toEqual(flags.map((_, i) => i));
        expect([...(columns[1]?.values ?? [])]).toEqual(flags);
      }),
      { numRuns: runs(60) },
    );
  });

  test("keeps the field ids and the bounds of the others", async () => {
    const { schema, rowGroups } = await readFooter(await flagged(20, 8, []), uri);
    expect(schema.children.map(({ name, fieldId, repetition }) => ({ name, fieldId, repetition }))).toEqual([
      { name: "n", fieldId: 1, repetition: "required" },
      { name: "deleted", fieldId: undefined, repetition: "required" },
    ]);
    const lower = rowGroups.map(({ columns }) => columns[0]?.statistics?.min?.[0]);
    expect(lower).toEqual([0, 8, 16]);
  });
});
