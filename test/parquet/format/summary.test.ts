import { Field, Int64, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
import { expect, test } from "vitest";
import { readFooter, readSummary, writeParquet } from "../../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "../support/memory-store.js";

/** A file of three rows with so many columns. */
async function written(store: MemoryStore, uri: string, columns: number): Promise<number> {
  const fields = Array.from({ length: columns }, (_, i) => new Field(`column_${i}`, new Int64(), true));
  const schema = new Schema(fields);
  const children = fields.map(() => makeData({ type: new Int64(), data: BigInt64Array.of(1n, 2n, 3n) }));
  const data = makeData({ type: new Struct(fields), length: 3, nullCount: 0, children });
  const { fileSizeInBytes } = await writeParquet(store, uri, schema, [new RecordBatch(schema, data)]);
  return Number(fileSizeInBytes);
}

test.each([1, 40, 400])("a summary says what the footer says, of %i columns", async (columns) => {
  const store = new MemoryStore();
  const uri = `${store.root}/f.parquet`;
  const size = await written(store, uri, columns);
  const { schema, rowCount, fileSize, metadata } = await readFooter(store, uri);
  expect(schema.children).toHaveLength(columns);
  // By the length that a manifest has, by a wrong one, and by none.
  for (const recorded of [size, size - 1, size * 100, undefined]) {
    expect(await readSummary(store, uri, recorded)).toEqual({ schema, rowCount, fileSize, metadata });
  }
});

test("a summary of what is no Parquet file, or damaged before its row groups, is refused", async () => {
  const store = new MemoryStore();
  const uri = `${store.root}/f.parquet`;
  const size = await written(store, uri, 3);
  const bytes = Uint8Array.from(await store.read(uri));
  const { metadata } = await readFooter(store, uri);
  const cut = `${store.root}/cut.parquet`;
  await store.put(cut, bytes.subarray(0, size - 1));
  await expect(readSummary(store, cut)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  const damaged = `${store.root}/damaged.parquet`;
  bytes.fill(0xff, size - 8 - metadata.length, size - 8);
  await store.put(damaged, bytes);
  await expect(readSummary(store, damaged, size)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
});
