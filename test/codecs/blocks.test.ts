// Blocks that give back what went in; what is damaged, cut, or claims too much is refused, and nothing worse happens.
import fc from "fast-check";
import * as judge from "hyparquet-compressors";
import { beforeAll, describe, expect, test } from "vitest";
import {
  compressDeflate,
  compressGzip,
  compressLz4Block,
  compressSnappy,
  compressZstd,
  decompressDeflate,
  decompressGzip,
  decompressLz4Block,
  decompressSnappy,
  decompressZstd,
  InvalidBytes,
  prepareZstd,
  zstdContentSize,
} from "../../lib/lakehouse/codecs/index.js";
import { runs } from "../support/runs.js";
import { damage, damaged, someBytes } from "./support/bytes.js";

interface Codec {
  readonly compress: (bytes: Uint8Array) => Uint8Array;
  readonly decompress: (block: Uint8Array, limit: number) => Uint8Array;
  /** Another implementation. */
  readonly judge?: (block: Uint8Array, length: number) => Uint8Array;
  /** True where a changed byte can give other bytes, since the format has no checksum. */
  readonly unchecked: boolean;
}

const CODECS: Readonly<Record<string, Codec>> = {
  snappy: {
    compress: compressSnappy,
    decompress: decompressSnappy,
    judge: judge.decompressSnappy,
    unchecked: true,
  },
  lz4: {
    compress: compressLz4Block,
    decompress: decompressLz4Block,
    judge: judge.decompressLz4Raw,
    unchecked: true,
  },
  zstd: { compress: (bytes) => compressZstd(bytes, 1), decompress: decompressZstd, unchecked: true },
  gzip: { compress: compressGzip, decompress: decompressGzip, judge: judge.decompressGzip, unchecked: false },
  deflate: { compress: compressDeflate, decompress: decompressDeflate, unchecked: true },
};

beforeAll(prepareZstd);

describe.each(Object.entries(CODECS))("%s", (_, { compress, decompress, judge: other, unchecked }) => {
  test("gives back what was compressed, and so does another implementation", () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const block = compress(bytes);
        const found = decompress(block, bytes.length);
        expect(Buffer.compare(found, bytes)).toBe(0);
        // A Buffer's slice would be a view.
        expect([block, found].some(Buffer.isBuffer)).toBe(false);
        // hyparquet does not know the empty LZ4 block.
        if (other && bytes.length > 0) expect(Buffer.compare(other(block, bytes.length), bytes)).toBe(0);
      }),
      { numRuns: runs(60) },
    );
  });

  test("makes repeats small, and what does not repeat hardly larger", () => {
    expect(compress(new Uint8Array(100_000)).length).toBeLessThan(10_000);
    const noise = Uint8Array.from({ length: 10_000 }, (__, i) => (Math.imul(i, 2_654_435_761) * i) >>> 24);
    expect(compress(noise).length).toBeLessThan(10_100);
  });

  test("refuses to give more than it may", () => {
    fc.assert(
      fc.property(
        someBytes.filter(({ length }) => length > 0),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (bytes, share) => {
          const block = compress(bytes);
          expect(() => decompress(block, Math.floor(bytes.length * share))).toThrow(InvalidBytes);
        },
      ),
      { numRuns: runs(40) },
    );
  });

  test("refuses what is cut short", () => {
    fc.assert(
      fc.property(
        someBytes.filter(({ length }) => length > 0),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (bytes, share) => {
          const block = compress(bytes);
          const part = block.subarray(0, Math.floor(block.length * share));
          expect(() => decompress(part, bytes.length)).toThrow(InvalidBytes);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  test("refuses damaged and random bytes, or gives no more than it may", () => {
    const check = (block: Uint8Array, limit: number, original?: Uint8Array) => {
      try {
        const found = decompress(block, limit);
        expect(found.length).toBeLessThanOrEqual(limit);
        if (original && !unchecked) expect(Buffer.compare(found, original)).toBe(0);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidBytes);
      }
    };
    fc.assert(
      fc.property(someBytes, damage, (bytes, how) =>
        check(damaged(compress(bytes), how), bytes.length, bytes),
      ),
      { numRuns: runs(200) },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(1000), (bytes, limit) => check(bytes, limit)),
      { numRuns: runs(300) },
    );
  });
});

test("Snappy blocks that run over their length leave no trace: sound ones are read as before, after thousands", () => {
  const sound = Array.from({ length: 20 }, (_, k) =>
    Uint8Array.from({ length: 50 + k * 97 }, (__, i) =>
      k % 2 === 0 ? (i * i) % 7 : (i * 2_654_435_761) >>> 24,
    ),
  );
  const blocks = sound.map(compressSnappy);
  // Says 2,000,000 bytes: eight, then copies of them over and over.
  const copies = Array.from({ length: 20_000 }, () => [(63 << 2) | 2, 8, 0]).flat();
  const long = Uint8Array.from([0x80, 0x89, 0x7a, 7 << 2, 1, 2, 3, 4, 5, 6, 7, 8, ...copies]);
  for (let i = 0; i < 4000; i++) expect(() => decompressSnappy(long, 26)).toThrow(InvalidBytes);
  for (const [i, bytes] of sound.entries())
    expect(Buffer.compare(decompressSnappy(blocks[i]!, bytes.length), bytes)).toBe(0);
});

describe("a zstd frame", () => {
  test("says the size of its content, in a field of each width", () => {
    for (const length of [0, 1, 255, 256, 65_791, 65_792, 300_000])
      expect([length, zstdContentSize(compressZstd(new Uint8Array(length), 1))]).toEqual([length, length]);
  });

  test("that says more than so many bytes can hold is refused before anything is allocated", () => {
    const honest = compressZstd(new Uint8Array(70_000), 1);
    const lying = Uint8Array.from(honest);
    new DataView(lying.buffer).setUint32(5, 0xf000_0000, true);
    expect(zstdContentSize(lying)).toBe(0xf000_0000);
    expect(() => decompressZstd(lying, Number.MAX_SAFE_INTEGER)).toThrow(/claims 4026531840 bytes/);
  });

  test("is followed by others, and each counts; one that ends early is damaged", () => {
    const contents = [1, 70_000, 300_000].map((length) => new Uint8Array(length).fill(length % 251));
    const frames = contents.map((content) => compressZstd(content, 1));
    const all = decompressZstd(Buffer.concat(frames), 1_000_000);
    expect(Buffer.compare(all, Buffer.concat(contents))).toBe(0);
    for (const frame of frames)
      for (const less of [1, 2, 3, frame.length - 8])
        expect(() => decompressZstd(frame.subarray(0, frame.length - less), 1_000_000)).toThrow(InvalidBytes);
  });

  test("of a higher level is smaller", () => {
    const text = Buffer.from(Array.from({ length: 5000 }, (_, i) => `row ${i * 7919} of ${i % 13}`).join());
    expect(compressZstd(text, 19).length).toBeLessThan(compressZstd(text, 1).length);
  });
});
