import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { columnMetrics, readFooter, readParquet } from "../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "./support/memory-store.js";

const uri = "mem://test/typed.parquet";
const store = new MemoryStore();
let dir: string;

/** A file of every type that tables use, written by another engine. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "parquet-"));
  const duckdb = await DuckDBInstance.create();
  const connection = await duckdb.connect();
  const path = join(dir, "typed.parquet");
  await connection.run(`
    copy (
      select i::bigint * 9007199254740993 as big,
             i::int as small,
             (i - 2)::decimal(5, 2) / 100 as d32,
             ((i - 2) * 123456789012::bigint)::decimal(18, 3) as d64,
             ((i - 2)::hugeint * 1234567890123456789012345678901::hugeint)::decimal(38, 0) as d128,
             case when i % 3 = 0 then null else 'ÄÖ' || i end as text,
             date '2001-01-01' + i::int as day,
             timestamp '2001-01-01 00:00:00.000001' + interval (i) microsecond as ts,
             timestamptz '2001-01-01 00:00:00.000001+00' as tstz,
             '\\x00\\xff'::blob as bytes,
             uuid '00112233-4455-6677-8899-aabbccddeeff' as id,
             case when i = 1 then 'nan'::double else -0.0::double end as ratio,
             {'a': i::int, 'b': [i]} as nested,
             i % 2 = 0 as flag
      from range(5) t(i)
    ) to '${path}' (format parquet, field_ids {big: 1, small: 2, d32: 3, d64: 4, d128: 5, text: 6, day: 7, ts: 8,
      tstz: 9, bytes: 10, id: 11, ratio: 12, nested: {__duckdb_field_id: 13, a: 14, b: {__duckdb_field_id: 15,
      element: 16}}, flag: 17})`);
  store.objects.set(uri, new Uint8Array(await readFile(path)));
  connection.closeSync();
  duckdb.closeSync();
});
afterAll(() => rm(dir, { recursive: true }));

describe("readParquet", () => {
  test("tells a column with a dot in its name from a member of a struct", async () => {
    const path = join(dir, "dotted.parquet");
    const duckdb = await DuckDBInstance.create();
    const connection = await duckdb.connect();
    await connection.run(`copy (select {'b': 1} as a, 2 as "a.b") to '${path}' (format parquet)`);
    connection.closeSync();
    duckdb.closeSync();
    const dotted = "mem://test/dotted.parquet";
    store.objects.set(dotted, new Uint8Array(await readFile(path)));
    const { columns } = await readParquet(store, dotted);
    expect(columns.map(({ column, values }) => [column.path, values])).toEqual([
      [["a", "b"], [1]],
      [["a.b"], [2]],
    ]);
  });

  test("gives every value exactly", async () => {
    const { rowCount, columns } = await readParquet(store, uri);
    expect(rowCount).toBe(5);
    const values = Object.fromEntries(columns.map(({ column, values }) => [column.path.join("."), values]));
    expect(values.big).toEqual([
      0n,
      9007199254740993n,
      18014398509481986n,
      27021597764222979n,
      36028797018963972n,
    ]);
    expect(values.small).toEqual([0, 1, 2, 3, 4]);
    expect(values.d64).toEqual([
      -246913578024000n,
      -123456789012000n,
      0n,
      123456789012000n,
      246913578024000n,
    ]);
    expect(values.d128?.[0]).toBe(-2469135780246913578024691357802n);
    expect(values.text).toEqual([null, "ÄÖ1", "ÄÖ2", null, "ÄÖ4"]);
    expect(values.day?.[0]).toBe(11323);
    expect(values.ts?.[4]).toBe(978307200000005n);
    expect(values.bytes?.[0]).toEqual(new Uint8Array([0, 255]));
    expect(values.id?.[0]).toEqual(Uint8Array.from(Buffer.from("00112233445566778899aabbccddeeff", "hex")));
    expect(values["nested.a"]).toEqual([0, 1, 2, 3, 4]);
    expect(values.flag).toEqual([true, false, true, false, true]);
    expect(Object.keys(values)).not.toContain("nested.b.list.element");
  });

  test("reads the columns asked for, by field id or by name", async () => {
    const { columns } = await readParquet(store, uri, { columns: ["small", 1] });
    expect(columns.map(({ column }) => column.path[0])).toEqual(["big", "small"]);
    await expect(readParquet(store, uri, { columns: [99] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("a footer", () => {
  test("gives exact bounds for every type, and none that it does not prove", async () => {
    const metrics = new Map(
      columnMetrics(await readFooter(store, uri)).map((metric) => [metric.fieldId, metric]),
    );
    const bounds = (id: number) => [metrics.get(id)?.lower?.value, metrics.get(id)?.upper?.value];
    expect(bounds(1)).toEqual([0n, 36028797018963972n]);
    expect(bounds(4)).toEqual([-246913578024000n, 246913578024000n]);
    expect(bounds(6)).toEqual(["ÄÖ1", "ÄÖ4"]);
    expect(bounds(7)).toEqual([11323, 11327]);
    expect(bounds(8)).toEqual([978307200000001n, 978307200000005n]);
    expect(metrics.get(8)?.lower?.logicalType).toEqual({
      kind: "timestamp",
      unit: "micros",
      adjustedToUtc: false,
    });
    expect(bounds(17)).toEqual([false, true]);
    expect(metrics.get(6)?.nullCount).toBe(2n);
    expect(metrics.get(16)).toMatchObject({ repeated: true, valueCount: 5n });
  });

  test.each([0, 3, 11, 12, 100, 1000])(
    "is refused as corrupt when the file is cut to %i bytes",
    async (length) => {
      const whole = store.objects.get(uri) ?? new Uint8Array();
      store.objects.set("mem://test/cut", whole.slice(0, length));
      await expect(readFooter(store, "mem://test/cut")).rejects.toMatchObject({ code: "CORRUPT_FILE" });
    },
  );

  test("is refused, not misread, when its bytes are damaged", async () => {
    const whole = store.objects.get(uri) ?? new Uint8Array();
    const footerStart = whole.length - 8 - new DataView(whole.buffer).getUint32(whole.length - 8, true);
    for (let at = footerStart; at < whole.length - 8; at += 7) {
      const damaged = whole.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      store.objects.set("mem://test/damaged", damaged);
      const outcome = await readFooter(store, "mem://test/damaged").then(
        () => "read",
        (error: { code?: string }) => error.code,
      );
      expect(["read", "CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(outcome);
    }
  });
});
