import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FIELD_ID_KEY, readFooter, readParquet, writeParquet } from "../../lib/lakehouse/parquet/index.js";
import { runs } from "../support/runs.js";
import { MemoryStore } from "./support/memory-store.js";

let dir: string;
let duckdb: DuckDBConnection;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "interchange-"));
  duckdb = await (await DuckDBInstance.create()).connect();
});
afterAll(async () => {
  duckdb.closeSync();
  await rm(dir, { recursive: true });
});

const uri = "mem://test/x.parquet";
const field = (id: number, name: string, type: arrow.DataType) =>
  new arrow.Field(name, type, true, new Map([[FIELD_ID_KEY, String(id)]]));

let files = 0;

/** Rows as another engine reads them from what was written. A name of its own for each: DuckDB keeps what it read. */
async function read(store: MemoryStore, sql = "*"): Promise<unknown[]> {
  const path = join(dir, `${files++}.parquet`);
  await writeFile(path, store.objects.get(uri) ?? new Uint8Array());
  return (await duckdb.runAndReadAll(`SELECT ${sql} FROM '${path}'`)).getRowObjectsJson();
}

describe("a file joined from row groups", () => {
  test("reads elsewhere as the rows that were written, however batches and row groups are cut", async () => {
    const type = new arrow.Struct([
      field(1, "n", new arrow.Int32()),
      field(2, "s", new arrow.Utf8()),
      field(3, "l", new arrow.List(field(4, "element", new arrow.Int64()))),
      field(5, "t", new arrow.Struct([field(6, "f", new arrow.Float64()), field(7, "b", new arrow.Bool())])),
    ]);
    const schema = new arrow.Schema(type.children);
    const row = fc.record({
      n: fc.option(fc.integer()),
      s: fc.option(fc.string()),
      l: fc.option(
        fc.array(fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), { maxLength: 3 }),
      ),
      t: fc.option(
        fc.record({
          f: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
          b: fc.option(fc.boolean()),
        }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 25 }),
        async (rows, batchRows, rowGroupRows) => {
          const store = new MemoryStore();
          const data = arrow.vectorFromArray(rows, type).data[0] as arrow.Data<arrow.Struct>;
          const whole = new arrow.RecordBatch(schema, data);
          const batches: arrow.RecordBatch[] = [];
          for (let at = 0; at < rows.length; at += batchRows) batches.push(whole.slice(at, at + batchRows));
          const written = await writeParquet(store, uri, schema, batches, { rowGroupRows });
          expect(written.footer.rowGroups).toHaveLength(Math.ceil(rows.length / rowGroupRows));
          const expected = rows.map((r) => ({
            n: r.n,
            s: r.s,
            l: r.l?.map((v) => (v === null ? null : String(v))) ?? null,
            t: r.t && { f: r.t.f, b: r.t.b },
          }));
          expect(JSON.parse(JSON.stringify(await read(store)))).toEqual(JSON.parse(JSON.stringify(expected)));
        },
      ),
      { numRuns: runs(40) },
    );
  });

  test("keeps field ids at every depth, and a page index that finds the right pages", async () => {
    const store = new MemoryStore();
    const map = new arrow.Map_(
      new arrow.Field(
        "entries",
        new arrow.Struct([
          new arrow.Field("key", new arrow.Utf8(), false, new Map([[FIELD_ID_KEY, "12"]])),
          field(13, "value", new arrow.Int32()),
        ]),
        false,
      ) as never,
    );
    const schema = new arrow.Schema([field(1, "n", new arrow.Int32()), field(11, "m", map)]);
    const struct = new arrow.Struct(schema.fields);
    const data = arrow.vectorFromArray(
      Array.from({ length: 5000 }, (_, n) => ({ n, m: new Map([["k", n]]) })),
      struct,
    ).data[0];
    await writeParquet(
      store,
      uri,
      schema,
      [new arrow.RecordBatch(schema, data as arrow.Data<arrow.Struct>)],
      { rowGroupRows: 1000 },
    );
    const footer = await readFooter(store, uri);
    expect(footer.columns.map(({ path, node }) => [path.at(-1), node.fieldId])).toEqual([
      ["n", 1],
      ["key", 12],
      ["value", 13],
    ]);
    expect(await read(store, "count(*)::int as c, sum(n)::int as s, sum(m['k'])::int as m")).toEqual([
      { c: 5000, s: 12497500, m: 12497500 },
    ]);
    const last = await readParquet(store, uri, { columns: ["n"], rowGroups: [4] });
    expect(last.columns[0]?.values[0]).toBe(4000);
  });

  test("takes dictionary-encoded columns for their values", async () => {
    const store = new MemoryStore();
    const schema = new arrow.Schema([field(1, "s", new arrow.Utf8())]);
    const batches = ["a", "b"].map((prefix) => {
      const values = Array.from({ length: 50 }, (_, i) => `${prefix}${i % 3}`);
      const table = new arrow.Table({
        s: arrow.vectorFromArray(values, new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
      });
      return table.batches[0] as arrow.RecordBatch;
    });
    await writeParquet(store, uri, schema, batches, { rowGroupRows: 30 });
    const counts = await read(store, "string_agg(DISTINCT s, ',' ORDER BY s) AS s, count(*)::int AS c");
    expect(counts).toEqual([{ s: "a0,a1,a2,b0,b1,b2", c: 100 }]);
  });

  test("is not written when a null stands in a required column", async () => {
    const store = new MemoryStore();
    const required = new arrow.Schema([new arrow.Field("n", new arrow.Int32(), false)]);
    const batch = new arrow.Table({ n: arrow.vectorFromArray([1, null], new arrow.Int32()) })
      .batches[0] as arrow.RecordBatch;
    await expect(writeParquet(store, uri, required, [batch])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(
      writeParquet(store, uri, required, [batch, batch], { rowGroupRows: 1 }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(store.objects.size).toBe(0);
  });
});
