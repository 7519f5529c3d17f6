// Encodings.md, "Run Length Encoding / Bit-Packing Hybrid", against a reader that goes bit by bit.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bitWidth,
  hybridSize,
  writeHybrid,
  writeRun,
  writeVarint,
} from "../../../lib/lakehouse/parquet/encode/hybrid.js";
import { runs } from "../../support/runs.js";
import { hybrid } from "../support/naive-pages.js";

/** Runs of values of up to `width` bits, some of them single: what levels and dictionary keys look like. */
const valuesOf = (width: number) => {
  const value = width === 0 ? fc.constant(0) : fc.nat(width >= 31 ? 0x7fff_ffff : 2 ** width - 1);
  return fc
    .array(fc.tuple(value, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }))), { maxLength: 40 })
    .map((parts) => parts.flatMap(([of, count]) => new Array<number>(count).fill(of)));
};

describe("the hybrid of runs and packed groups", () => {
  test("gives back any values of any width, in no more bytes than were reserved", () => {
    fc.assert(
      fc.property(
        fc.nat(31).chain((width) => fc.tuple(fc.constant(width), valuesOf(width))),
        fc.nat(9),
        fc.nat(9),
        ([width, values], before, after) => {
          const all = Int32Array.from([
            ...new Array(before).fill(-1),
            ...values,
            ...new Array(after).fill(-1),
          ]);
          const out = new Uint8Array(7 + hybridSize(values.length, width)).fill(0xee);
          const end = writeHybrid(all, before, before + values.length, width, out, 7);
          expect(end).toBeLessThanOrEqual(out.length);
          expect([...out.subarray(0, 7)]).toEqual(new Array(7).fill(0xee));
          expect(hybrid(out.subarray(7, end), width, values.length)).toEqual(values);
        },
      ),
      { numRuns: runs(300) },
    );
  });

  test("takes eight of a kind for a run, seven not, and a run ends where the next value differs", () => {
    const written = (values: number[]) => {
      const out = new Uint8Array(100);
      return [...out.subarray(0, writeHybrid(Int32Array.from(values), 0, values.length, 3, out, 0))];
    };
    expect(written(new Array(8).fill(5))).toEqual([8 << 1, 5]);
    expect(written(new Array(100).fill(5))).toEqual([0xc8, 0x01, 5]);
    // One packed group of three bytes, its last place padded with zero.
    expect(written(new Array(7).fill(1))).toEqual([3, 0b01001001, 0b10010010, 0b00000100]);
    expect(written([...new Array(9).fill(2), 7])).toEqual([9 << 1, 2, 3, 7, 0, 0]);
    expect(written([])).toEqual([]);
  });

  test("is one run where all levels are the same, for widths of one to four bytes", () => {
    for (const [value, width] of [
      [0, 0],
      [1, 1],
      [200, 8],
      [40_000, 16],
      [5_000_000, 23],
      [0x7fff_ffff, 31],
    ] as const)
      for (const count of [1, 63, 64, 20_000]) {
        const out = new Uint8Array(20);
        const end = writeRun(value, count, width, out, 0);
        expect([value, ...new Set(hybrid(out.subarray(0, end), width, count))]).toEqual([value, value]);
        expect(end).toBeLessThanOrEqual(hybridSize(count, width));
      }
  });
});

test("a width is the bits of the largest value", () => {
  expect([0, 1, 2, 3, 4, 255, 256, 0x7fff_ffff].map(bitWidth)).toEqual([0, 1, 2, 2, 3, 8, 9, 31]);
});

test("a varint has seven bits in a byte, the lowest first, beyond 32 bits too", () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (value) => {
      const out = new Uint8Array(10);
      const bytes = [...out.subarray(0, writeVarint(value, out, 0))];
      expect(bytes.reduce((sum, byte, i) => sum + BigInt(byte & 0x7f) * 128n ** BigInt(i), 0n)).toBe(
        BigInt(value),
      );
      expect(bytes.map((byte) => byte >= 0x80)).toEqual(bytes.map((_, i) => i < bytes.length - 1));
    }),
    { numRuns: runs(200) },
  );
});
