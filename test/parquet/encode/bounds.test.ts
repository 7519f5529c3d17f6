// What statistics say: the least and the greatest value in the order of each type, and short bounds beyond long values.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundOf, compareValues, countNaNs, extremes } from "../../../lib/lakehouse/parquet/encode/bounds.js";
import type { LeafColumn, LeafOrder } from "../../../lib/lakehouse/parquet/encode/layout.js";
import { type Values, valueBytes } from "../../../lib/lakehouse/parquet/encode/values.js";
import { runs } from "../../support/runs.js";
import { byteValues, leafOf, wordValues } from "../support/leaf-values.js";

/** A value in an order that `<` keeps. */
type Ordered = number | bigint | string;

interface Kind {
  readonly order: LeafOrder;
  readonly values: fc.Arbitrary<Values>;
  readonly ordered: (bytes: Buffer) => Ordered;
}

const words = (width: number, value: fc.Arbitrary<number> = fc.integer()) =>
  fc
    .array(
      fc.array(fc.oneof(fc.constantFrom(0, -1, 1, 0x8000_0000 | 0), value), {
        minLength: width,
        maxLength: width,
      }),
      { minLength: 1, maxLength: 30 },
    )
    .map((rows): Values => wordValues(rows, width));
const floats = (width: 1 | 2) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        fc.float(),
      ),
      { minLength: 1, maxLength: 20 },
    )
    .map((numbers): Values => {
      const array = width === 1 ? Float32Array.from(numbers) : Float64Array.from(numbers);
      return { kind: "words", length: numbers.length, width, words: new Int32Array(array.buffer) };
    });
const strings = (fixed: number) =>
  fc
    .array(fc.uint8Array({ minLength: fixed, maxLength: fixed || 9 }), { minLength: 1, maxLength: 20 })
    .chain((values) => fc.boolean().map((contiguous): Values => byteValues(values, { fixed, contiguous })));
const decimal = (bytes: Buffer) => BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString("hex")}`));

const KINDS: Readonly<Record<string, Kind>> = {
  "signed, 32 bits": { order: "signed", values: words(1), ordered: (b) => b.readInt32LE() },
  "signed, 64 bits": { order: "signed", values: words(2), ordered: (b) => b.readBigInt64LE() },
  "unsigned, 32 bits": { order: "unsigned", values: words(1), ordered: (b) => b.readUInt32LE() },
  "unsigned, 64 bits": { order: "unsigned", values: words(2), ordered: (b) => b.readBigUInt64LE() },
  float: { order: "float", values: floats(1), ordered: (b) => b.readFloatLE() },
  double: { order: "float", values: floats(2), ordered: (b) => b.readDoubleLE() },
  bytes: { order: "bytes", values: strings(0), ordered: (b) => b.toString("latin1") },
  "fixed bytes": { order: "bytes", values: strings(3), ordered: (b) => b.toString("latin1") },
  "decimals in bytes": { order: "decimal-bytes", values: strings(9), ordered: decimal },
  booleans: {
    order: "unsigned",
    values: fc
      .array(fc.nat(1), { minLength: 1, maxLength: 9 })
      .map((bits): Values => ({ kind: "bits", length: bits.length, bits: Uint8Array.from(bits) })),
    ordered: (b) => b[0]!,
  },
};

describe.each(Object.entries(KINDS))("extremes of %s", (_, { order, values: some, ordered }) => {
  const leaf = leafOf(order);
  const at = (values: Values, i: number) => ordered(Buffer.from(valueBytes(values, i)));

  test("are values that none is below and none above; NaN is none", () => {
    fc.assert(
      fc.property(some, fc.nat(29), fc.nat(29), (values, a, b) => {
        const from = Math.min(a, b) % values.length;
        const to = Math.min(values.length, Math.max(a, b) + 1);
        const all = Array.from({ length: Math.max(0, to - from) }, (__, i) => at(values, from + i)).filter(
          (v) => !Number.isNaN(v),
        );
        const { least, greatest } = extremes(values, leaf, from, to);
        expect([least < 0, greatest < 0]).toEqual([all.length === 0, all.length === 0]);
        if (all.length === 0) return;
        const [low, high] = [at(values, least), at(values, greatest)];
        expect(least >= from && least < to && greatest >= from && greatest < to).toBe(true);
        expect(all.filter((value) => value < low || value > high)).toEqual([]);
      }),
      { numRuns: runs(150) },
    );
  });

  test("among chosen places are those of the chosen values, and two compare as they do", () => {
    fc.assert(
      fc.property(some, fc.array(fc.nat(), { minLength: 1, maxLength: 10 }), (values, chosen) => {
        const among = Int32Array.from(chosen, (n) => n % values.length);
        const { least, greatest } = extremes(values, leaf, 0, among.length, among);
        const all = [...among].map((i) => at(values, i)).filter((v) => !Number.isNaN(v));
        if (all.length === 0) {
          expect(least).toBe(-1);
          return;
        }
        expect(all.filter((value) => value < at(values, least) || value > at(values, greatest))).toEqual([]);
        const sign = compareValues(values, leaf, least, greatest);
        expect(Math.sign(sign)).toBe(at(values, least) < at(values, greatest) ? -1 : 0);
        expect(Math.sign(compareValues(values, leaf, greatest, least))).toBe(-sign + 0);
      }),
      { numRuns: runs(100) },
    );
  });
});

test("NaN values are counted, of floats and doubles alone", () => {
  const numbers = [1, Number.NaN, 0, Number.NaN, -Number.NaN];
  const doubles = wordsOf(Float64Array.from(numbers));
  expect(countNaNs(doubles, leafOf("float"))).toBe(3);
  expect(countNaNs({ ...doubles, length: 2 }, leafOf("float"))).toBe(1);
  expect(countNaNs(doubles, leafOf("signed"))).toBe(0);
  expect(countNaNs(wordsOf(Float32Array.from(numbers)), leafOf("float"))).toBe(3);
});

function wordsOf(array: Float32Array | Float64Array) {
  const width = array.BYTES_PER_ELEMENT / 4;
  return { kind: "words", length: array.length, width, words: new Int32Array(array.buffer) } as const;
}

describe("a bound", () => {
  const text = leafOf("bytes", { physicalType: "BYTE_ARRAY", text: true });
  const binary = leafOf("bytes", { physicalType: "BYTE_ARRAY" });
  const bound = (leaf: LeafColumn, value: Uint8Array, side: "min" | "max") =>
    boundOf(byteValues([value], {}), leaf, 0, side);

  test("of a zero is the zero of the outward sign, for floats and doubles", () => {
    for (const zero of [0, -0])
      for (const array of [Float32Array.of(zero), Float64Array.of(zero)]) {
        const [min, max] = (["min", "max"] as const).map((side) => {
          const { bytes } = boundOf(wordsOf(array), leafOf("float"), 0, side)!;
          return bytes.length === 4 ? Buffer.from(bytes).readFloatLE() : Buffer.from(bytes).readDoubleLE();
        });
        expect([min, max]).toEqual([-0, 0]);
      }
  });

  test("of up to 64 bytes is the value; of more, no longer, and beyond the value", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }),
          fc
            .tuple(fc.nat(70), fc.uint8Array({ maxLength: 30 }))
            .map(([n, end]) => Uint8Array.from([...new Array(n).fill(255), ...end])),
        ),
        (value) => {
          for (const side of ["min", "max"] as const) {
            const found = bound(binary, value, side);
            if (value.length <= 64)
              expect([found?.exact, Buffer.compare(found!.bytes, value)]).toEqual([true, 0]);
            else if (found === undefined) {
              expect(side).toBe("max");
              expect(value.subarray(0, 64).every((byte) => byte === 255)).toBe(true);
            } else {
              expect(found.exact).toBe(false);
              expect(found.bytes.length).toBeLessThanOrEqual(64);
              expect(Buffer.compare(found.bytes, value)).toBe(side === "min" ? -1 : 1);
            }
          }
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test("of long text is text, cut between characters, whatever planes they are of", () => {
    const strict = new TextDecoder("utf-8", { fatal: true });
    const character = fc.constantFrom("a", "é", "€", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10ffff}");
    fc.assert(
      fc.property(fc.array(character, { minLength: 20, maxLength: 90 }), (characters) => {
        const value = Buffer.from(characters.join(""));
        fc.pre(value.length > 64);
        const min = bound(text, value, "min")!;
        expect(value.toString()).toContain(strict.decode(min.bytes));
        expect(Buffer.compare(min.bytes, value)).toBe(-1);
        const max = bound(text, value, "max");
        if (max === undefined) {
          const head = [...strict.decode(min.bytes)];
          expect(head.every((c) => c === "\u{10ffff}" || c === "\uffff")).toBe(true);
          return;
        }
        strict.decode(max.bytes);
        expect(max.bytes.length).toBeLessThanOrEqual(64);
        expect(Buffer.compare(max.bytes, value)).toBe(1);
      }),
      { numRuns: runs(200) },
    );
  });

  test("of fixed bytes is never cut", () => {
    const fixed = leafOf("bytes", { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: 100 });
    const value = new Uint8Array(100).fill(255);
    for (const side of ["min", "max"] as const) {
      const found = boundOf(byteValues([value], { fixed: 100 }), fixed, 0, side)!;
      expect([found.exact, Buffer.compare(found.bytes, value)]).toEqual([true, 0]);
    }
  });
});
