// Dictionaries number values as a Map does, and exist where they pay.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildDictionary, distinctBytes } from "../../../lib/lakehouse/parquet/encode/dictionary.js";
import { type Values, valueBytes } from "../../../lib/lakehouse/parquet/encode/values.js";
import { WordTable } from "../../../lib/lakehouse/parquet/encode/word-table.js";
import { runs } from "../../support/runs.js";
import { byteValues, wordValues } from "../support/leaf-values.js";

const ANY_SIZE = Number.MAX_SAFE_INTEGER;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The number of each value, and the values in the order of their numbers. */
function model(values: Values) {
  const numbers = new Map<string, number>();
  const indices = Array.from({ length: values.length }, (_, i) => {
    const key = hex(valueBytes(values, i));
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key)!;
  });
  return { indices, keys: [...numbers.keys()] };
}

function expectModel(values: Values): void {
  const dictionary = buildDictionary(values, ANY_SIZE);
  if (dictionary === undefined) return;
  const { indices, keys } = model(values);
  const found = Array.from({ length: dictionary.keys.length }, (_, i) => hex(valueBytes(dictionary.keys, i)));
  expect([...dictionary.indices.subarray(0, values.length)]).toEqual(indices);
  expect(found).toEqual(keys);
}

const word = fc.oneof(fc.constantFrom(0, -1, 1, 0x8000_0000 | 0, 0x7fff_ffff), fc.integer());
const few = <T>(value: fc.Arbitrary<T>) =>
  fc
    .array(value, { minLength: 1, maxLength: 12 })
    .chain((kinds) => fc.array(fc.constantFrom(...kinds), { minLength: 40, maxLength: 200 }));

describe("a dictionary", () => {
  test.each([1, 2])("of values of %i words numbers them as they come", (width) => {
    fc.assert(
      fc.property(few(fc.array(word, { minLength: width, maxLength: width })), (values) =>
        expectModel(wordValues(values, width)),
      ),
      { numRuns: runs(100) },
    );
  });

  test("of byte strings tells apart what differs in length, in zeros at its end, or in one byte alone", () => {
    const short = fc.uint8Array({ maxLength: 7 });
    const padded = fc
      .tuple(fc.uint8Array({ maxLength: 4 }), fc.nat(4))
      .map(([bytes, zeros]) => Uint8Array.from([...bytes, ...new Array(zeros).fill(0)]));
    const long = fc
      .tuple(fc.nat(3), fc.nat(40))
      .map(([kind, at]) => new Uint8Array(50).fill(7).with(at, kind));
    for (const value of [short, padded, long, fc.oneof(short, padded, long)])
      fc.assert(
        fc.property(few(value), fc.boolean(), (values, contiguous) =>
          expectModel(byteValues(values, { contiguous })),
        ),
        { numRuns: runs(60) },
      );
  });

  test("grows with many values, short and long", () => {
    const numbers = Array.from({ length: 60_000 }, (_, i) => (i * 7919) % 12_345);
    expectModel(
      wordValues(
        numbers.map((n) => [n]),
        1,
      ),
    );
    expectModel(
      wordValues(
        numbers.map((n) => [n, -n]),
        2,
      ),
    );
    expectModel(
      byteValues(
        numbers.map((n) => Buffer.from(`${n}`)),
        {},
      ),
    );
    expectModel(
      byteValues(
        numbers.map((n) => Buffer.from(`a longer name for ${n}`)),
        {},
      ),
    );
  });

  test("is none where it saves nothing, is larger than it may be, or there is nothing to number", () => {
    const distinct = wordValues(
      Array.from({ length: 100 }, (_, i) => [i, i]),
      2,
    );
    const same = wordValues(new Array(100).fill([3, 4]), 2);
    expect(buildDictionary(distinct, ANY_SIZE)).toBeUndefined();
    expect(buildDictionary(same, 8)?.keys.length).toBe(1);
    expect(buildDictionary(same, 7)).toBeUndefined();
    expect(buildDictionary(wordValues([], 1), ANY_SIZE)).toBeUndefined();
    expect(buildDictionary({ kind: "bits", length: 2, bits: Uint8Array.of(1, 1) }, ANY_SIZE)).toBeUndefined();
  });

  test("gives up on a column whose first values hardly repeat, whatever comes after", () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => [i < 17_000 ? i : 1]);
    expect(buildDictionary(wordValues(rows, 1), ANY_SIZE)).toBeUndefined();
    const texts = rows.map(([n]) => Buffer.from(`some longer text ${n}`));
    expect(buildDictionary(byteValues(texts, {}), ANY_SIZE)).toBeUndefined();
  });
});

test("distinct byte strings are those of a Map", () => {
  fc.assert(
    fc.property(few(fc.uint8Array({ maxLength: 12 })), (strings) => {
      const offsets = Int32Array.from([
        0,
        ...strings.map(
          (
            (sum) => (s: Uint8Array) =>
              (sum += s.length)
          )(0),
        ),
      ]);
      const found = distinctBytes(Buffer.concat(strings), offsets, strings.length)!;
      expect([...found.codes].map((code) => hex(found.values[code]!))).toEqual(strings.map(hex));
      expect(new Set(found.values.map(hex)).size).toBe(found.values.length);
    }),
    { numRuns: runs(60) },
  );
});

test("a table of words goes on numbering from batch to batch, and the next table begins anew", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(3000), { maxLength: 400 }), { maxLength: 8 }), (batches) => {
      const table = new WordTable();
      const numbers = new Map<number, number>();
      for (const batch of batches) {
        const out = new Int32Array(batch.length);
        table.add(Int32Array.from(batch), 1, 0, batch.length, out);
        for (const value of batch) if (!numbers.has(value)) numbers.set(value, numbers.size);
        expect([...out]).toEqual(batch.map((value) => numbers.get(value)));
      }
      expect(table.size).toBe(numbers.size);
      expect([...numbers.keys()]).toEqual(
        Array.from({ length: table.size }, (_, key) => table.keys[2 * key]),
      );
    }),
    { numRuns: runs(60) },
  );
});
