// Pages: what the codecs write and read, and that a page is exactly as long as its header says.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  codecLevels,
  codecNumber,
  compressPage,
  decompressors,
  decompressPage,
  type ParquetCompression,
  prepareCodec,
} from "../../../lib/lakehouse/parquet/format/codecs.js";
import { runs } from "../../support/runs.js";

const CODECS: readonly ParquetCompression[] = ["zstd", "snappy", "gzip", "lz4_raw", "uncompressed"];
const uri = "mem://test/x.parquet";
const page = fc
  .array(fc.constantFrom("a value ", "another", "x"), { minLength: 1, maxLength: 200 })
  .map((parts) => Uint8Array.from(Buffer.from(parts.join(""))));

describe.each(CODECS)("pages in %s", (codec) => {
  test("come back, at the default level and at the ends of the levels that there are", async () => {
    await prepareCodec(codec);
    const [least, most] = codecLevels(codec)!;
    fc.assert(
      fc.property(page, fc.constantFrom(undefined, ...(most > 0 ? [least, most] : [])), (bytes, level) => {
        const block = compressPage(bytes, codec, level);
        expect(Buffer.compare(decompressPage(block, bytes.length, codecNumber(codec), uri), bytes)).toBe(0);
      }),
      { numRuns: runs(20) },
    );
  });

  test("that hold more or less than their header says are refused, not cut nor filled with zeros", async () => {
    await prepareCodec(codec);
    fc.assert(
      fc.property(
        page,
        fc.integer({ min: -5, max: 5 }).filter((by) => by !== 0),
        (bytes, by) => {
          const block = compressPage(bytes, codec, undefined);
          const wrong = Math.max(0, bytes.length + by);
          expect(() => decompressPage(block, wrong, codecNumber(codec), uri)).toThrow(
            expect.objectContaining({ code: "CORRUPT_FILE", subject: uri }),
          );
          const decompress = decompressors[codec.toUpperCase() as "ZSTD"]!;
          expect(() => decompress(block, wrong)).toThrow();
        },
      ),
      { numRuns: runs(40) },
    );
  });
});

describe("pages in the codec LZ4 of old", () => {
  const text = Uint8Array.from(Buffer.from("the same again and again and again ".repeat(40)));
  const raw = (bytes: Uint8Array) => compressPage(bytes, "lz4_raw", undefined);
  /** As Hadoop cuts a page into blocks. */
  const hadoop = (...parts: Uint8Array[]) =>
    Buffer.concat(
      parts.map((part) => {
        const block = raw(part);
        const lengths = Buffer.alloc(8);
        lengths.writeUInt32BE(part.length, 0);
        lengths.writeUInt32BE(block.length, 4);
        return Buffer.concat([lengths, block]);
      }),
    );

  test("are read with Hadoop's lengths, in one block or in some, and without them", () => {
    for (const block of [hadoop(text), hadoop(text.subarray(0, 500), text.subarray(500)), raw(text)])
      expect(Buffer.compare(decompressPage(block, text.length, 5, uri), text)).toBe(0);
  });

  test("are refused where a block is missing, cut, or one too many", () => {
    const whole = hadoop(text.subarray(0, 500), text.subarray(500));
    for (const block of [
      hadoop(text.subarray(0, 500)),
      whole.subarray(0, -3),
      hadoop(text, text),
      Buffer.alloc(0),
    ])
      expect(() => decompressPage(block, text.length, 5, uri)).toThrow(
        expect.objectContaining({ code: "CORRUPT_FILE" }),
      );
  });
});

test.each([
  [3, "LZO"],
  [99, "99"],
])("codec %i is refused by its name", (number, name) => {
  expect(() => decompressPage(Uint8Array.of(1), 1, number, uri)).toThrow(
    expect.objectContaining({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining(`compression ${name}`),
    }),
  );
});
