import { randomFillSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import * as arrow from "apache-arrow";
import { describe, expect, test } from "vitest";
import { int, long, structs } from "../../../lib/lakehouse/parquet/format/schema.js";
import { readThriftStruct, type ThriftStruct } from "../../../lib/lakehouse/parquet/format/thrift.js";
import {
  FIELD_ID_KEY,
  type ParquetWriteOptions,
  type WrittenParquet,
  writeParquet,
} from "../../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "../support/memory-store.js";

const uri = "mem://test/x.parquet";
const id = (n: number) => new Map([[FIELD_ID_KEY, String(n)]]);
const schema = new arrow.Schema([
  new arrow.Field("code", new arrow.Utf8(), true, id(1)),
  new arrow.Field("n", new arrow.Int64(), true, id(2)),
  new arrow.Field("ratio", new arrow.Float64(), true, id(3)),
]);

const ROWS = 6000;
const table = new arrow.Table({
  code: arrow.vectorFromArray(
    Array.from({ length: ROWS }, (_, i) => `code-${(i * 7919) % 701}`),
    new arrow.Utf8(),
  ),
  n: arrow.makeVector(BigInt64Array.from({ length: ROWS }, (_, i) => BigInt(i) * 1000003n)),
  ratio: arrow.vectorFromArray(
    Array.from({ length: ROWS }, (_, i) => (i < 1000 ? Number.NaN : i / 7)),
    new arrow.Float64(),
  ),
});

async function write(options: ParquetWriteOptions): Promise<{ written: WrittenParquet; bytes: Uint8Array }> {
  const store = new MemoryStore();
  const written = await writeParquet(store, uri, schema, table.batches, options);
  return { written, bytes: store.objects.get(uri) ?? new Uint8Array() };
}

/** The ColumnChunk structs of the first row group. */
function chunks({ footer }: WrittenParquet): ThriftStruct[] {
  const [group] = structs(readThriftStruct(footer.metadata, "footer").struct, 4) ?? [];
  return (group && structs(group, 1)) ?? [];
}

/** What DuckDB reads: the exclusive or of each column, which no value can be missing from. */
async function readParquet(bytes: Uint8Array): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), "codecs-"));
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    const path = join(dir, "codecs.parquet");
    await writeFile(path, bytes);
    const sql = `SELECT bit_xor(noise), bit_xor(counted) FROM read_parquet('${path}')`;
    return (await connection.runAndReadAll(sql)).getRowsJson().flat().map(String);
  } finally {
    connection.closeSync();
    await rm(dir, { recursive: true });
  }
}

function metadataOf(chunk: ThriftStruct | undefined): ThriftStruct {
  const field = chunk?.get(3);
  return field?.type === "struct" ? field.value : new Map();
}

describe("settings of a Parquet file", () => {
  test("take codec and level, for the file and for single columns", async () => {
    const fast = await write({ compression: "zstd", compressionLevel: 1 });
    const small = await write({ compression: "zstd", compressionLevel: 19 });
    expect(small.bytes.length).toBeLessThan(fast.bytes.length);
    const mixed = await write({ compression: "gzip", columns: new Map([[2, { compression: "snappy" }]]) });
    expect(chunks(mixed.written).map((chunk) => int(metadataOf(chunk), 4))).toEqual([2, 1, 2]);
  });

  test("leave a chunk uncompressed where its first page shows that compressing does not pay", async () => {
    const rows = 50_000;
    const noise = randomFillSync(new BigInt64Array(rows));
    const counted = BigInt64Array.from({ length: rows }, (_, i) => BigInt(i));
    const data = new arrow.Table({ noise: arrow.makeVector(noise), counted: arrow.makeVector(counted) });
    const codecs = async (options: ParquetWriteOptions, batches = data.batches) => {
      const store = new MemoryStore();
      const written = await writeParquet(store, uri, data.schema, batches, options);
      const bytes = store.objects.get(uri) ?? new Uint8Array();
      const read = await readParquet(bytes);
      return { read, codecs: chunks(written).map((chunk) => int(metadataOf(chunk), 4)) };
    };
    for (const [compression, codec] of [
      ["zstd", 6],
      ["snappy", 1],
      ["gzip", 2],
    ] as const) {
      const { read, codecs: found } = await codecs({ compression });
      expect(found).toEqual([0, codec]);
      expect(read).toEqual([`${noise.reduce((a, b) => a ^ b)}`, `${counted.reduce((a, b) => a ^ b)}`]);
    }
    // A page of a few kilobytes says too little.
    const few = data.batches.map((batch) => batch.slice(0, 1000));
    expect((await codecs({ compression: "snappy" }, few)).codecs).toEqual([1, 1]);
  });

  test("end pages where an engine's vectors end", async () => {
    const counted = arrow.makeVector(BigInt64Array.from({ length: 50_000 }, (_, i) => BigInt(i)));
    const data = new arrow.Table({ counted });
    const store = new MemoryStore();
    const written = await writeParquet(store, uri, data.schema, data.batches, { pageBytes: 100_000 });
    const bytes = store.objects.get(uri) ?? new Uint8Array();
    const at = Number(long(chunks(written)[0] ?? new Map(), 4));
    const pages = structs(readThriftStruct(bytes.subarray(at), "index").struct, 1) ?? [];
    expect(pages.map((page) => long(page, 3))).toEqual([0n, 12_288n, 24_576n, 36_864n, 49_152n]);
  });

  test("are refused when there is no such codec or level", async () => {
    for (const options of [
      { compression: "zstd", compressionLevel: 23 },
      { compression: "snappy", compressionLevel: 1 },
      { compression: "brotli" as "zstd" },
    ] as const)
      await expect(write(options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("bound pages by rows and by bytes, and the page index says where each is", async () => {
    const { written, bytes } = await write({ pageRows: 1000, pageBytes: 4000 });
    const [code, n, ratio] = chunks(written);
    const locations = (chunk: ThriftStruct | undefined) => {
      const at = Number(long(chunk ?? new Map(), 4));
      return structs(readThriftStruct(bytes.subarray(at), "index").struct, 1) ?? [];
    };
    expect(locations(code)).toHaveLength(6);
    expect(locations(n)).toHaveLength(12);
    expect(locations(n).map((page) => long(page, 3))).toEqual(
      Array.from({ length: 12 }, (_, i) => BigInt(i * 500)),
    );
    for (const page of locations(code)) {
      const header = readThriftStruct(bytes.subarray(Number(long(page, 1))), "page");
      expect(int(header.struct, 1)).toBe(0);
      expect(header.length + (int(header.struct, 3) ?? 0)).toBe(int(page, 2));
    }
    // An index must have bounds for every page with values; a page of NaN has none, so its column has no index.
    expect([code, n, ratio].map((chunk) => long(chunk ?? new Map(), 6) !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("give up a dictionary that grows too large, or that a column shall not have", async () => {
    const dictionary = async (options: ParquetWriteOptions) =>
      (await write(options)).written.footer.rowGroups[0]?.columns.map(
        (c) => c.dictionaryPageOffset !== undefined,
      );
    expect(await dictionary({})).toEqual([true, false, false]);
    expect(await dictionary({ dictionaryBytes: 1000 })).toEqual([false, false, false]);
    expect(await dictionary({ columns: new Map([[1, { dictionary: false }]]) })).toEqual([
      false,
      false,
      false,
    ]);
  });

  test("add Bloom filters that another engine skips row groups by", async () => {
    const dir = await mkdtemp(join(tmpdir(), "bloom-"));
    const connection = await (await DuckDBInstance.create()).connect();
    try {
      const { bytes } = await write({
        columns: new Map([
          [1, { bloomFilter: true }],
          [2, { bloomFilter: true }],
        ]),
      });
      const path = join(dir, "bloom.parquet");
      await writeFile(path, bytes);
      const excluded = async (column: string, value: string) => {
        const probe = `SELECT bloom_filter_excludes AS e FROM parquet_bloom_probe('${path}', '${column}', ${value})`;
        return (await connection.runAndReadAll(probe)).getRowObjectsJson().map((row) => row.e);
      };
      for (let i = 0; i < 701; i += 50) expect(await excluded("code", `'code-${i}'`)).toEqual([false]);
      for (let i = 0; i < ROWS; i += 500)
        expect(await excluded("n", `${i * 1000003}::BIGINT`)).toEqual([false]);
      const absent = await Promise.all(
        Array.from({ length: 100 }, (_, i) => excluded("n", `${i * 1000003 + 1}::BIGINT`)),
      );
      expect(absent.filter(([skipped]) => skipped).length).toBeGreaterThan(90);
    } finally {
      connection.closeSync();
      await rm(dir, { recursive: true });
    }
  });
});
