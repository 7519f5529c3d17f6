// Random columns: a type, and values of it.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { FIELD_ID_KEY } from "../../../lib/lakehouse/parquet/index.js";
import type { Plain } from "./plain-values.js";

export interface Column {
  readonly field: arrow.Field;
  /** Nulls included, where the field may have them. */
  readonly value: fc.Arbitrary<Plain>;
}

const digits = (count: number) => {
  const most = 10n ** BigInt(count) - 1n;
  return fc.bigInt({ min: -most, max: most });
};
const int = (min: number, max: number) => fc.integer({ min, max });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const hex = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString("hex"));
/** Values of which many are alike, so that some columns get a dictionary and runs. */
const repeating = (value: fc.Arbitrary<Plain>): fc.Arbitrary<Plain> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fc.sample(value, { seed: 7, numRuns: 3 })) }, value);

/** Every leaf type that the encoder writes, with a name for the tests' titles. */
export const LEAVES: readonly (readonly [string, arrow.DataType, fc.Arbitrary<Plain>])[] = (
  [
    ["boolean", new arrow.Bool(), fc.boolean()],
    ["int8", new arrow.Int8(), int(-128, 127)],
    ["int16", new arrow.Int16(), int(-32768, 32767)],
    ["int32", new arrow.Int32(), int(-(2 ** 31), 2 ** 31 - 1)],
    ["int64", new arrow.Int64(), i64],
    ["uint8", new arrow.Uint8(), int(0, 255)],
    ["uint16", new arrow.Uint16(), int(0, 65535)],
    ["uint32", new arrow.Uint32(), int(0, 2 ** 32 - 1)],
    ["uint64", new arrow.Uint64(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
    ["float", new arrow.Float32(), fc.float()],
    ["double", new arrow.Float64(), fc.double()],
    ["decimal(9, 2)", new arrow.Decimal(2, 9, 128), digits(9)],
    ["decimal(18, 3)", new arrow.Decimal(3, 18, 128), digits(18)],
    ["decimal(19, 0)", new arrow.Decimal(0, 19, 128), digits(19)],
    ["decimal(38, 10)", new arrow.Decimal(10, 38, 128), digits(38)],
    ["date", new arrow.DateDay(), int(-(2 ** 31), 2 ** 31 - 1)],
    ["time", new arrow.TimeMicrosecond(), fc.bigInt({ min: 0n, max: 86_399_999_999n })],
    ["timestamp in milliseconds", new arrow.TimestampMillisecond(), i64],
    ["timestamp", new arrow.TimestampMicrosecond(), i64],
    ["timestamp with zone", new arrow.TimestampMicrosecond("UTC"), i64],
    ["timestamp in nanoseconds", new arrow.TimestampNanosecond(), i64],
    ["timestamp in nanoseconds with zone", new arrow.TimestampNanosecond("UTC"), i64],
    ["text", new arrow.Utf8(), fc.string({ unit: "binary", maxLength: 80 })],
    ["bytes", new arrow.Binary(), hex(0, 80)],
    ["fixed(1)", new arrow.FixedSizeBinary(1), hex(1, 1)],
    ["fixed(16)", new arrow.FixedSizeBinary(16), hex(16, 16)],
  ] as [string, arrow.DataType, fc.Arbitrary<Plain>][]
).map(([name, type, value]) => [name, type, repeating(value)]);

let lastId = 0;
const fieldOf = (name: string, type: arrow.DataType, nullable: boolean) =>
  new arrow.Field(name, type, nullable, new Map([[FIELD_ID_KEY, String(++lastId)]]));

export function columnOf(
  name: string,
  type: arrow.DataType,
  value: fc.Arbitrary<Plain>,
  nullable: boolean,
): Column {
  return { field: fieldOf(name, type, nullable), value: nullable ? fc.option(value, { freq: 3 }) : value };
}

/** A column of any type, at most `depth` levels of structs, lists and maps deep; each of them may be null or not. */
export function anyColumn(name: string, depth: number): fc.Arbitrary<Column> {
  const leaf = fc
    .tuple(fc.constantFrom(...LEAVES), fc.boolean())
    .map(([[, type, value], nullable]) => columnOf(name, type, value, nullable));
  if (depth === 0) return leaf;
  const struct = fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.boolean())
    .chain(([count, nullable]) =>
      fc
        .tuple(...Array.from({ length: count }, (_, i) => anyColumn(`f${i}`, depth - 1)))
        .map((children) =>
          columnOf(
            name,
            new arrow.Struct(children.map(({ field }) => field)),
            fc.record(Object.fromEntries(children.map(({ field, value }) => [field.name, value]))),
            nullable,
          ),
        ),
    );
  const list = fc
    .tuple(
      anyColumn("element", depth - 1),
      fc.boolean(),
      fc.option(fc.integer({ min: 1, max: 3 }), { freq: 3 }),
    )
    .map(([{ field, value }, nullable, fixed]) =>
      fixed === null
        ? columnOf(name, new arrow.List(field), fc.array(value, { maxLength: 4 }), nullable)
        : columnOf(
            name,
            new arrow.FixedSizeList(fixed, field),
            fc.array(value, { minLength: fixed, maxLength: fixed }),
            nullable,
          ),
    );
  const map = fc
    .tuple(anyColumn("key", 0), anyColumn("value", depth - 1), fc.boolean())
    .map(([key, value, nullable]) => {
      const entries = new arrow.Struct<{ key: arrow.DataType; value: arrow.DataType }>([
        key.field.clone({ nullable: false }),
        value.field,
      ]);
      const someKey = key.value.filter((k) => k !== null);
      return columnOf(
        name,
        new arrow.Map_(new arrow.Field("entries", entries, false)),
        fc.array(fc.tuple(someKey, value.value), { maxLength: 3 }),
        nullable,
      );
    });
  return fc.oneof(leaf, struct, list, map);
}
