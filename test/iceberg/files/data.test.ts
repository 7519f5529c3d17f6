import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rowsToBatches } from "../../../lib/lakehouse/iceberg/files/arrow/rows.js";
import { arrange } from "../../../lib/lakehouse/iceberg/files/data/arrange.js";
import { concatBatches } from "../../../lib/lakehouse/iceberg/files/data/concat.js";
import { metricsConfig, parseMetricsMode } from "../../../lib/lakehouse/iceberg/files/data/metrics.js";
import { parquetOptions } from "../../../lib/lakehouse/iceberg/files/data/parquet-options.js";
import { takeRows } from "../../../lib/lakehouse/iceberg/files/data/take.js";
import { writeDataFiles } from "../../../lib/lakehouse/iceberg/files/data/writer.js";
import { specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import { dataFileLocation } from "../../../lib/lakehouse/iceberg/files/metadata/locations.js";
import { currentSchema } from "../../../lib/lakehouse/iceberg/model/metadata/lookup.js";
import { newTableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/new.js";
import { asc, desc, UNSORTED } from "../../../lib/lakehouse/iceberg/model/partitioning/sort-order.js";
import { day, identity, truncate } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  binary,
  boolean,
  decimal,
  defineSchema,
  double,
  int,
  list,
  long,
  map,
  string,
  struct,
  timestamp,
  uuid,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { runs } from "../../support/runs.js";
import { createTable, scratch } from "../support/tables.js";

const SCHEMA = defineSchema({
  i: int().optional(),
  l: long().optional(),
  d: double().optional(),
  ok: boolean().optional(),
  s: string().optional(),
  b: binary().optional(),
  u: uuid().optional(),
  dec: decimal(30, 2).optional(),
  at: timestamp().optional(),
  tags: list(string().optional()).optional(),
  props: map(string(), int().optional()).optional(),
  st: struct({ a: int().optional(), t: string().optional() }).optional(),
});

const row = fc.record({
  i: fc.option(fc.integer({ min: -3, max: 3 })),
  l: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  d: fc.option(fc.constantFrom(Number.NaN, -0, 0, 1, -1, Number.NEGATIVE_INFINITY)),
  ok: fc.option(fc.boolean()),
  s: fc.option(fc.string({ maxLength: 40 })),
  b: fc.option(fc.uint8Array({ maxLength: 4 })),
  u: fc.option(fc.uuid()),
  dec: fc.option(fc.integer().map((n) => (n / 100).toFixed(2))),
  at: fc.option(fc.integer({ min: -200_000, max: 200_000 }).map((s) => new Date(s * 1000))),
  tags: fc.option(fc.array(fc.option(fc.string({ maxLength: 3 })), { maxLength: 3 })),
  props: fc.option(
    fc
      .array(fc.tuple(fc.string({ maxLength: 2 }), fc.option(fc.nat(9))), { maxLength: 3 })
      .map((p) => new Map(p)),
  ),
  st: fc.option(fc.record({ a: fc.option(fc.nat(9)), t: fc.option(fc.string({ maxLength: 2 })) })),
});
type Row = Record<string, unknown>;
const rows: fc.Arbitrary<Row[]> = fc.array(row as fc.Arbitrary<Row>, { minLength: 1, maxLength: 30 });

async function batchOf(data: readonly Row[]): Promise<arrow.RecordBatch> {
  const batches: arrow.RecordBatch[] = [];
  for await (const batch of rowsToBatches(SCHEMA, data)) batches.push(batch);
  return concatBatches(batches);
}

/** Rows as text, column by column, so that NaN, -0, bytes and nested values compare. */
function show(batch: arrow.RecordBatch): string[] {
  return Array.from({ length: batch.numRows }, (_, i) =>
    JSON.stringify(
      batch.schema.fields.map((_, c) => batch.getChildAt(c)?.get(i)),
      (_, value: unknown) => {
        if (typeof value === "bigint") return `${value}n`;
        if (typeof value === "number" && (Number.isNaN(value) || Object.is(value, -0)))
          return `#${Object.is(value, -0) ? "-0" : "NaN"}`;
        if (value instanceof Uint8Array || value instanceof Uint32Array) return [...value];
        return value instanceof arrow.Vector ? [...value] : value;
      },
    ),
  );
}

describe("gathering rows", () => {
  test("takes any rows of any column in any order, of slices too", () =>
    fc.assert(
      fc.asyncProperty(rows, fc.array(fc.nat(), { maxLength: 40 }), fc.nat(10), async (data, picks, cut) => {
        const whole = await batchOf(data);
        const batch = whole.slice(Math.min(cut, whole.numRows - 1), whole.numRows);
        const order = Uint32Array.from(picks, (n) => n % batch.numRows);
        const before = show(batch);
        expect(show(takeRows(batch, order))).toEqual([...order].map((n) => before[n]));
      }),
      { numRuns: runs(60) },
    ));

  test("joins batches, slices of them too", () =>
    fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 4 }), fc.nat(5), async (parts, cut) => {
        const batches = (await Promise.all(parts.map(batchOf))).map((b) =>
          b.slice(Math.min(cut, b.numRows - 1), b.numRows),
        );
        expect(show(concatBatches(batches))).toEqual(batches.flatMap(show));
      }),
      { numRuns: runs(60) },
    ));
});

describe("arranging", () => {
  const base = newTableMetadata({
    schema: SCHEMA,
    location: "file:///w/t",
    partitionSpec: [identity("i"), day("at"), truncate("s", 1)],
    sortOrder: [desc("d"), asc("l", "nulls-last")],
  });
  const spec = specsById(base).get(0);
  const [schema] = base.schemas;
  const order = base.sortOrders.find((each) => each.orderId === base.defaultSortOrderId) ?? UNSORTED;
  if (spec === undefined || schema === undefined) throw new Error("no spec");

  /** Order of doubles by the spec: -0 before 0, NaN above all. */
  const rank = (d: number): number => (Number.isNaN(d) ? 9 : Object.is(d, -0) ? -0.5 : d);

  const nullsLast = <T>(a: T | null, b: T | null, compare: (a: T, b: T) => number): number => {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return compare(a, b);
  };

  test("puts each row in its partition, in the sort order, and keeps the order of equal rows", () =>
    fc.assert(
      fc.asyncProperty(rows, async (data) => {
        const batch = await batchOf(data);
        const parts = arrange(batch, schema, spec, order);
        const seen = parts.flatMap((part) => [...part.rows]);
        expect([...seen].sort((a, b) => a - b)).toEqual(data.map((_, n) => n));
        const keys = parts.map((part) => JSON.stringify(part.partition));
        expect(new Set(keys).size).toBe(keys.length);
        for (const { partition, rows: order } of parts) {
          for (const n of order) {
            const { i, at, s } = data[n] as { i: number | null; at: Date | null; s: string | null };
            const days = at === null ? null : Math.floor(at.getTime() / 86_400_000);
            expect(partition).toEqual([i, days, s === null ? null : [...s].slice(0, 1).join("")]);
          }
          for (let k = 1; k < order.length; k++) {
            const [a, b] = [order[k - 1] as number, order[k] as number];
            const [x, y] = [data[a], data[b]] as { d: number | null; l: bigint | null }[];
            if (x === undefined || y === undefined) throw new Error("no rows");
            // Descending, nulls last; then ascending, nulls last; then as they came.
            const d = nullsLast(x.d, y.d, (p, q) => (rank(p) === rank(q) ? 0 : rank(q) - rank(p)));
            const l = nullsLast(x.l, y.l, (p, q) => (p < q ? -1 : p > q ? 1 : 0));
            expect(d < 0 || (d === 0 && (l < 0 || (l === 0 && a < b)))).toBe(true);
          }
        }
      }),
      { numRuns: runs(150) },
    ));
});

describe("metrics modes", () => {
  test("are read from the properties; sorted columns keep bounds", () => {
    expect(parseMetricsMode("truncate(5)", "p")).toEqual({ mode: "truncate", length: 5 });
    expect(() => parseMetricsMode("some", "p")).toThrow(/truncate/);
    const schema = defineSchema({ a: int(), b: string(), c: string() });
    const base = newTableMetadata({
      schema,
      location: "file:///w/t",
      sortOrder: [asc("c")],
      properties: { "write.metadata.metrics.default": "counts", "write.metadata.metrics.column.b": "full" },
    });
    const order = base.sortOrders.at(-1) ?? UNSORTED;
    const config = metricsConfig(base, base.schemas[0] ?? schema, order);
    expect([...config]).toEqual([
      [1, { mode: "counts" }],
      [2, { mode: "full" }],
      [3, { mode: "truncate", length: 16 }],
    ]);
  });

  test("cut bounds still bound: the lower down, the upper up, or none where nothing is above", () =>
    scratch(async (directory) => {
      const schema = defineSchema({ s: string(), b: binary() });
      const { table } = await createTable(directory, {
        schema,
        properties: { "write.metadata.metrics.default": "truncate(3)" },
      });
      const after = await table.append([
        { s: "abc\u{10ffff}\u{10ffff}", b: Uint8Array.of(1, 2, 3, 4) },
        { s: "zz\u{10ffff}x", b: Uint8Array.of(255, 255, 255, 1) },
      ]);
      const metrics = (await after.inspect.files())[0]?.readableMetrics;
      expect(metrics?.s).toMatchObject({ lowerBound: "abc", upperBound: "z{" });
      expect(metrics?.b).toMatchObject({ lowerBound: Uint8Array.of(1, 2, 3), upperBound: undefined });
    }));
});

describe("files", () => {
  test("roll at the target size", () =>
    scratch(async (directory) => {
      const schema = defineSchema({ n: long(), text: string() });
      const { table } = await createTable(directory, {
        schema,
        properties: {
          "write.target-file-size-bytes": "200000",
          "write.parquet.compression-codec": "uncompressed",
        },
      });
      const data = Array.from({ length: 200_000 }, (_, n) => ({ n: BigInt(n), text: `row number ${n}` }));
      const after = await table.append(data);
      const files = await after.inspect.files();
      expect(files.length).toBeGreaterThan(2);
      expect(files.reduce((sum, file) => sum + file.recordCount, 0n)).toBe(200_000n);
    }));

  test.each(["a file a run", "sorted windows"])("roll at the target age, by %s", (layout) =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, {
        schema: defineSchema({ n: int() }),
        properties: { "write.target-file-age-ms": "1000" },
        ...(layout === "sorted windows" && { sortOrder: [asc("n")] }),
      });
      let time = 0;
      async function* slow() {
        for (const at of [5000, 5999, 6000, 6400, 6900, 7400, 9000]) {
          time = at;
          yield* rowsToBatches(table.schema, [{ n: at }]);
        }
      }
      const files = await writeDataFiles(table.store, table.metadata, slow(), { clock: () => time });
      // The third batch is the first that comes when a second is over, the sixth a second after the fourth.
      expect(files.map(({ recordCount }) => recordCount)).toEqual([3n, 3n, 1n]);
    }),
  );

  test("a codec that is not written is refused before anything is written", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, {
        schema: defineSchema({ n: int() }),
        properties: { "write.parquet.compression-codec": "brotli" },
      });
      await expect(table.append([{ n: 1 }])).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
    }));

  test("are encoded as the write.parquet properties say", () =>
    scratch(async (directory) => {
      let tables = 0;
      const encode = async (properties: Record<string, string>) => {
        const { table } = await createTable(`${directory}/${++tables}`, {
          schema: defineSchema({ code: string(), inner: struct({ n: long() }) }),
          properties,
        });
        const rows = Array.from({ length: 5000 }, (_, n) => ({
          code: `c${n % 400}`,
          inner: { n: BigInt(n * n) },
        }));
        const [file] = await (await table.append(rows)).inspect.files();
        const footer = await readFooter(table.store, file?.filePath ?? "");
        return { groups: footer.rowGroups.length, size: file?.fileSizeInBytes ?? 0n };
      };
      const plain = await encode({});
      const small = await encode({ "write.parquet.compression-level": "19" });
      expect(small.size).toBeLessThan(plain.size);
      expect(plain.groups).toBe(1);
      expect((await encode({ "write.parquet.row-group-size-bytes": "20000" })).groups).toBeGreaterThan(3);
      const filtered = await encode({
        "write.parquet.bloom-filter-enabled.column.inner.n": "true",
        "write.parquet.bloom-filter-fpp.column.inner.n": "0.001",
      });
      // 5000 values at 14.4 bits each, as a power of two.
      expect(Number(filtered.size - plain.size)).toBeGreaterThan(16 * 1024 - 1);
      const column = (property: string, value: string) =>
        encode({ [`write.parquet.${property}.column.inner.n`]: value });
      expect(Number((await column("compression-codec", "none")).size - plain.size)).toBeGreaterThan(1000);
      expect((await column("compression-level", "19")).size).toBeLessThan(plain.size);
      await expect(column("compression-codec", "brotli")).rejects.toMatchObject({
        code: "UNSUPPORTED_FEATURE",
      });
    }));

  test("are not written where another writer has set a property to what it cannot be", () => {
    const metadata = newTableMetadata({ schema: defineSchema({ n: int() }), location: "s3://w/db/t" });
    const options = (properties: Record<string, string>) => () =>
      parquetOptions({ ...metadata, properties }, currentSchema(metadata));
    const invalid = expect.objectContaining({ code: "INVALID_METADATA" });
    expect(options({ "write.parquet.compression-level.column.n": "much" })).toThrow(invalid);
    expect(options({ "write.parquet.page-size-bytes": "big" })).toThrow(invalid);
    const filter = { "write.parquet.bloom-filter-enabled.column.n": "true" };
    expect(options({ ...filter, "write.parquet.bloom-filter-fpp.column.n": "2" })).toThrow(invalid);
  });

  test("lie where the properties say, hashed for object stores as Java hashes", () => {
    const locate = (properties: Record<string, string>, name = "a") => {
      const base = newTableMetadata({
        schema: defineSchema({ n: int() }),
        partitionSpec: [identity("n")],
        location: "s3://w/db/t",
        properties,
      });
      const spec = specsById(base).get(0);
      if (spec === undefined) throw new Error("no spec");
      return dataFileLocation(base, spec, [7], name);
    };
    expect(locate({})).toBe("s3://w/db/t/data/n=7/a");
    expect(locate({ "write.data.path": "s3://else/where/" })).toBe("s3://else/where/n=7/a");
    const store = { "write.object-storage.enabled": "true" };
    expect(locate(store)).toMatch(/^s3:\/\/w\/db\/t\/data\/[01]{4}\/[01]{4}\/[01]{4}\/[01]{8}\/n=7\/a$/);
    expect(locate({ ...store, "write.data.path": "s3://else" })).toMatch(
      /^s3:\/\/else\/[01/]+\/db\/t\/n=7\/a$/,
    );
    // Known answers of Java's location provider tests.
    const flat = { ...store, "write.object-storage.partitioned-paths": "false" };
    expect(locate(flat, "a")).toBe("s3://w/db/t/data/0101/0110/1001/10110010-a");
    expect(locate(flat, "b")).toBe("s3://w/db/t/data/1110/0111/1110/00000011-b");
    expect(locate(flat, "c")).toBe("s3://w/db/t/data/0010/1101/0110/01011111-c");
  });
});
