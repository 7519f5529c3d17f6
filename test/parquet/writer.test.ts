import * as arrow from "apache-arrow";
import { describe, expect, test } from "vitest";
import {
  columnMetrics,
  FIELD_ID_KEY,
  openParquetWriter,
  readFooter,
  splitOffsets,
  writeParquet,
} from "../../lib/lakehouse/parquet/index.js";
import { MemoryStore } from "./support/memory-store.js";

const uri = "mem://test/data.parquet";
const id = (n: number) => new Map([[FIELD_ID_KEY, String(n)]]);
const schema = new arrow.Schema([
  new arrow.Field("id", new arrow.Int64(), false, id(1)),
  new arrow.Field("origin", new arrow.Utf8(), true, id(2)),
  new arrow.Field("ratio", new arrow.Float64(), true, id(3)),
]);

function batch(rows: number, from = 0): arrow.RecordBatch {
  const ids = BigInt64Array.from({ length: rows }, (_, i) => BigInt(from + i));
  const origins = Array.from({ length: rows }, (_, i) =>
    (from + i) % 7 === 0 ? null : `A${(from + i) % 5}`,
  );
  const ratios = Array.from({ length: rows }, (_, i) =>
    (from + i) % 10 === 3 ? Number.NaN : (from + i) / 4,
  );
  const table = new arrow.Table({
    id: arrow.makeVector(ids),
    origin: arrow.vectorFromArray(origins, new arrow.Utf8()),
    ratio: arrow.vectorFromArray(ratios, new arrow.Float64()),
  });
  return table.batches[0] as arrow.RecordBatch;
}

describe("a Parquet writer", () => {
  test("joins row groups from worker threads into one file, in order", async () => {
    const store = new MemoryStore();
    const batches = Array.from({ length: 25 }, (_, i) => batch(1000, i * 1000));
    const written = await writeParquet(store, uri, schema, batches, { rowGroupRows: 4096 });
    expect(written.recordCount).toBe(25_000n);
    expect(written.footer.rowGroups.map((group) => group.rowCount)).toEqual([
      4096n,
      4096n,
      4096n,
      4096n,
      4096n,
      4096n,
      424n,
    ]);
    expect(BigInt(store.objects.get(uri)?.length ?? 0)).toBe(written.fileSizeInBytes);
    expect(await readFooter(store, uri)).toEqual(written.footer);
    expect(splitOffsets(written.footer)).toHaveLength(7);
    const [ids, origins, ratios] = written.metrics;
    expect(ids).toMatchObject({ fieldId: 1, valueCount: 25_000n, nullCount: 0n });
    expect([ids?.lower?.value, ids?.upper?.value]).toEqual([0n, 24_999n]);
    expect(origins).toMatchObject({ fieldId: 2, nullCount: 3572n });
    expect([origins?.lower?.value, origins?.upper?.value]).toEqual(["A0", "A4"]);
    expect(ratios).toMatchObject({ fieldId: 3, nanCount: 2500n });
    expect([ratios?.lower?.value, ratios?.upper?.value]).toEqual([-0, 24_999 / 4]);
    expect(columnMetrics(written.footer)[2]?.nanCount).toBeUndefined();
  });

  test("makes dictionaries for values that repeat, and none for those that do not", async () => {
    const { footer } = await writeParquet(new MemoryStore(), uri, schema, [batch(5000)]);
    const dictionaries = footer.rowGroups[0]?.columns.map(
      (chunk) => chunk.dictionaryPageOffset !== undefined,
    );
    expect(dictionaries).toEqual([false, true, false]);
  });

  test("writes an empty file when no batch came", async () => {
    const store = new MemoryStore();
    const written = await writeParquet(store, uri, schema, []);
    expect(written.recordCount).toBe(0n);
    expect(written.footer.columns.map((column) => column.node.fieldId)).toEqual([1, 2, 3]);
  });

  test("leaves nothing behind when aborted, when the source fails, or when the store does", async () => {
    const store = new MemoryStore();
    const writer = await openParquetWriter(store, uri, schema, { rowGroupRows: 100 });
    await writer.write(batch(1000));
    await writer.abort();
    await expect(writer.write(batch(1))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });

    const broken = async function* () {
      yield batch(500);
      throw new Error("source gone");
    };
    await expect(writeParquet(store, uri, schema, broken(), { rowGroupRows: 100 })).rejects.toThrow(
      "source gone",
    );

    store.failAfterChunks = 2;
    const many = Array.from({ length: 20 }, (_, i) => batch(1000, i));
    await expect(writeParquet(store, uri, schema, many, { rowGroupRows: 100 })).rejects.toMatchObject({
      code: "STORAGE_FAILED",
    });
    expect(store.objects.size).toBe(0);
  });

  test("refuses a batch of other columns, and says which", async () => {
    const other = new arrow.Table({ id: arrow.makeVector(new Int32Array(2)) })
      .batches[0] as arrow.RecordBatch;
    const one = new arrow.Schema([schema.fields[0] as arrow.Field]);
    await expect(writeParquet(new MemoryStore(), uri, one, [other])).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringContaining('column "id" should be Int64 but is Int32'),
    });
  });
});
