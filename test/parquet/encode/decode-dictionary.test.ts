// Dictionary-encoded columns are written as their values, at any depth.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withoutDictionaries } from "../../../lib/lakehouse/parquet/encode/decode-dictionary.js";
import { runs } from "../../support/runs.js";
import { build, type Plain, plainAt } from "../support/plain-values.js";

const INDICES = [new arrow.Int8(), new arrow.Int16(), new arrow.Int32(), new arrow.Uint8()];

/** A column of keys into `values`, null where the key is. */
function encoded(values: arrow.Data, keys: readonly (number | null)[], indices: arrow.Int): arrow.Data {
  const plain = build(indices, keys);
  return arrow.makeData({
    type: new arrow.Dictionary(values.type, indices as arrow.Int32),
    length: keys.length,
    nullCount: plain.nullCount,
    nullBitmap: plain.nullCount > 0 ? plain.nullBitmap : null,
    data: plain.values,
    dictionary: new arrow.Vector([values]) as never,
  });
}

const words = fc.array(fc.string({ unit: "binary", maxLength: 6 }), { minLength: 1, maxLength: 9 });
const keysInto = (count: number) =>
  fc.array(fc.option(fc.nat(count - 1), { freq: 4 }), { minLength: 1, maxLength: 40 });
const text = words.chain((values) =>
  fc.tuple(fc.constant(values as Plain[]), keysInto(values.length), fc.constantFrom(...INDICES)),
);

function plainRowsOf(batch: arrow.RecordBatch): Plain[] {
  return Array.from({ length: batch.numRows }, (_, i) => plainAt(batch.data, i));
}

const leavesOf = (data: arrow.Data): arrow.Data[] =>
  data.children.length > 0 ? data.children.flatMap(leavesOf) : [data];

/** The batch of one column, whole and cut, has a leaf of `type` and no dictionary afterwards, and the same rows. */
function expectSame(data: arrow.Data, type: arrow.DataType, cut: number): void {
  const field = (of: arrow.DataType) => [new arrow.Field("c", of, true)];
  const struct = arrow.makeData({
    type: new arrow.Struct(field(data.type)),
    length: data.length,
    nullCount: 0,
    children: [data],
  });
  const whole = new arrow.RecordBatch(new arrow.Schema(field(data.type)), struct as arrow.Data<arrow.Struct>);
  const at = cut % (whole.numRows + 1);
  for (const batch of [whole, whole.slice(0, at), whole.slice(at)]) {
    const found = withoutDictionaries(batch, new arrow.Schema(field(data.type)));
    expect(leavesOf(found.data).map(({ type: of }) => String(of))).toEqual([String(type)]);
    expect(plainRowsOf(found)).toEqual(plainRowsOf(batch));
  }
}

describe("a dictionary-encoded column becomes its values", () => {
  test("of text, with nulls among the keys, whole and in slices", () => {
    fc.assert(
      fc.property(text, fc.nat(40), ([values, keys, indices], cut) =>
        expectSame(encoded(build(new arrow.Utf8(), values), keys, indices), new arrow.Utf8(), cut),
      ),
      { numRuns: runs(100) },
    );
  });

  test("also where the dictionary itself has a null, or holds numbers", () => {
    fc.assert(
      fc.property(text, fc.nat(40), ([values, keys, indices], cut) => {
        const withNull = [...values.slice(1), null];
        expectSame(encoded(build(new arrow.Utf8(), withNull), keys, indices), new arrow.Utf8(), cut);
        const numbers = values.map((_, i) => BigInt(i) * 3n);
        expectSame(encoded(build(new arrow.Int64(), numbers), keys, indices), new arrow.Int64(), cut);
      }),
      { numRuns: runs(60) },
    );
  });

  test("within a struct and within a list", () => {
    fc.assert(
      fc.property(text, fc.nat(40), ([values, keys, indices], cut) => {
        const item = encoded(build(new arrow.Utf8(), values), keys, indices);
        const inner = (type: arrow.DataType) => new arrow.Field("element", type, true);
        const struct = arrow.makeData({
          type: new arrow.Struct([inner(item.type)]),
          length: item.length,
          nullCount: 0,
          children: [item],
        });
        expectSame(struct, new arrow.Utf8(), cut);
        const half = Math.floor(keys.length / 2);
        const list = arrow.makeData({
          type: new arrow.List(inner(item.type)),
          length: 3,
          nullCount: 0,
          valueOffsets: Int32Array.of(0, half, half, keys.length),
          child: item,
        });
        expectSame(list, new arrow.Utf8(), cut);
      }),
      { numRuns: runs(60) },
    );
  });

  test("and a batch without dictionaries stays the one that it is", () => {
    const table = arrow.tableFromArrays({ n: Int32Array.of(1, 2) });
    expect(withoutDictionaries(table.batches[0]!, table.schema)).toBe(table.batches[0]);
  });
});
