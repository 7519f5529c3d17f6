import { randomInt } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import * as arrow from "apache-arrow";
import { beforeAll, describe, expect, test } from "vitest";
import { readThriftStruct } from "../../lib/lakehouse/parquet/format/thrift.js";
import {
  FIELD_ID_KEY,
  type ParquetCompression,
  readFooter,
  readParquet,
  verifyParquet,
  writeParquet,
} from "../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "./support/memory-store.js";

const uri = "mem://test/x.parquet";
const store = new MemoryStore();
const field = (id: number, name: string, type: arrow.DataType) =>
  new arrow.Field(name, type, true, new Map([[FIELD_ID_KEY, String(id)]]));
const type = new arrow.Struct([
  field(1, "n", new arrow.Int32()),
  field(2, "word", new arrow.Utf8()),
  field(3, "list", new arrow.List(field(4, "element", new arrow.Float64()))),
]);
const rows = Array.from({ length: 3000 }, (_, i) => ({
  n: i % 7 === 0 ? null : i * 31,
  word: `word ${i % 50}`,
  list: Array.from({ length: i % 4 }, (__, j) => i / (j + 1)),
}));

async function write(compression: ParquetCompression): Promise<Uint8Array> {
  const data = arrow.vectorFromArray(rows, type).data[0] as arrow.Data<arrow.Struct>;
  const schema = new arrow.Schema(type.children);
  const batch = new arrow.RecordBatch(schema, data);
  await writeParquet(store, uri, schema, [batch], { compression, rowGroupRows: 1000, pageRows: 300 });
  return store.objects.get(uri) as Uint8Array;
}

describe("verifyParquet", () => {
  let good: Uint8Array;
  let pages: { from: number; to: number };
  let headers: { from: number; to: number }[];

  beforeAll(async () => {
    good = new Uint8Array(await write("uncompressed"));
    const footer = await readFooter(store, uri);
    const chunks = footer.rowGroups.flatMap(({ columns }) => columns);
    const starts = chunks.map((chunk) => Number(chunk.dictionaryPageOffset ?? chunk.dataPageOffset));
    const ends = chunks.map((chunk, i) => (starts[i] ?? 0) + Number(chunk.compressedSize));
    pages = { from: Math.min(...starts), to: Math.max(...ends) };
    headers = starts.flatMap((start, i) => {
      const found: { from: number; to: number }[] = [];
      for (let at = start; at < (ends[i] ?? 0); ) {
        const { struct, length } = readThriftStruct(good.subarray(at), uri);
        found.push({ from: at, to: at + length });
        at += length + Number(struct.get(3)?.value);
      }
      return found;
    });
  });

  test.each(["uncompressed", "zstd", "snappy", "gzip", "lz4_raw"] as ParquetCompression[])(
    "every page that we write in %s carries its checksum, and is read as before",
    async (compression) => {
      await write(compression);
      const seen = await verifyParquet(store, uri);
      expect(seen.pages).toBeGreaterThan(3 * 3 * 3);
      expect(seen.checkedPages).toBe(seen.pages);
      const { columns } = await readParquet(store, uri, { columns: [1, 2] });
      expect(columns.map(({ values }) => values)).toEqual([
        rows.map(({ n }) => n),
        rows.map(({ word }) => word),
      ]);
    },
  );

  test("no flipped bit of a page passes; of a header, only one that moves and counts nothing", async () => {
    let unseen = 0;
    for (let i = 0; i < 400; i++) {
      const bad = good.slice();
      const place = i < 100 ? pages.from + i : pages.from + randomInt(pages.to - pages.from);
      bad[place]! ^= 1 << randomInt(8);
      store.objects.set(uri, bad);
      const outcome = await verifyParquet(store, uri).catch((error: { code: string }) => error.code);
      if (outcome === "CORRUPT_FILE") continue;
      unseen++;
      expect(headers.some(({ from, to }) => from <= place && place < to)).toBe(true);
    }
    expect(unseen).toBeLessThan(100);
  });

  test("names the page: column, row group and offset", async () => {
    const bad = good.slice();
    const footer = await readFooter(new MemoryStoreOf(good), uri);
    const at = Number(footer.rowGroups[1]?.columns[0]?.dataPageOffset) + 40;
    bad[at]! ^= 1;
    store.objects.set(uri, bad);
    await expect(verifyParquet(store, uri)).rejects.toMatchObject({
      code: "CORRUPT_FILE",
      subject: uri,
      message: expect.stringMatching(
        /page \d+ of column n in row group 1, at byte \d+ does not have the checksum/,
      ),
    });
  });

  test("a file that is cut is refused", async () => {
    store.objects.set(uri, good.slice(0, -5000));
    await expect(verifyParquet(store, uri)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  });

  test("a file of a writer without checksums is walked through, and its pages are counted as unchecked", async () => {
    const folder = await mkdtemp(join(tmpdir(), "verify-"));
    const duckdb = await (await DuckDBInstance.create()).connect();
    await duckdb.run(`COPY (SELECT range AS n, 'x' AS s FROM range(100000)) TO '${folder}/x.parquet'`);
    duckdb.closeSync();
    store.objects.set(uri, await readFile(join(folder, "x.parquet")));
    await rm(folder, { recursive: true });
    const seen = await verifyParquet(store, uri);
    expect(seen.pages).toBeGreaterThan(0);
    expect(seen.checkedPages).toBe(0);
  });
});

class MemoryStoreOf extends MemoryStore {
  constructor(bytes: Uint8Array) {
    super();
    this.objects.set(uri, bytes);
  }
}
