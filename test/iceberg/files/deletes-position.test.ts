import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import type { AvroSchemaJson } from "../../../lib/lakehouse/iceberg/files/avro/types.js";
import { referencedDataFile } from "../../../lib/lakehouse/iceberg/files/deletes/delete-rules.js";
import { writeDeletionVectors } from "../../../lib/lakehouse/iceberg/files/deletes/deletion-vector-writer.js";
import { PositionBitmap } from "../../../lib/lakehouse/iceberg/files/deletes/position-bitmap.js";
import { writePositionDeletes } from "../../../lib/lakehouse/iceberg/files/deletes/position-delete-writer.js";
import {
  PositionDeleteReader,
  readPositionDeletes,
} from "../../../lib/lakehouse/iceberg/files/deletes/position-deletes.js";
import type { DataFile } from "../../../lib/lakehouse/iceberg/model/metadata/manifest-types.js";
import { utf8Encode } from "../../../lib/lakehouse/iceberg/model/values/bytes.js";
import { toBinary } from "../../../lib/lakehouse/iceberg/model/values/single-value.js";
import { columnMetrics, readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { type ByteRange, LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

const FILE_PATH = 2147483546;
const POS = 2147483545;

/** Counts the reads, to see what the cache saves. */
class CountingStore extends LocalStore {
  reads = 0;
  override read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    this.reads++;
    return super.read(uri, range);
  }
}

let folder: string;
let store: CountingStore;
let files = 0;
const nextUri = (extension = "parquet"): string => `${store.root}/${files++}.${extension}`;
const partition = { specId: 2, partition: ["ATL"] };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "position-deletes-"));
  store = new CountingStore(folder, { durable: false });
});
afterAll(() => rm(folder, { recursive: true }));

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

async function write(deletes: Record<string, number[]>): Promise<DataFile> {
  const entries = Object.entries(deletes).map(([path, rows]) => [path, PositionBitmap.from(rows)] as const);
  const file = await writePositionDeletes(store, nextUri(), new Map(entries), partition);
  if (file === undefined) throw new Error("nothing was written");
  return file;
}

function dataFile(filePath: string): DataFile {
  return {
    content: "data",
    filePath,
    fileFormat: "parquet",
    specId: 2,
    partition: ["ATL"],
    recordCount: 1000n,
    fileSizeInBytes: 1n,
  };
}

describe("a position delete file", () => {
  test("holds what was written, whatever the paths and positions", async () => {
    const path = fc.oneof(fc.webPath(), fc.string({ minLength: 1, unit: "binary" }));
    const positions = fc.array(fc.oneof(fc.nat(300), fc.maxSafeNat()), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(path, positions), { selector: ([p]) => p, minLength: 1, maxLength: 6 }),
        async (entries) => {
          const file = await write(Object.fromEntries(entries));
          const back = await readPositionDeletes(store, file);
          expect(back.size).toBe(entries.length);
          for (const [name, rows] of entries) {
            expect(back.get(name)?.toArray()).toEqual([...new Set(rows)].sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: runs(25) },
    );
  });

  test("is sorted by path, in code points, and position, and stays so over many batches", async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => 3 * i);
    const file = await write({ "s3://b/\u{1f426}": [4, 1], "s3://b/\uffee": [9], "s3://b/a": many });
    const { rowGroups, columns } = await readFooter(store, file.filePath);
    expect(columns.map(({ node }) => node.fieldId)).toEqual([FILE_PATH, POS]);
    expect(rowGroups.reduce((sum, { rowCount }) => sum + rowCount, 0n)).toBe(100_003n);
    const back = await readPositionDeletes(store, file);
    // A map keeps the order in which paths were first met.
    expect([...back.keys()]).toEqual(["s3://b/a", "s3://b/\uffee", "s3://b/\u{1f426}"]);
    expect(back.get("s3://b/a")?.toArray()).toEqual(many);
  });

  test("has the metrics that planning needs, its bounds whole however long the paths are", async () => {
    const [a, z] = [`s3://b/${"a".repeat(300)}`, `s3://b/${"z".repeat(300)}`];
    const file = await write({ [z]: [7, 3], [a]: [5] });
    const footer = await readFooter(store, file.filePath);
    const sizes = columnMetrics(footer).map(({ fieldId, columnSize }) => [fieldId, columnSize] as const);
    expect(file).toMatchObject({
      content: "position-deletes",
      fileFormat: "parquet",
      specId: 2,
      partition: ["ATL"],
      recordCount: 3n,
    });
    expect(file.fileSizeInBytes).toBe(BigInt((await store.head(file.filePath))!.size));
    expect(file.columnSizes).toEqual(new Map(sizes));
    expect(file.valueCounts?.get(POS)).toBe(3n);
    expect(file.nullValueCounts?.get(FILE_PATH)).toBe(0n);
    expect(file.lowerBounds?.get(FILE_PATH)).toEqual(utf8Encode(a));
    expect(file.upperBounds?.get(FILE_PATH)).toEqual(utf8Encode(z));
    expect(file.lowerBounds?.get(POS)).toEqual(toBinary({ type: "long" }, 3n));
    expect(file.upperBounds?.get(POS)).toEqual(toBinary({ type: "long" }, 7n));
    expect(file.referencedDataFile).toBeUndefined();
    expect(referencedDataFile(file)).toBeUndefined();
    expect(file.sortOrderId).toBeUndefined();
  });

  test("of one data file names it, and its bounds do too", async () => {
    const path = `s3://b/${"long/".repeat(60)}a.parquet`;
    const file = await write({ [path]: [5, 8] });
    expect(file.referencedDataFile).toBe(path);
    expect(referencedDataFile({ ...file, referencedDataFile: undefined })).toBe(path);
  });

  test("is not written when nothing is deleted", async () => {
    const uri = nextUri();
    const nothing = new Map([["s3://b/a", new PositionBitmap()]]);
    expect(await writePositionDeletes(store, uri, nothing, partition)).toBeUndefined();
    expect(await store.head(uri)).toBeUndefined();
  });

  test("written by pyarrow is read, zstd and dictionaries included", async () => {
    const bytes = Buffer.from(
      "UEFSMRUEFVIVXEwVBBUAEgAAKLUv/SApLQEA+BAAAABzMzovL2IveC5wYXJxdWV0EcOkLnBhcnF1ZXQBAG+bTBUAFQYVGCwVEBUQFQYVBhw2ACgRczM6Ly9iL8OkLnBhcnF1ZXQYEHMzOi8vYi94LnBhcnF1ZXQREQAAACi1L/0gAxkAAAED4BUEFYABFV5MFRAVABIAACi1L/0gQDUBAKgAAAEABQBwEQEAAgMABAAAAAAAAAAHAGAQhNjlCwgBA4OBB4AFFQAVChUcLBUQFRAVBhUGHBgIAAAAAAIAAAAYCAAAAAAAAAAAFgAoCAAAAAACAAAAGAgAAAAAAAAAABERAAAAKLUv/SAFKQAAAwOIxvoVBBk8NQAYBnNjaGVtYRUEABUMJQAYCWZpbGVfcGF0aCUANbT+//8PHBwAAAAVBCUAGANwb3NVsv7//w8AFhAZHBksJgAcFQwZNQAGEBkYCWZpbGVfcGF0aBUMFhAW7AEWiAImgAEmCBw2ACgRczM6Ly9iL8OkLnBhcnF1ZXQYEHMzOi8vYi94LnBhcnF1ZXQREQAZLBUEFQAVAgAVABUQFQIAPBaGAhkGGQYAAAAmABwVBBk1AAYQGRgDcG9zFQwWEBamAhaWAiaMAyaQAhwYCAAAAAACAAAAGAgAAAAAAAAAABYAKAgAAAAAAgAAABgIAAAAAAAAAAAREQAZLBUEFQAVAgAVABUQFQIAAAAWkgQWECYIFp4EABkcGAxBUlJPVzpzY2hlbWEYrAMvLy8vL3pnQkFBQVFBQUFBQUFBS0FBd0FCZ0FGQUFnQUNnQUFBQUFCQkFBTUFBQUFDQUFJQUFBQUJBQUlBQUFBQkFBQUFBSUFBQUNRQUFBQUJBQUFBSXIvLy84QUFBQUNGQUFBQUZ3QUFBQUlBQUFBRUFBQUFBQUFBQUFEQUFBQWNHOXpBQUVBQUFBRUFBQUFjUC8vL3hnQUFBQUVBQUFBQ2dBQUFESXhORGMwT0RNMU5EVUFBQkFBQUFCUVFWSlJWVVZVT21acFpXeGtYMmxrQUFBQUFBZ0FEZ0FJQUFjQUNBQUFBQUFBQUFGQUFBQUFBQUFTQUJnQUNBQUFBQWNBREFBQUFCQUFGQUFTQUFBQUFBQUFCUlFBQUFCb0FBQUFDQUFBQUJnQUFBQUFBQUFBQ1FBQUFHWnBiR1ZmY0dGMGFBQUFBQUVBQUFBTUFBQUFDQUFNQUFRQUNBQUlBQUFBR0FBQUFBUUFBQUFLQUFBQU1qRTBOelE0TXpVME5nQUFFQUFBQUZCQlVsRlZSVlE2Wm1sbGJHUmZhV1FBQUFBQUJBQUVBQVFBQUFBPQAYIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGSwcAAAcAAAABAMAAFBBUjE=",
      "base64",
    );
    const uri = nextUri();
    await store.put(uri, bytes);
    const back = await readPositionDeletes(store, {
      ...dataFile(uri),
      content: "position-deletes",
      fileSizeInBytes: BigInt(bytes.length),
    });
    expect(back.get("s3://b/x.parquet")?.toArray()).toEqual([0, 1, 5, 70_000, 2 ** 33]);
    expect(back.get("s3://b/ä.parquet")?.toArray()).toEqual([2, 3, 4]);
  });
});

describe("a position delete file in Avro", () => {
  const schema = (ids: boolean): AvroSchemaJson => ({
    type: "record",
    name: "table",
    fields: [
      { name: "file_path", type: "string", ...(ids && { "field-id": FILE_PATH }) },
      { name: "pos", type: "long", ...(ids && { "field-id": POS }) },
      { name: "row", type: ["null", "string"], default: null },
    ],
  });
  async function writeAvro(ids: boolean, entries: readonly (readonly [string, number])[]): Promise<DataFile> {
    const writer = new AvroWriter(schema(ids), {});
    for (const [path, pos] of entries)
      writer.write({ file_path: path, pos: BigInt(pos), row: "passed over" });
    const bytes = writer.finish();
    const uri = nextUri("avro");
    await store.put(uri, bytes);
    const file = { ...dataFile(uri), fileFormat: "avro" as const, fileSizeInBytes: BigInt(bytes.length) };
    return { ...file, content: "position-deletes" };
  }

  test.each([true, false])("is read, with field ids or by names (%s)", async (ids) => {
    const entries = Array.from({ length: 70_000 }, (_, i) => ["s3://b/a", i * 2] as const);
    const file = await writeAvro(ids, [...entries, ["s3://b/b", 7]]);
    const found = await readPositionDeletes(store, file);
    expect([...found.keys()]).toEqual(["s3://b/a", "s3://b/b"]);
    expect(found.get("s3://b/a")?.toArray()).toEqual(entries.map(([, pos]) => pos));
    expect(found.get("s3://b/b")?.toArray()).toEqual([7]);
  });

  test("is refused when a column is missing or a position is none, and when it is damaged anywhere", async () => {
    const file = await writeAvro(true, [["s3://b/a", -1]]);
    expect(await codeOf(() => readPositionDeletes(store, file))).toBe("CORRUPT_FILE");
    const writer = new AvroWriter({ type: "record", name: "t", fields: [{ name: "pos", type: "long" }] }, {});
    await store.put(file.filePath, writer.finish());
    expect(await codeOf(() => readPositionDeletes(store, file))).toBe("CORRUPT_FILE");
    const sound = await writeAvro(true, [["s3://b/a", 3]]);
    const bytes = await store.read(sound.filePath);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const uri = nextUri("avro");
        await store.put(uri, bytes.with(at, byte));
        const outcome = await codeOf(() => readPositionDeletes(store, { ...sound, filePath: uri }));
        expect(["accepted", "CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(outcome);
      }),
      { numRuns: runs(300) },
    );
  });
});

describe("a damaged position delete file", () => {
  test("is refused when missing, cut, of another length or of another kind", async () => {
    const file = await write({ "s3://b/a": [1, 2, 3] });
    const bytes = await store.read(file.filePath);
    const cut = nextUri();
    await store.put(cut, bytes.subarray(0, bytes.length - 5));
    const read = (changes: Partial<DataFile>) =>
      codeOf(() => readPositionDeletes(store, { ...file, ...changes }));
    expect(await read({})).toBe("accepted");
    expect(await read({ filePath: nextUri() })).toBe("OBJECT_NOT_FOUND");
    expect(await read({ filePath: cut })).toBe("CORRUPT_FILE");
    expect(await read({ filePath: cut, fileSizeInBytes: BigInt(bytes.length - 5) })).toBe("CORRUPT_FILE");
    expect(await read({ fileFormat: "orc" })).toBe("UNSUPPORTED_FEATURE");
  });

  test("is read or refused whichever bytes are damaged", async () => {
    const file = await write({ "s3://b/a": [1, 2, 3], "s3://b/b": [9] });
    const bytes = await store.read(file.filePath);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (changes) => {
          const damaged = bytes.slice();
          for (const [at, byte] of changes) damaged[at] = byte;
          const uri = nextUri();
          await store.put(uri, damaged);
          const outcome = await codeOf(() => readPositionDeletes(store, { ...file, filePath: uri }));
          expect(["accepted", "CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(outcome);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

describe("the reader of position deletes", () => {
  test("unites the deletes of a data file, and passes over equality deletes and other data files", async () => {
    const reader = new PositionDeleteReader(store);
    const first = await write({ "s3://b/a": [1, 2], "s3://b/b": [50] });
    const second = await write({ "s3://b/a": [2, 9] });
    const equality: DataFile = { ...first, content: "equality-deletes", filePath: nextUri() };
    const all = [first, equality, second];
    expect((await reader.positions(dataFile("s3://b/a"), all)).toArray()).toEqual([1, 2, 9]);
    expect((await reader.positions(dataFile("s3://b/b"), all)).toArray()).toEqual([50]);
    expect((await reader.positions(dataFile("s3://b/c"), all)).isEmpty).toBe(true);
  });

  test("reads a file once for all data files, also when asked at once", async () => {
    const reader = new PositionDeleteReader(store);
    const names = Array.from({ length: 20 }, (_, i) => `s3://b/${i}`);
    const file = await write(Object.fromEntries(names.map((name, i) => [name, [i]])));
    await reader.positions(dataFile(names[0]!), [file]);
    const reads = store.reads;
    const found = await Promise.all(names.map((name) => reader.positions(dataFile(name), [file])));
    expect(found.map((positions) => positions.toArray())).toEqual(names.map((_, i) => [i]));
    expect(store.reads).toBe(reads);
  });

  test("gives bitmaps that belong to the caller", async () => {
    const reader = new PositionDeleteReader(store);
    const file = await write({ "s3://b/a": [1] });
    const positions = await reader.positions(dataFile("s3://b/a"), [file]);
    positions.add(7);
    expect((await reader.positions(dataFile("s3://b/a"), [file])).toArray()).toEqual([1]);
  });

  test("tries again after a read that failed", async () => {
    const reader = new PositionDeleteReader(store);
    const file = await write({ "s3://b/a": [1] });
    const bytes = await store.read(file.filePath);
    await store.delete([file.filePath]);
    expect(await codeOf(() => reader.positions(dataFile("s3://b/a"), [file]))).toBe("OBJECT_NOT_FOUND");
    await store.put(file.filePath, bytes);
    expect((await reader.positions(dataFile("s3://b/a"), [file])).toArray()).toEqual([1]);
  });

  test("turns position deletes and the vector before into the next deletion vector", async () => {
    const reader = new PositionDeleteReader(store);
    const data = dataFile("s3://b/a");
    const legacy = await write({ "s3://b/a": [1, 2] });
    const merged = await reader.positions(data, [legacy]);
    merged.add(500);
    const [vector] = await writeDeletionVectors(store, nextUri("puffin"), [
      { dataFile: data, positions: merged },
    ]);
    const next = await reader.positions(data, [vector!]);
    expect(next.toArray()).toEqual([1, 2, 500]);
    next.add(3);
    const [second] = await writeDeletionVectors(store, nextUri("puffin"), [
      { dataFile: data, positions: next },
    ]);
    expect((await reader.positions(data, [second!])).toArray()).toEqual([1, 2, 3, 500]);
  });
});
