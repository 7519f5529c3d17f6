import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  FIELD_ID_KEY,
  type ParquetCompression,
  type ParquetWriteOptions,
  readParquet,
  type WrittenParquet,
  writeParquet,
} from "../../../lib/lakehouse/parquet/index.js";
import { runs } from "../../support/runs.js";
import { MemoryStore } from "../support/memory-store.js";

const uri = "mem://test/x.parquet";
let dir: string;
let duckdb: DuckDBConnection;
let files = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "encode-"));
  duckdb = await (await DuckDBInstance.create()).connect();
});
afterAll(async () => {
  duckdb.closeSync();
  await rm(dir, { recursive: true });
});

const field = (id: number, name: string, type: arrow.DataType, nullable = true) =>
  new arrow.Field(name, type, nullable, new Map([[FIELD_ID_KEY, String(id)]]));

interface File {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly written: WrittenParquet;
}

/** Rows written in batches of `batchRows`; every file has a name of its own, for readers that keep what they read. */
async function write(
  type: arrow.Struct,
  rows: readonly Record<string, unknown>[],
  options: ParquetWriteOptions = {},
  batchRows = rows.length,
): Promise<File> {
  const store = new MemoryStore();
  const schema = new arrow.Schema(type.children);
  const batches: arrow.RecordBatch[] = [];
  if (rows.length > 0) {
    const data = arrow.vectorFromArray(rows, type).data[0] as arrow.Data<arrow.Struct>;
    const whole = new arrow.RecordBatch(schema, data);
    for (let at = 0; at < rows.length; at += batchRows) batches.push(whole.slice(at, at + batchRows));
  }
  const written = await writeParquet(store, uri, schema, batches, options);
  const bytes = store.objects.get(uri) ?? new Uint8Array();
  const path = join(dir, `${files++}.parquet`);
  await writeFile(path, bytes);
  return { path, bytes, written };
}

const duck = async ({ path }: File, select = "*", rest = ""): Promise<Record<string, unknown>[]> =>
  (await duckdb.runAndReadAll(`SELECT ${select} FROM '${path}' ${rest}`)).getRowObjectsJson() as Record<
    string,
    unknown
  >[];

const hyparquet = ({ bytes }: File, utf8 = true): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors, utf8 }) as Promise<
    Record<string, unknown>[]
  >;

const json = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v)));

/** hyparquet leaves a group that is null out of its row: so compare without the fields that are null. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(json(value)), (_, v) =>
    v !== null && typeof v === "object" && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).filter(([, member]) => member !== null))
      : v,
  );

const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** Values of which many are alike, so that some columns get a dictionary and runs. */
const repeating = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fc.sample(value, { seed: 7, numRuns: 3 })) }, value);

const nested = new arrow.Struct([
  field(1, "n", new arrow.Int32()),
  field(2, "s", new arrow.Utf8()),
  field(3, "r", new arrow.Int64(), false),
  field(4, "l", new arrow.List(field(5, "element", new arrow.Int64()))),
  field(
    6,
    "t",
    new arrow.Struct([
      field(7, "f", new arrow.Float64()),
      field(
        8,
        "ll",
        new arrow.List(field(9, "element", new arrow.List(field(10, "element", new arrow.Utf8())))),
      ),
    ]),
  ),
  field(
    11,
    "m",
    new arrow.Map_(
      new arrow.Field(
        "entries",
        new arrow.Struct([
          field(12, "key", new arrow.Utf8(), false),
          field(13, "value", new arrow.Struct([field(14, "b", new arrow.Bool())])),
        ]),
        false,
      ) as never,
    ),
  ),
]);
const text = repeating(fc.string({ unit: "binary", maxLength: 12 }));
const nestedRow = fc.record({
  n: fc.option(repeating(fc.integer())),
  s: fc.option(text),
  r: repeating(i64),
  l: fc.option(fc.array(fc.option(repeating(i64)), { maxLength: 3 })),
  t: fc.option(
    fc.record({
      f: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      ll: fc.option(fc.array(fc.option(fc.array(fc.option(text), { maxLength: 3 })), { maxLength: 3 })),
    }),
  ),
  m: fc.option(
    // The readers give maps as plain objects, which have no member of that name.
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      fc.option(fc.record({ b: fc.option(fc.boolean()) })),
      { maxKeys: 3 },
    ),
  ),
});

describe("what the encoder writes", () => {
  test("is read by DuckDB and hyparquet as the rows that were given, nested and null as they may be", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(nestedRow, { minLength: 1, maxLength: 80 }),
        fc.record({
          rowGroupRows: fc.integer({ min: 1, max: 50 }),
          pageRows: fc.integer({ min: 1, max: 20 }),
          compression: fc.constantFrom<ParquetCompression>(
            "zstd",
            "snappy",
            "gzip",
            "lz4_raw",
            "uncompressed",
          ),
        }),
        fc.integer({ min: 1, max: 80 }),
        async (rows, options, batchRows) => {
          const maps = rows.map((row) => ({ ...row, m: row.m && new Map(Object.entries(row.m)) }));
          const file = await write(nested, maps, options, batchRows);
          const expected = json(rows);
          expect(withoutNulls(await hyparquet(file))).toEqual(withoutNulls(rows));
          const found = (await duck(file)).map((row) => ({
            ...row,
            m:
              row.m &&
              Object.fromEntries((row.m as { key: string; value: unknown }[]).map((e) => [e.key, e.value])),
          }));
          expect(json(found)).toEqual(expected);
        },
      ),
      { numRuns: runs(60) },
    );
  });
});

/** One column of each type that tables have, with values in JavaScript and as hyparquet gives them raw. */
const typed = new arrow.Struct([
  field(1, "flag", new arrow.Bool()),
  field(2, "small", new arrow.Int32()),
  field(3, "big", new arrow.Int64()),
  field(4, "single", new arrow.Float32()),
  field(5, "double", new arrow.Float64()),
  field(6, "d9", new arrow.Decimal(2, 9, 128)),
  field(7, "d18", new arrow.Decimal(3, 18, 128)),
  field(8, "d38", new arrow.Decimal(10, 38, 128)),
  field(9, "day", new arrow.DateDay()),
  field(10, "clock", new arrow.TimeMicrosecond()),
  field(11, "local", new arrow.TimestampMicrosecond()),
  field(12, "instant", new arrow.TimestampMicrosecond("UTC")),
  field(13, "nanos", new arrow.TimestampNanosecond()),
  field(14, "text", new arrow.Utf8()),
  field(15, "bytes", new arrow.Binary()),
  field(16, "fixed", new arrow.FixedSizeBinary(3)),
  field(17, "tiny", new arrow.Int8()),
  field(18, "unsigned", new arrow.Uint32()),
]);

const decimal = (digits: number) => {
  const most = 10n ** BigInt(digits) - 1n;
  return fc.bigInt({ min: -most, max: most });
};
const int = (min: number, max: number) => fc.integer({ min, max });
const us = fc.bigInt({ min: -62135596800000000n, max: 253402300799000000n });
const typedRow = fc.record({
  flag: fc.boolean(),
  small: int(-(2 ** 31), 2 ** 31 - 1),
  big: i64,
  single: fc.float(),
  double: fc.double(),
  d9: decimal(9),
  d18: decimal(18),
  d38: decimal(38),
  day: int(-700_000, 2_900_000),
  clock: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  local: us,
  instant: us,
  nanos: i64,
  text: fc.string({ unit: "binary", maxLength: 100 }),
  bytes: fc.uint8Array({ maxLength: 80 }),
  fixed: fc.uint8Array({ minLength: 3, maxLength: 3 }),
  tiny: int(-128, 127),
  unsigned: int(0, 2 ** 32 - 1),
});
/** Arrow data of one column: its builders take other values than the ones that its buffers hold. */
function typedData(type: arrow.DataType, values: readonly unknown[]): arrow.Data {
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, i) => {
    if (value !== null) nullBitmap[i >> 3] = (nullBitmap[i >> 3] ?? 0) | (1 << (i & 7));
  });
  const nullCount = values.filter((value) => value === null).length;
  const base = { length: values.length, nullCount, nullBitmap };
  if (arrow.DataType.isDecimal(type)) {
    const data = new Uint32Array(values.length * 4);
    values.forEach((value, i) => {
      for (let word = 0; word < 4; word++)
        data[4 * i + word] = Number(BigInt.asUintN(32, ((value ?? 0n) as bigint) >> BigInt(32 * word)));
    });
    return arrow.makeData({ ...base, type, data });
  }
  if (arrow.DataType.isTime(type) || arrow.DataType.isTimestamp(type)) {
    const data = BigInt64Array.from(values, (value) => (value ?? 0n) as bigint);
    return arrow.makeData({ ...base, type: type as arrow.TimestampMicrosecond, data });
  }
  if (arrow.DataType.isDate(type))
    return arrow.makeData({
      ...base,
      type: type as arrow.DateDay,
      data: Int32Array.from(values, (value) => (value ?? 0) as number),
    });
  return arrow.vectorFromArray(values, type).data[0] as arrow.Data;
}

describe("every type that tables have", () => {
  const bytesOf = (value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;

  test("comes back exactly, and its bounds and counts are those of the values", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(typedRow, fc.uniqueArray(fc.constantFrom(...typed.children.map(({ name }) => name)))),
          { minLength: 1, maxLength: 60 },
        ),
        int(1, 40),
        int(1, 15),
        async (drawn, rowGroupRows, pageRows) => {
          const rows = drawn.map(
            ([row, nulls]): Record<string, unknown> => ({
              ...row,
              ...Object.fromEntries(nulls.map((name) => [name, null])),
            }),
          );
          const schema = new arrow.Schema(typed.children);
          const children = typed.children.map(({ name, type }) =>
            typedData(
              type,
              rows.map((row) => row[name]),
            ),
          );
          const data = arrow.makeData({ type: typed, length: rows.length, nullCount: 0, children });
          const store = new MemoryStore();
          const batch = new arrow.RecordBatch(schema, data);
          const { metrics } = await writeParquet(store, uri, schema, [batch], { rowGroupRows, pageRows });
          const found = await readParquet(store, uri);
          for (const { column, values } of found.columns) {
            const name = column.path[0] as string;
            const given = rows.map((row) => row[name]);
            // -1 and 4294967295 are one INT32; hyparquet knows no unsigned ones without their logical type.
            const read =
              name === "unsigned" ? values.map((v) => (v === null ? v : (v as number) >>> 0)) : values;
            expect([name, read.map(bytesOf)]).toEqual([name, given.map(bytesOf)]);
            const metric = metrics.find(({ fieldId }) => fieldId === column.node.fieldId);
            const present = given.filter((value) => value !== null && !Number.isNaN(value));
            expect(metric?.nullCount).toBe(BigInt(given.filter((value) => value === null).length));
            if (name === "single" || name === "double")
              expect(metric?.nanCount).toBe(BigInt(given.filter(Number.isNaN).length));
            const { lower, upper } = metric ?? {};
            // Infinities and NaN apart, a bound is given whenever there is a value.
            if (lower) expect(present.some((value) => compare(value, lower.value) < 0)).toBe(false);
            if (upper) expect(present.some((value) => compare(value, upper.value) > 0)).toBe(false);
            if (lower?.exact) expect(present.some((value) => compare(value, lower.value) === 0)).toBe(true);
            if (upper?.exact) expect(present.some((value) => compare(value, upper.value) === 0)).toBe(true);
          }
        },
      ),
      { numRuns: runs(60) },
    );
  });
});

function compare(a: unknown, b: unknown): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
