import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLakehouseError, LakehouseError } from "../../../lib/lakehouse/errors.js";
import { decompress } from "../../../lib/lakehouse/iceberg/files/puffin/compression.js";
import { decodeFooter } from "../../../lib/lakehouse/iceberg/files/puffin/footer.js";
import { readPuffinBlob, readPuffinFooter } from "../../../lib/lakehouse/iceberg/files/puffin/reader.js";
import {
  distinctCounts,
  readStatistics,
  THETA_SKETCH,
} from "../../../lib/lakehouse/iceberg/files/puffin/statistics.js";
import { type PuffinBlob, writePuffin } from "../../../lib/lakehouse/iceberg/files/puffin/writer.js";
import type { StatisticsFile } from "../../../lib/lakehouse/iceberg/model/metadata/types.js";
import { setStatistics } from "../../../lib/lakehouse/iceberg/table/operations/statistics.js";
import { fileUri, LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

let folder: string;
let store: LocalStore;
let files = 0;
const nextUri = (): string => `${store.root}/${files++}.puffin`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "puffin-"));
  store = new LocalStore(fileUri(folder));
});
afterAll(() => rm(folder, { recursive: true }));

async function put(bytes: Uint8Array): Promise<string> {
  const uri = nextUri();
  await store.put(uri, bytes);
  return uri;
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

const sample: PuffinBlob[] = [
  { type: "some-blob", fields: [1], snapshotId: 2n, sequenceNumber: 1n, data: utf8("abcdefghi") },
  {
    type: "some-other-blob",
    fields: [2],
    snapshotId: 2n,
    sequenceNumber: 1n,
    data: utf8("some blob \0 binary data 🤯 that is not very very very very very very long, is it?"),
  },
];

describe("writing", () => {
  test("gives the bytes that the Java implementation writes for the same blobs", async () => {
    const written = await writePuffin(store, nextUri(), sample, { "created-by": "Test 1234" });
    const bytes = await store.read(written.uri);
    expect(sha256(bytes)).toBe("23bd3eab427835f39c769867952699bbde99a6589081c52c670704801af0bea9");
    expect(written.fileSizeInBytes).toBe(BigInt(bytes.length));
    expect(written.blobs.map(({ offset, length }) => [offset, length])).toEqual([
      [4n, 9n],
      [13n, 83n],
    ]);
  });

  test("round-trips any blobs, and any 64-bit snapshot id", async () => {
    const blob = fc.record({
      type: fc.string(),
      fields: fc.array(fc.integer({ min: 0, max: 0x7fffffff }), { maxLength: 3 }),
      snapshotId: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
      sequenceNumber: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
      properties: fc.dictionary(fc.string({ minLength: 1 }), fc.string(), {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      }),
      data: fc.uint8Array({ maxLength: 3000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(blob, { maxLength: 12 }), async (blobs) => {
        const { uri, footerSizeInBytes, fileSizeInBytes } = await writePuffin(store, nextUri(), blobs);
        const footer = await readPuffinFooter(store, uri);
        expect(footer.properties).toEqual({ "created-by": "SoloLakehouse" });
        expect(footer.footerSizeInBytes).toBe(footerSizeInBytes);
        expect(footer.fileSizeInBytes).toBe(fileSizeInBytes);
        expect(footer.blobs.length).toBe(blobs.length);
        for (const [i, { data, ...metadata }] of blobs.entries()) {
          expect(footer.blobs[i]).toMatchObject(metadata);
          expect(await readPuffinBlob(store, uri, footer.blobs[i]!)).toEqual(data);
        }
      }),
      { numRuns: runs(40) },
    );
  });

  test("never replaces a file", async () => {
    const { uri } = await writePuffin(store, nextUri(), sample);
    expect(await codeOf(() => writePuffin(store, uri, []))).toBe("PRECONDITION_FAILED");
    expect((await readPuffinFooter(store, uri)).blobs.length).toBe(2);
  });

  test("leaves nothing behind when a blob fails to come", async () => {
    async function* failing(): AsyncGenerator<PuffinBlob> {
      yield sample[0]!;
      throw new LakehouseError("STORAGE_FAILED", "x", "no more");
    }
    const uri = nextUri();
    expect(await codeOf(() => writePuffin(store, uri, failing()))).not.toBe("accepted");
    expect(await store.head(uri)).toBeUndefined();
  });
});

describe("reading", () => {
  test("needs the footer only, however large the file, and reads a footer larger than its first request", async () => {
    const many = Array.from({ length: 500 }, (_, i) => ({
      ...sample[0]!,
      type: `blob-${i}`,
      data: utf8(String(i)),
    }));
    const { uri } = await writePuffin(store, nextUri(), many);
    const footer = await readPuffinFooter(store, uri);
    expect(footer.footerSizeInBytes).toBeGreaterThan(16_384n);
    expect(Buffer.from(await readPuffinBlob(store, uri, footer.blobs[321]!)).toString()).toBe("321");
  });

  test("reads a file without blobs", async () => {
    const uri = await put(unhex("50464131504641317b22626c6f6273223a5b5d7d0c0000000000000050464131"));
    expect(await readPuffinFooter(store, uri)).toEqual({
      blobs: [],
      properties: {},
      fileSizeInBytes: 32n,
      footerSizeInBytes: 28n,
    });
  });

  test("reads a footer compressed with lz4", async () => {
    const payload = unhex(
      "04224d18684031000000000000007f310000807b22626c6f6273223a5b5d2c2270726f70657274696573223a7b22637265617465642d6279223a22676f6c64656e227d7d00000000",
    );
    const size = payload.length.toString(16).padStart(2, "0");
    const uri = await put(
      Buffer.concat([utf8("PFA1PFA1"), payload, unhex(`${size}00000001000000`), utf8("PFA1")]),
    );
    expect((await readPuffinFooter(store, uri)).properties).toEqual({ "created-by": "golden" });
  });

  test.each([
    ["an empty file", ""],
    ["the magic alone", "50464131"],
    ["another magic at the end", "50464131504641317b22626c6f6273223a5b5d7d0c0000000000000050464132"],
    ["another magic at the start", "50464132504641317b22626c6f6273223a5b5d7d0c0000000000000050464131"],
    ["another magic before the payload", "50464131504641327b22626c6f6273223a5b5d7d0c0000000000000050464131"],
    ["a payload longer than the file", "50464131504641317b22626c6f6273223a5b5d7d0d0000000000000050464131"],
    ["a negative payload size", "50464131504641317b22626c6f6273223a5b5d7dffffffff0000000050464131"],
    ["a payload that is no JSON", "50464131504641317b22626c6f6273223a5b5d2c0c0000000000000050464131"],
    ["a payload that is no UTF-8", "50464131504641317b22626c6f6273ff3a5b5d7d0c0000000000000050464131"],
  ])("refuses %s", async (_, bytes) => {
    const uri = await put(unhex(bytes));
    expect(await codeOf(() => readPuffinFooter(store, uri))).toBe("CORRUPT_FILE");
  });

  test("refuses flags that it does not know", async () => {
    const uri = await put(unhex("50464131504641317b22626c6f6273223a5b5d7d0c0000000200000050464131"));
    expect(await codeOf(() => readPuffinFooter(store, uri))).toBe("UNSUPPORTED_FEATURE");
  });

  test("refuses a blob that lies outside of the file", async () => {
    const json =
      '{"blobs":[{"type":"t","fields":[],"snapshot-id":1,"sequence-number":1,"offset":4,"length":1}]}';
    const footer = Buffer.concat([utf8(`PFA1${json}`), unhex("5e00000000000000"), utf8("PFA1")]);
    expect(json.length).toBe(0x5e);
    expect(decodeFooter(footer, footer.length + 5, "x").blobs.length).toBe(1);
    expect(await codeOf(() => decodeFooter(footer, footer.length + 4, "x"))).toBe("CORRUPT_FILE");
  });

  test("says that a file is missing", async () => {
    expect(await codeOf(() => readPuffinFooter(store, nextUri()))).toBe("OBJECT_NOT_FOUND");
  });
});

describe("compressed blobs, as the lz4 and zstd reference libraries write them", () => {
  const text = utf8("some blob \0 binary data that is not very very very very very very long, is it?");
  const lz4 = unhex(
    "04224d187c404e00000000000000a63a000000ff19736f6d6520626c6f6220002062696e61727920646174612074686174206973206e6f742076657279050007c06c6f6e672c2069732069743f7531cdd5000000006236b9d0",
  );
  const zstd = unhex(
    "28b52ffd204edd01004403736f6d6520626c6f6220002062696e61727920646174612074686174206973206e6f7420766572796c6f6e672c2069732069743f0100805dca",
  );
  // 300,000 zeros in blocks that refer to the block before.
  const ff = (count: number): string => "ff".repeat(count);
  const zeros = unhex(
    `04224d184c40e093040000000000030b0100001f000100${ff(256)}e75000000000000a0100000f0100${ff(256)}e85000000000000a0100000f0100${ff(256)}e85000000000000a0100000f0100${ff(256)}e85000000000009e0000000f0100${ff(148)}5c50000000000000000000c262d0f5`,
  );

  test("lz4", () => expect(decompress("lz4", lz4, "x")).toEqual(text));
  test("zstd", () => expect(decompress("zstd", zstd, "x")).toEqual(text));
  test("lz4 with linked blocks", () => {
    expect(Buffer.compare(decompress("lz4", zeros, "x"), Buffer.alloc(300_000))).toBe(0);
  });

  test("an unknown codec is refused", async () => {
    expect(await codeOf(() => decompress("gzip", zstd, "x"))).toBe("UNSUPPORTED_FEATURE");
  });

  test("a frame that claims more than its bytes can stand for is refused before memory is taken", async () => {
    const claim = (frame: Uint8Array, at: number): Uint8Array => {
      const copy = frame.slice();
      copy.set([0xff, 0xff, 0xff, 0x7f], at);
      return copy;
    };
    // A zstd header with an 8-byte content size of 2^31 - 1.
    const greedy = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 1, 0, 0);
    expect(await codeOf(() => decompress("zstd", greedy, "x"))).toBe("CORRUPT_FILE");
    expect(await codeOf(() => decompress("lz4", claim(lz4, 6), "x"))).toBe("CORRUPT_FILE");
  });

  test("every truncation and every flipped byte of an lz4 frame is caught", async () => {
    for (let i = 0; i < lz4.length; i++) {
      const flipped = lz4.slice();
      flipped[i] = flipped[i]! ^ 0x11;
      expect(await codeOf(() => decompress("lz4", lz4.subarray(0, i), "x"))).toBe("CORRUPT_FILE");
      expect(await codeOf(() => decompress("lz4", flipped, "x"))).toBe("CORRUPT_FILE");
    }
  });

  test("random and mutated frames are decompressed or refused", async () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 5,
    });
    const mutated = fc.tuple(fc.constantFrom(lz4, zstd, zeros), edits).map(([frame, changes]) => {
      const copy = frame.slice();
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return copy;
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("lz4", "zstd"),
        fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })),
        async (codec, bytes) => {
          expect(["accepted", "CORRUPT_FILE"]).toContain(await codeOf(() => decompress(codec, bytes, "x")));
        },
      ),
      { numRuns: runs(1000) },
    );
  });
});

describe("footers, random and mutated", () => {
  test("are read or refused", async () => {
    const { uri, footerSizeInBytes } = await writePuffin(store, nextUri(), sample);
    const file = await store.read(uri);
    const footer = file.subarray(file.length - Number(footerSizeInBytes));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(footer.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (changes) => {
          const copy = footer.slice();
          for (const [at, byte] of changes) copy[at] = byte;
          expect(["accepted", "CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(
            await codeOf(() => decodeFooter(copy, file.length, "x")),
          );
        },
      ),
      { numRuns: runs(1000) },
    );
  });
});

describe("table statistics", () => {
  const sketch = (field: number, ndv: string): PuffinBlob => ({
    type: THETA_SKETCH,
    fields: [field],
    snapshotId: 7n,
    sequenceNumber: 3n,
    properties: { ndv },
    data: utf8(`sketch of ${field}`),
  });

  test("are recorded in the update that adds them, and found again", async () => {
    const written = await writePuffin(store, nextUri(), [sketch(1, "229"), sketch(4, "3000000"), sample[0]!]);
    const update = setStatistics(written, 7n) as { action: "set-statistics"; statistics: StatisticsFile };
    expect(update.action).toBe("set-statistics");
    expect(update.statistics.statisticsPath).toBe(written.uri);
    expect(update.statistics.blobMetadata[1]).toEqual({
      type: THETA_SKETCH,
      fields: [4],
      snapshotId: 7n,
      sequenceNumber: 3n,
      properties: { ndv: "3000000" },
    });
    expect(distinctCounts(update.statistics)).toEqual(
      new Map([
        [1, 229n],
        [4, 3_000_000n],
      ]),
    );
    expect(await readStatistics(store, update.statistics, THETA_SKETCH, [4])).toEqual(utf8("sketch of 4"));
    expect(await readStatistics(store, update.statistics, THETA_SKETCH, [9])).toBeUndefined();
    // Lengths on record are hints: the footer at the file's real end decides.
    for (const recorded of [0n, 1n, written.fileSizeInBytes - 1n, written.fileSizeInBytes + 1n, 2n ** 60n]) {
      const other = { ...update.statistics, fileSizeInBytes: recorded, fileFooterSizeInBytes: 12n };
      expect(await readStatistics(store, other, THETA_SKETCH, [4])).toEqual(utf8("sketch of 4"));
    }
  });
});
