// What the encoder writes is read by another implementation, and what that one writes is read by us.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import {
  type Compression,
  EnabledStatistics,
  Encoding,
  WriterPropertiesBuilder,
  WriterVersion,
} from "parquet-wasm";
import { describe, expect, test } from "vitest";
import {
  columnMetrics,
  type ParquetCompression,
  type ParquetWriteOptions,
  readFooter,
  readParquet,
  writeParquet,
} from "../../../lib/lakehouse/parquet/index.js";
import { runs } from "../../support/runs.js";
import { MemoryStore } from "../support/memory-store.js";
import { build, type Plain, plainRows } from "../support/plain-values.js";
import { anyColumn, type Column, columnOf, LEAVES } from "../support/random-columns.js";
import { rustRead, rustWrite } from "../support/rust.js";

const uri = "mem://test/x.parquet";
const CODECS: readonly ParquetCompression[] = ["zstd", "snappy", "gzip", "lz4_raw", "uncompressed"];

type Row = { readonly [name: string]: Plain };

/** The rows as an Arrow batch. */
function batchOf(fields: readonly arrow.Field[], rows: readonly Row[]): arrow.RecordBatch {
  const data = build(new arrow.Struct([...fields]), rows) as arrow.Data<arrow.Struct>;
  return new arrow.RecordBatch(new arrow.Schema([...fields]), data);
}

async function written(
  fields: readonly arrow.Field[],
  rows: readonly Row[],
  options: ParquetWriteOptions = {},
  batchRows = rows.length,
): Promise<Uint8Array> {
  const store = new MemoryStore();
  const whole = batchOf(fields, rows);
  const batches: arrow.RecordBatch[] = [];
  for (let at = 0; at < rows.length; at += batchRows) batches.push(whole.slice(at, at + batchRows));
  await writeParquet(store, uri, whole.schema, batches, options);
  return store.objects.get(uri) ?? new Uint8Array();
}

const rowsOf = (columns: readonly Column[], constraints: fc.ArrayConstraints): fc.Arbitrary<Row[]> =>
  fc.array(
    fc.record(Object.fromEntries(columns.map(({ field, value }) => [field.name, value]))),
    constraints,
  ) as fc.Arbitrary<Row[]>;

const options = fc.record({
  compression: fc.constantFrom(...CODECS),
  rowGroupRows: fc.integer({ min: 1, max: 60 }),
  pageRows: fc.integer({ min: 1, max: 20 }),
  pageBytes: fc.constantFrom(1, 50, 1 << 20),
  // From "no dictionary fits" over "some do" to "all do".
  dictionaryBytes: fc.constantFrom(0, 1, 40, 400, 1 << 20),
});

describe("another implementation reads", () => {
  const shapes = fc
    .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 })
    .chain((depths) => fc.tuple(...depths.map((depth, i) => anyColumn(`c${i}`, depth))));

  test("the rows that were written, of any schema, however they are cut into batches, row groups and pages", async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes.chain((columns) =>
          fc.record({
            fields: fc.constant(columns.map(({ field }) => field)),
            rows: rowsOf(columns, { minLength: 1, maxLength: 70 }),
          }),
        ),
        options,
        fc.integer({ min: 1, max: 70 }),
        async ({ fields, rows }, how, batchRows) => {
          expect(plainRows(rustRead(await written(fields, rows, how, batchRows)))).toEqual(rows);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  test.each(CODECS)(
    "%s pages of every type, with and without a dictionary, required and optional",
    async (codec) => {
      const columns = LEAVES.flatMap(([, type, value], i) => [
        columnOf(`required${i}`, type, value, false),
        columnOf(`optional${i}`, type, value, true),
      ]);
      const fields = columns.map(({ field }) => field);
      const [rows] = fc.sample(rowsOf(columns, { minLength: 50, maxLength: 50 }), { seed: 11, numRuns: 1 });
      for (const dictionaryBytes of [0, 1 << 20]) {
        const bytes = await written(fields, rows as Row[], {
          compression: codec,
          dictionaryBytes,
          pageRows: 7,
        });
        expect(plainRows(rustRead(bytes))).toEqual(rows);
      }
    },
  );

  test("a file without rows, a row group of nulls, and lists that are all empty or null", async () => {
    const text = columnOf("t", new arrow.Utf8(), fc.constant("x"), true).field;
    const list = columnOf("l", new arrow.List(text.clone({ name: "element" })), fc.constant([]), true).field;
    const empty = await written([text, list], []);
    expect(rustRead(empty).numRows).toBe(0);
    expect(rustRead(empty).schema.fields.map(({ name }) => name)).toEqual(["t", "l"]);
    const rows = [null, [], null, [], [null], [null, null], []].map((l) => ({ t: null, l }));
    for (const pageRows of [1, 2, 100])
      expect(plainRows(rustRead(await written([text, list], rows, { pageRows, rowGroupRows: 4 })))).toEqual(
        rows,
      );
  });

  test("pages, values and dictionaries that are large", async () => {
    const columns = [
      columnOf("long", new arrow.Utf8(), fc.constant(""), true),
      columnOf("many", new arrow.Int64(), fc.constant(0n), false),
      columnOf("few", new arrow.Utf8(), fc.constant(""), false),
    ];
    const rows = Array.from({ length: 70_000 }, (_, i) => ({
      long: i % 10_000 === 0 ? "0123456789abcdef".repeat(20_000) : i % 3 === 0 ? null : `${i}`,
      many: BigInt(i) * 1_000_003n,
      few: `value ${(i * 7919) % 40_000}`,
    }));
    const fields = columns.map(({ field }) => field);
    const found = plainRows(
      rustRead(await written(fields, rows, { rowGroupRows: 50_000, pageBytes: 100_000 })),
    );
    expect(found.length).toBe(rows.length);
    expect(found.findIndex((row, i) => !same(row, rows[i]))).toBe(-1);
  });
});

/** Quicker than `toEqual` for many flat rows. */
const same = (a: unknown, b: unknown) =>
  Object.entries(a as object).every(([name, value]) =>
    Object.is(value, (b as { [name: string]: unknown })[name]),
  );

describe("what another implementation writes is read", () => {
  const codecs = { UNCOMPRESSED: 0, SNAPPY: 1, GZIP: 2, BROTLI: 3, ZSTD: 5, LZ4_RAW: 6 } satisfies Partial<
    Record<keyof typeof Compression, Compression>
  >;
  const columns = LEAVES.map(([, type, value], i) => columnOf(`c${i}`, type, value, i % 4 !== 0));
  // Below structs, where a null can stand at each of two levels.
  const inner = columnOf("s", new arrow.Int32(), fc.integer(), true);
  const outer = columnOf("nested", new arrow.Struct([inner.field]), fc.record({ s: inner.value }), true);
  const all = [...columns, outer];
  const fields = all.map(({ field }) => field);

  /** Values as `readParquet` gives them, in the terms of these tests. */
  const plain = (value: unknown): Plain =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : (value as Plain);

  test.each(Object.keys(codecs) as (keyof typeof codecs)[])(
    "in %s, with dictionaries and without, in pages of both versions",
    async (codec) => {
      const [rows = []] = fc.sample(rowsOf(all, { minLength: 300, maxLength: 300 }), { seed: 5, numRuns: 1 });
      for (const version of [WriterVersion.V1, WriterVersion.V2])
        for (const dictionary of [true, false]) {
          const properties = new WriterPropertiesBuilder()
            .setCompression(codecs[codec])
            .setWriterVersion(version)
            .setDictionaryEnabled(dictionary)
            .setDataPageSizeLimit(200)
            .setWriteBatchSize(16)
            .setMaxRowGroupSize(120)
            .setStatisticsEnabled(EnabledStatistics.Page)
            .build();
          const store = new MemoryStore();
          store.objects.set(uri, rustWrite(new arrow.Table(batchOf(fields, rows)), properties));
          const { columns: found, rowCount } = await readParquet(store, uri);
          expect(rowCount).toBe(300);
          const byPath = new Map(found.map(({ column, values }) => [column.path.join("."), values]));
          all.forEach(({ field }) => {
            const given = rows.map((row) =>
              field.name === "nested" ? ((row.nested as Row | null)?.s ?? null) : row[field.name],
            );
            const values = byPath.get(field.name === "nested" ? "nested.s" : field.name) ?? [];
            expect([codec, field.name, values.map((value) => unsigned(field.type, plain(value)))]).toEqual([
              codec,
              field.name,
              given,
            ]);
          });
        }
    },
  );

  test.each([
    ["delta, integers", new arrow.Int64(), Encoding.DELTA_BINARY_PACKED],
    ["delta, text", new arrow.Utf8(), Encoding.DELTA_BYTE_ARRAY],
    ["delta lengths, text", new arrow.Utf8(), Encoding.DELTA_LENGTH_BYTE_ARRAY],
    ["split bytes, doubles", new arrow.Float64(), Encoding.BYTE_STREAM_SPLIT],
    ["runs, booleans", new arrow.Bool(), Encoding.RLE],
  ] as const)("in the encoding: %s", async (_, type, encoding) => {
    const [, , value] = LEAVES.find(([, of]) => String(of) === String(type))!;
    const column = columnOf("v", type, value, true);
    const [rows = []] = fc.sample(rowsOf([column], { minLength: 500, maxLength: 500 }), {
      seed: 3,
      numRuns: 1,
    });
    const properties = new WriterPropertiesBuilder()
      .setWriterVersion(WriterVersion.V2)
      .setDictionaryEnabled(false)
      .setEncoding(encoding)
      .build();
    const store = new MemoryStore();
    store.objects.set(uri, rustWrite(new arrow.Table(batchOf([column.field], rows)), properties));
    const { columns: found } = await readParquet(store, uri);
    expect(found[0]?.values.map(plain)).toEqual(rows.map(({ v }) => v));
  });

  test("and its footers give bounds that hold, at every level of statistics", async () => {
    await fc.assert(
      fc.asyncProperty(
        rowsOf(columns, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(EnabledStatistics.None, EnabledStatistics.Chunk, EnabledStatistics.Page),
        async (rows, level) => {
          const properties = new WriterPropertiesBuilder()
            .setStatisticsEnabled(level)
            .setMaxRowGroupSize(15)
            .build();
          const store = new MemoryStore();
          store.objects.set(
            uri,
            rustWrite(
              new arrow.Table(
                batchOf(
                  columns.map((c) => c.field),
                  rows,
                ),
              ),
              properties,
            ),
          );
          const footer = await readFooter(store, uri);
          const metrics = new Map(columnMetrics(footer).map((metric) => [metric.fieldId, metric]));
          footer.columns.forEach((column) => {
            const { lower, upper, nullCount, valueCount } = metrics.get(column.node.fieldId ?? -1) ?? {};
            const given = rows.map((row) => row[column.path[0]!]!);
            expect(valueCount).toBe(BigInt(rows.length));
            if (nullCount !== undefined)
              expect(nullCount).toBe(BigInt(given.filter((value) => value === null).length));
            const { type } = columns.find(({ field }) => field.name === column.path[0])!.field;
            for (const value of given) {
              if (value === null || Number.isNaN(value)) continue;
              if (lower)
                expect(order(type, unsigned(type, plain(lower.value)), value)).toBeLessThanOrEqual(0);
              if (upper)
                expect(order(type, unsigned(type, plain(upper.value)), value)).toBeGreaterThanOrEqual(0);
            }
          });
        },
      ),
      { numRuns: runs(20) },
    );
  });
});

/** An unsigned integer from the signed one of the same bits, which is how values and bounds are kept. */
function unsigned(type: arrow.DataType, value: Plain): Plain {
  if (!arrow.DataType.isInt(type) || type.isSigned || value === null) return value;
  return typeof value === "bigint" ? BigInt.asUintN(64, value) : (value as number) >>> 0;
}

function order(type: arrow.DataType, a: Plain, b: Plain): number {
  if (typeof a === "string" && typeof b === "string") {
    const encoding = arrow.DataType.isUtf8(type) ? "utf8" : "hex";
    return Buffer.compare(Buffer.from(a, encoding), Buffer.from(b, encoding));
  }
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
