import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  decodeDeletionVector,
  encodeDeletionVector,
  readDeletionVector,
} from "../../../lib/lakehouse/iceberg/files/deletes/deletion-vector.js";
import { writeDeletionVectors } from "../../../lib/lakehouse/iceberg/files/deletes/deletion-vector-writer.js";
import { PositionBitmap } from "../../../lib/lakehouse/iceberg/files/deletes/position-bitmap.js";
import { readPuffinFooter } from "../../../lib/lakehouse/iceberg/files/puffin/reader.js";
import type { DataFile } from "../../../lib/lakehouse/iceberg/model/metadata/manifest-types.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

function withRanges(ranges: [start: number, end: number][], positions: number[] = []): PositionBitmap {
  const bitmap = PositionBitmap.from(positions);
  for (const [start, end] of ranges) bitmap.addRange(start, end);
  return bitmap;
}

const at = (bitmap: number, container: number, value: number): number =>
  bitmap * 2 ** 32 + container * 2 ** 16 + value;

describe("the blob of a deletion vector, byte for byte as Java writes it", () => {
  const golden: [name: string, positions: PositionBitmap, bytes: string][] = [
    ["no positions", new PositionBitmap(), "0000000cd1d339640000000000000000bf18480c"],
    [
      "small alternating values",
      PositionBitmap.from([1, 3, 5, 7, 9]),
      "0000002ad1d339640100000000000000000000003a30000001000000000004001000000001000300050007000900b3fb20be",
    ],
    [
      "small and large values",
      PositionBitmap.from([100, 101, 2 ** 31 + 99, 2 ** 31 + 100]),
      "00000030d1d339640100000000000000000000003a300000020000000000010000800100180000001c000000640065006300640015eb1c7c",
    ],
    [
      "arrays, runs and runs out of bitmaps under two keys",
      withRanges(
        [
          [at(0, 1, 1), at(0, 1, 1000)],
          [at(0, 2, 1), at(0, 2, 65_535)],
          [at(1, 1, 10), at(1, 1, 500)],
          [at(1, 2, 1), at(1, 2, 65_535)],
        ],
        [at(0, 0, 5), at(0, 0, 7), at(1, 0, 10), at(1, 0, 20)],
      ),
      "00000056d1d339640200000000000000000000003b30020006000001000100e6030200fdff0500070001000100e60301000100fdff010000003b30020006000001000100e9010200fdff0a00140001000a00e90101000100fdffc89be397",
    ],
  ];
  test.each(golden)("%s", (_, positions, bytes) => {
    expect(hex(encodeDeletionVector(positions))).toBe(bytes);
    expect(decodeDeletionVector(unhex(bytes), "golden").ranges()).toEqual(positions.ranges());
  });
});

describe("a damaged blob", () => {
  const blob = encodeDeletionVector(withRanges([[10, 5000]], [1, 70_000]));

  test("is refused whichever byte is damaged, and wherever it is cut", async () => {
    for (let i = 0; i < blob.length; i++) {
      const damaged = blob.slice();
      damaged[i] = damaged[i]! ^ 0x20;
      expect(await codeOf(() => decodeDeletionVector(damaged, "x"))).toBe("CORRUPT_FILE");
      expect(await codeOf(() => decodeDeletionVector(blob.subarray(0, i), "x"))).toBe("CORRUPT_FILE");
    }
  });

  test("is refused for any bytes", () => {
    return fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await codeOf(() => decodeDeletionVector(bytes, "x"))).toBe("CORRUPT_FILE");
      }),
    );
  });
});

describe("deletion vectors in a Puffin file", () => {
  let folder: string;
  let store: LocalStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vectors-"));
    store = new LocalStore(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const dataFile = (name: string, rows = 100_000n): DataFile => ({
    content: "data",
    filePath: `file:///table/data/${name}.parquet`,
    fileFormat: "parquet",
    specId: 3,
    partition: [11_323],
    recordCount: rows,
    fileSizeInBytes: 1000n,
  });

  test("are described by one manifest entry each and read by it", async () => {
    const uri = `${store.root}/many.puffin`;
    const deletes = Array.from({ length: 200 }, (_, i) => ({
      dataFile: dataFile(`f${i}`),
      positions: withRanges([[i, 2 * i + 1]], [99_999]),
    }));
    const entries = await writeDeletionVectors(store, uri, deletes);
    const footer = await readPuffinFooter(store, uri);
    expect(entries.length).toBe(200);
    for (const [i, entry] of entries.entries()) {
      expect(entry).toMatchObject({
        content: "position-deletes",
        fileFormat: "puffin",
        filePath: uri,
        specId: 3,
        partition: [11_323],
        recordCount: BigInt(i + 2),
        fileSizeInBytes: footer.fileSizeInBytes,
        referencedDataFile: `file:///table/data/f${i}.parquet`,
        contentOffset: footer.blobs[i]!.offset,
        contentSizeInBytes: footer.blobs[i]!.length,
      });
      expect((await readDeletionVector(store, entry)).ranges()).toEqual(deletes[i]!.positions.ranges());
    }
    expect(footer.blobs[7]).toMatchObject({
      type: "deletion-vector-v1",
      fields: [2147483645],
      snapshotId: -1n,
      sequenceNumber: -1n,
      properties: { "referenced-data-file": "file:///table/data/f7.parquet", cardinality: "9" },
    });
    expect(footer.blobs[7]!.compressionCodec).toBeUndefined();
  });

  test("are not written for files without deletes, and no file is then", async () => {
    const uri = `${store.root}/none.puffin`;
    expect(
      await writeDeletionVectors(store, uri, [{ dataFile: dataFile("a"), positions: new PositionBitmap() }]),
    ).toEqual([]);
    expect(await store.head(uri)).toBeUndefined();
  });

  test("are refused for positions behind the end of the file, and twice for one file", async () => {
    const uri = `${store.root}/bad.puffin`;
    const write = (...deletes: { dataFile: DataFile; positions: PositionBitmap }[]) =>
      codeOf(() => writeDeletionVectors(store, uri, deletes));
    const ten = dataFile("ten", 10n);
    expect(await write({ dataFile: ten, positions: PositionBitmap.from([10]) })).toBe("INVALID_ARGUMENT");
    const last = { dataFile: ten, positions: PositionBitmap.from([9]) };
    expect(await write(last, last)).toBe("INVALID_ARGUMENT");
    expect(await write(last)).toBe("accepted");
  });

  test("are refused when the entry's record count, place or file do not fit", async () => {
    const uri = `${store.root}/misfit.puffin`;
    const [entry] = await writeDeletionVectors(store, uri, [
      { dataFile: dataFile("a"), positions: PositionBitmap.from([1, 2, 3]) },
    ]);
    const read = (changes: Partial<DataFile>) =>
      codeOf(() => readDeletionVector(store, { ...entry!, ...changes }));
    expect(await read({})).toBe("accepted");
    expect(await read({ recordCount: 4n })).toBe("CORRUPT_FILE");
    expect(await read({ contentOffset: 5n })).toBe("CORRUPT_FILE");
    expect(await read({ contentSizeInBytes: 2n ** 40n })).toBe("CORRUPT_FILE");
    expect(await read({ contentOffset: undefined })).toBe("INVALID_METADATA");
    expect(await read({ filePath: `${store.root}/gone.puffin` })).toBe("OBJECT_NOT_FOUND");
  });
});
