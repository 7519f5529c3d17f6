import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchConformer } from "../../../lib/lakehouse/iceberg/files/arrow/conform.js";
import { canonicalReader } from "../../../lib/lakehouse/iceberg/files/arrow/read.js";
import {
  applyUpdates,
  bind,
  type Column,
  canonicalValue,
  defineSchema,
  eq,
  gt,
  gtEq,
  type IcebergType,
  lt,
  ltEq,
  newTableMetadata,
  newViewMetadata,
  type PrimitiveType,
  type PrimitiveValue,
  rowsToBatches,
  type Schema,
} from "../../../lib/lakehouse/iceberg/index.js";
import { evaluator } from "../../../lib/lakehouse/iceberg/model/expressions/evaluate.js";
import { parsePrimitiveType } from "../../../lib/lakehouse/iceberg/model/types/type-text.js";

/**
 * The rule that all of this holds: a value that goes into a column comes back as exactly this value, or it is refused
 * with its row. Floats alone are rounded, within their range.
 */

const TYPES = [
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "decimal(9,2)",
  "decimal(38,10)",
  "date",
  "time",
  "timestamp",
  "timestamptz",
  "timestamp_ns",
  "timestamptz_ns",
  "string",
  "uuid",
  "fixed[3]",
  "binary",
].map((text) => parsePrimitiveType(text) as PrimitiveType);

function schemaOf(type: IcebergType, required = false): Schema {
  return { schemaId: 0, fields: [{ id: 1, name: "v", required, type }], identifierFieldIds: [] };
}

// Rows

const loneSurrogates = fc
  .tuple(fc.string(), fc.constantFrom("\ud800", "\udbff", "\udc00", "\udfff"), fc.string())
  .map((parts) => parts.join(""));
const edges = fc.constantFrom<unknown>(
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 53 + 2,
  1e300,
  -1e300,
  3.4028235677973366e38,
  1e-50,
  5e-324,
  0.1,
  -0,
  16_777_217n,
  9_007_199_254_740_993n,
  2n ** 63n,
  -(2n ** 63n),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  "2001-02-30",
  "24:00:00",
  "23:59:59.9999999",
  "1677-09-20",
  "2262-04-12T00:00:00",
  "2001-01-31T10:00:00.123456789",
  "1.005",
  "f79c3e09-677c-4bbd-a479-3f349cb785e",
  86_400_000_000n,
  new Date("2001-01-31T00:00:00Z"),
  new Date("2001-01-31T10:00:00Z"),
  new Date(8_640_000_000_000_000),
  new Date(Number.NaN),
);
const inputs = fc.oneof(
  edges,
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.float(),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
  fc.date(),
  fc.string({ unit: "binary" }),
  loneSurrogates,
  fc.uuid(),
  fc.uint8Array({ maxLength: 17 }),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.tuple(fc.bigInt({ min: -(10n ** 10n), max: 10n ** 10n }), fc.nat(12)).map(([n, e]) => `${n}e-${e}`),
);

/** What a canonical value says, in the terms of the input; the test's own reading, by JavaScript's means. */
function says(type: PrimitiveType, value: PrimitiveValue, input: unknown): boolean {
  const perMs = type.type.endsWith("_ns") ? 1_000_000n : 1_000n;
  if (input instanceof Date) {
    if (type.type === "date") return (value as number) * 86_400_000 === input.getTime();
    return (value as bigint) === BigInt(input.getTime()) * perMs;
  }
  if (input instanceof Uint8Array) {
    if (typeof value === "string") return value.replaceAll("-", "") === Buffer.from(input).toString("hex");
    return Buffer.compare(value as Uint8Array, input) === 0;
  }
  switch (type.type) {
    case "float":
      // The nearest float to the input: none of its neighbours is nearer.
      return (
        Object.is(value, Math.fround(Number(input))) &&
        Number.isFinite(value) === Number.isFinite(Number(input)) &&
        (value === 0) === (Number(input) === 0)
      );
    case "double":
      return typeof input === "bigint" ? BigInt(value as number) === input : Object.is(value, input);
    case "decimal": {
      const [digits, exponent] = scientific(String(input));
      const shift = BigInt(type.scale) + exponent;
      return shift >= 0n
        ? digits * 10n ** shift === (value as bigint)
        : digits === (value as bigint) * 10n ** -shift;
    }
    case "string":
      return value === input && Buffer.from(value as string).toString() === input;
    case "uuid":
      return value === (input as string).toLowerCase();
    case "int":
    case "long":
      return BigInt(value as number) === BigInt(input as number);
    default:
      break;
  }
  if (typeof input !== "string") return value === input;
  if (type.type === "time") return Date.parse(`1970-01-01T${input}Z`) === Number((value as bigint) / 1000n);
  if (type.type === "date") return Date.parse(input) === (value as number) * 86_400_000;
  // To the millisecond, which is as far as Date reads; what is beyond it is held by the tests of the text.
  const ms = Date.parse(
    /[zZ]$|[+-]\d\d:?\d\d$/.test(input) ? input : `${input.includes("T") ? input : `${input}T00:00`}Z`,
  );
  const found = value as bigint;
  return BigInt(ms) === (found - (((found % perMs) + perMs) % perMs)) / perMs;
}

/** Digits and power of ten of decimal text. */
function scientific(text: string): [bigint, bigint] {
  const [mantissa = "", exponent = "0"] = text.trim().toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return [BigInt(`${whole}${fraction}` || "0"), BigInt(exponent) - BigInt(fraction.length)];
}

describe("a value of a row", () => {
  test.each(TYPES.map((type) => [JSON.stringify(type), type] as const))(
    "comes back from %s as it went in, or is refused",
    (_, type) =>
      fc.assert(
        fc.asyncProperty(inputs, fc.nat(3), async (input, before) => {
          const rows = [...Array.from({ length: before }, () => ({ v: null })), { v: input }];
          let batch: arrow.RecordBatch | undefined;
          try {
            for await (const each of rowsToBatches(schemaOf(type), rows)) batch = each;
          } catch (error) {
            expect(error).toMatchObject({ code: "SCHEMA_MISMATCH", subject: "v" });
            expect((error as Error).message).toContain(`Row ${before}, column "v"`);
            expect(canonicalValue(type, input)).toBeUndefined();
            return;
          }
          const stored = canonicalReader(type, batch?.data.children[0] as arrow.Data)(before);
          expect(says(type, stored as PrimitiveValue, input)).toBe(true);
        }),
        { numRuns: 1000 },
      ),
  );

  test("of every type is taken where it fits", () => {
    const good: Record<string, unknown> = {
      boolean: true,
      int: -(2 ** 31),
      long: -(2n ** 63n),
      float: 3.4028234663852886e38,
      double: 5e-324,
      decimal: "-1234567.89",
      date: new Date("2001-01-31"),
      time: "23:59:59.999999",
      timestamp: "2001-01-31T10:00:00.123456",
      timestamptz: "2001-01-31T10:00:00.123456+01:00",
      timestamp_ns: "2001-01-31T10:00:00.123456789",
      timestamptz_ns: "2001-01-31T10:00:00.123456789Z",
      string: "😀",
      uuid: "F79C3E09-677C-4BBD-A479-3F349CB785E7",
      fixed: new Uint8Array(3),
      binary: new Uint8Array(0),
    };
    for (const type of TYPES) expect(canonicalValue(type, good[type.type])).toBeDefined();
  });

  test.each([
    ["a key of a map", "map<string, int>", new Map([["\ud83d", 1]]), "v.key"],
    [
      "two keys that are one",
      "map<date, int>",
      new Map<unknown, number>([
        ["1970-01-02", 1],
        [1, 2],
      ]),
      "v.key",
    ],
    ["an element of a list", "list<float>", [1, 1e300], "v.element"],
    ["a field of a struct", "struct<1: a: optional string>", { a: "\udc00" }, "v.a"],
    ["a value of type unknown", "unknown", 5, "v"],
    ["a field of type unknown", "struct<1: a: optional unknown>", { a: 5 }, "v.a"],
  ])("is refused as %s", async (_, text, value, column) => {
    const schema = schemaOf(parseNested(text));
    const read = async () => {
      for await (const _batch of rowsToBatches(schema, [{ v: null }, { v: value }]));
    };
    await expect(read()).rejects.toThrow(`Row 1, column "${column}"`);
  });
});

function parseNested(text: string): IcebergType {
  const inner = /<(.*)>$/.exec(text)?.[1] ?? "";
  if (text.startsWith("map")) {
    const [key = "", value = ""] = inner.split(", ");
    return {
      type: "map",
      keyId: 2,
      key: parsePrimitiveType(key),
      valueId: 3,
      valueRequired: false,
      value: parsePrimitiveType(value),
    };
  }
  if (text.startsWith("list"))
    return { type: "list", elementId: 2, elementRequired: false, element: parsePrimitiveType(inner) };
  if (text.startsWith("struct")) {
    const type = parsePrimitiveType(inner.split(" ").at(-1) ?? "");
    return { type: "struct", fields: [{ id: 2, name: "a", required: false, type }] };
  }
  return parsePrimitiveType(text);
}

// Arrow

/** A column of any bits under an Arrow type. */
const sources: fc.Arbitrary<arrow.Data> = fc
  .constantFrom<arrow.DataType>(
    new arrow.Bool(),
    ...[arrow.Int8, arrow.Int16, arrow.Int32, arrow.Int64].map((Type) => new Type()),
    ...[arrow.Uint8, arrow.Uint16, arrow.Uint32, arrow.Uint64].map((Type) => new Type()),
    ...[arrow.Float16, arrow.Float32, arrow.Float64].map((Type) => new Type()),
    new arrow.Decimal(2, 9, 128),
    new arrow.Decimal(2, 5, 128),
    new arrow.Decimal(3, 9, 128),
    new arrow.Decimal(2, 9, 256),
    new arrow.Decimal(10, 38, 128),
    new arrow.Decimal(10, 38, 256),
    new arrow.DateDay(),
    new arrow.DateMillisecond(),
    ...[arrow.TimeSecond, arrow.TimeMillisecond, arrow.TimeMicrosecond, arrow.TimeNanosecond].map(
      (Type) => new Type(),
    ),
    ...[0, 1, 2, 3].flatMap((unit) => [
      new arrow.Timestamp(unit),
      new arrow.Timestamp(unit, "UTC"),
      new arrow.Timestamp(unit, "Europe/Zurich"),
    ]),
    new arrow.Utf8(),
    new arrow.LargeUtf8(),
    new arrow.Binary(),
    new arrow.LargeBinary(),
    new arrow.FixedSizeBinary(16),
    new arrow.FixedSizeBinary(3),
  )
  .chain(columnOf);

function columnOf(type: arrow.DataType): fc.Arbitrary<arrow.Data> {
  const length = 6;
  const nulls = fc.constantFrom(0xff, 0b101101, 0b111110);
  const build = (nullBitmap: number, buffers: object) =>
    arrow.makeData({
      type,
      length,
      nullBitmap: Uint8Array.of(nullBitmap),
      ...buffers,
    } as never) as arrow.Data;
  const isBytes = arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type);
  if (isBytes || arrow.DataType.isLargeUtf8(type) || arrow.DataType.isLargeBinary(type)) {
    const values = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4 }).map((text) => Buffer.from(text)),
      fc.constantFrom(Buffer.from([0xc3]), Buffer.from([0xa9]), Buffer.from([0xed, 0xa0, 0x80])),
    );
    return fc
      .tuple(nulls, fc.array(values, { minLength: length, maxLength: length }))
      .map(([bits, parts]) => {
        const offsets = [0];
        for (const part of parts) offsets.push(offsets.at(-1)! + part.length);
        const valueOffsets = isBytes ? Int32Array.from(offsets) : BigInt64Array.from(offsets.map(BigInt));
        return build(bits, { valueOffsets, data: new Uint8Array(Buffer.concat(parts)) });
      });
  }
  const width = arrow.DataType.isFixedSizeBinary(type)
    ? type.byteWidth
    : arrow.DataType.isDecimal(type)
      ? type.bitWidth / 8
      : arrow.DataType.isBool(type)
        ? 1
        : (type as { ArrayType: { BYTES_PER_ELEMENT: number } }).ArrayType.BYTES_PER_ELEMENT;
  const noise = fc.uint8Array({ minLength: width, maxLength: width });
  // Mostly numbers of a sensible size, and whole days among them, or nothing would ever be accepted.
  const sensible = fc
    .oneof(
      fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
      fc.bigInt({ min: -20_000n, max: 20_000n }).map((days) => days * 86_400_000n),
      fc.bigInt({ min: 0n, max: 86_401n }),
      fc.constantFrom(
        10n ** 9n,
        -(10n ** 9n),
        10n ** 38n,
        10n ** 38n - 1n,
        9_223_372_036_854n,
        9_223_372_037n,
      ),
    )
    .map((value) => {
      const bytes = Buffer.alloc(Math.max(width, 32));
      let rest = BigInt.asUintN(256, value);
      for (let i = 0; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
      return new Uint8Array(bytes.subarray(0, width));
    });
  const values = fc.array(fc.oneof({ weight: 8, arbitrary: sensible }, noise), {
    minLength: length,
    maxLength: length,
  });
  return fc.tuple(nulls, values).map(([bits, parts]) => {
    const bytes = new Uint8Array(Buffer.concat(parts)).buffer;
    const { ArrayType } = type as unknown as { ArrayType: new (buffer: ArrayBuffer) => unknown };
    const data = arrow.DataType.isDecimal(type)
      ? new Uint32Array(bytes)
      : arrow.DataType.isFixedSizeBinary(type) || arrow.DataType.isBool(type)
        ? new Uint8Array(bytes)
        : new ArrayType(bytes);
    return build(bits, { data });
  });
}

function isNull(data: arrow.Data, i: number): boolean {
  if (data.nullCount === 0 || !data.nullBitmap) return false;
  return ((data.nullBitmap[(data.offset + i) >> 3]! >> ((data.offset + i) & 7)) & 1) === 0;
}

/** What the bits of a value mean: a kind, and something to compare within it. */
function meaning(data: arrow.Data, i: number): string | null {
  if (isNull(data, i)) return null;
  const { type, values, valueOffsets } = data;
  const { DataType } = arrow;
  const perUnit = (unit: number) => 10n ** BigInt(9 - 3 * unit);
  if (DataType.isBool(type))
    return `bool ${(values[(data.offset + i) >> 3]! >> ((data.offset + i) & 7)) & 1}`;
  if (DataType.isInt(type)) return `int ${values[i]}`;
  if (DataType.isFloat(type)) {
    const number = type.precision === arrow.Precision.HALF ? new arrow.Vector([data]).get(i) : values[i];
    return `real ${Object.is(number, -0) ? "-0" : number}`;
  }
  if (DataType.isDecimal(type)) {
    const words = Array.from(
      values.subarray((i * type.bitWidth) / 32, ((i + 1) * type.bitWidth) / 32) as Uint32Array,
    );
    const unscaled = words.reduceRight((all, word) => (all << 32n) | BigInt(word), 0n);
    return `decimal ${BigInt.asIntN(type.bitWidth, unscaled)}e-${type.scale}`;
  }
  if (DataType.isDate(type)) return `date ${BigInt(values[i]) * (type.unit === 0 ? 86_400_000n : 1n)} ms`;
  if (DataType.isTime(type)) return `time ${BigInt(values[i]) * perUnit(type.unit)} ns`;
  if (DataType.isTimestamp(type))
    return `${type.timezone ? "instant" : "local"} ${BigInt(values[i]) * perUnit(type.unit)} ns`;
  const [start, end] = DataType.isFixedSizeBinary(type)
    ? [i * type.byteWidth, (i + 1) * type.byteWidth]
    : [Number(valueOffsets[i]), Number(valueOffsets[i + 1])];
  return `bytes ${Buffer.from(values.subarray(start, end)).toString("hex")}`;
}

/** Whether a value is one of the type, by its meaning. */
function isOne(type: PrimitiveType, value: string): boolean {
  const [, text = ""] = value.split(" ");
  const inside = (number: bigint, bits: number) => BigInt.asIntN(bits, number) === number;
  switch (type.type) {
    case "date":
      return BigInt(text) % 86_400_000n === 0n && inside(BigInt(text) / 86_400_000n, 32);
    case "time":
      return BigInt(text) >= 0n && BigInt(text) < 86_400_000_000_000n && BigInt(text) % 1000n === 0n;
    case "timestamp":
    case "timestamptz":
      return BigInt(text) % 1000n === 0n && inside(BigInt(text) / 1000n, 64);
    case "timestamp_ns":
    case "timestamptz_ns":
      return inside(BigInt(text), 64);
    case "decimal": {
      const unscaled = BigInt(text.split("e")[0] ?? "");
      return (unscaled < 0n ? -unscaled : unscaled) < 10n ** BigInt(type.precision);
    }
    case "string":
      return Buffer.from(Buffer.from(text, "hex").toString("utf8")).toString("hex") === text;
    default:
      return true;
  }
}

function batchOf(data: arrow.Data): arrow.RecordBatch {
  const schema = new arrow.Schema([new arrow.Field("v", data.type, true)]);
  const children = [data];
  const struct = arrow.makeData({
    type: new arrow.Struct(schema.fields),
    length: data.length,
    nullCount: 0,
    children,
  });
  return new arrow.RecordBatch(schema, struct);
}

/** The message of a refusal, or what came out. */
function conformed(type: IcebergType, data: arrow.Data, required = false): arrow.Data | string {
  try {
    const batch = batchOf(data);
    return batchConformer(schemaOf(type, required), batch.schema)(batch).data.children[0] as arrow.Data;
  } catch (error) {
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH" });
    return (error as Error).message;
  }
}

const targets = fc.constantFrom(...TYPES);

describe("a value of an Arrow column", () => {
  /** The first row whose value the type does not have, as the test reads it. */
  const firstBad = (type: PrimitiveType, meanings: readonly (string | null)[]) =>
    meanings.findIndex((each) => each !== null && !isOne(type, each));

  test("of any type and bits comes out as it went in, or is refused with its row", () =>
    fc.assert(
      fc.property(sources, targets, fc.nat(2), (whole, type, from) => {
        const data = whole.slice(from, whole.length - from);
        const before = Array.from({ length: data.length }, (_, i) => meaning(data, i));
        const after = conformed(type, data);
        if (typeof after === "string") {
          const row = /^Row (\d+)/.exec(after)?.[1];
          if (row !== undefined) expect(Number(row)).toBe(firstBad(type, before));
        } else {
          expect(Array.from({ length: after.length }, (_, i) => meaning(after, i))).toEqual(before);
          expect(firstBad(type, before)).toBe(-1);
        }
      }),
      { numRuns: 6000 },
    ));

  test("is the same in a dictionary, nulls among its values too", () =>
    fc.assert(
      fc.property(
        sources,
        targets,
        fc.array(fc.integer({ min: -1, max: 7 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (dictionary, type, keys, required) => {
          const data = arrow.makeData({
            type: new arrow.Dictionary(dictionary.type, new arrow.Int32()),
            length: keys.length,
            nullCount: 0,
            data: Int32Array.from(keys),
            dictionary: new arrow.Vector([dictionary]),
          }) as arrow.Data;
          const before = keys.map((key) =>
            key >= 0 && key < dictionary.length ? meaning(dictionary, key) : undefined,
          );
          const after = conformed(type, data, required);
          if (typeof after === "string" && !after.startsWith("Row")) return;
          const bad = before.findIndex(
            (each) => each === undefined || (each === null ? required : !isOne(type, each)),
          );
          if (typeof after === "string") {
            // Which of several is named may differ: nulls are looked for first.
            expect(bad).toBeGreaterThanOrEqual(0);
          } else {
            expect(bad).toBe(-1);
            expect(Array.from({ length: after.length }, (_, i) => meaning(after, i))).toEqual(before);
          }
        },
      ),
      { numRuns: 3000 },
    ));

  test("in lists and structs is refused with the row that has it, and not where no row has it", () =>
    fc.assert(
      fc.property(
        sources,
        targets,
        fc.subarray([0, 1, 2]),
        fc.boolean(),
        (items, type, nullLists, inStruct) => {
          const field = new arrow.Field("a", items.type, true);
          const child = inStruct
            ? (arrow.makeData({
                type: new arrow.Struct([field]),
                length: 6,
                nullCount: 0,
                children: [items],
              }) as arrow.Data)
            : items;
          const offsets = Int32Array.of(1, 3, 3, 5);
          const bitmap = [0, 1, 2].reduce((bits, i) => (nullLists.includes(i) ? bits : bits | (1 << i)), 0);
          const lists = arrow.makeData({
            type: new arrow.List(new arrow.Field("item", child.type, true)),
            length: 3,
            nullBitmap: Uint8Array.of(bitmap),
            valueOffsets: offsets,
            child: child as never,
          }) as arrow.Data;
          const struct: IcebergType = {
            type: "struct",
            fields: [{ id: 3, name: "a", required: false, type }],
          };
          const element = inStruct ? struct : type;
          const after = conformed({ type: "list", elementId: 2, elementRequired: false, element }, lists);
          if (typeof after === "string" && !after.startsWith("Row")) return;
          const listed = [1, 2, 3, 4].filter((item) => !nullLists.includes(item < 3 ? 0 : 2));
          const bad = listed.find((item) => {
            const each = meaning(items, item);
            return each !== null && !isOne(type, each);
          });
          if (typeof after === "string") {
            const row = /^Row (\d+)/.exec(after)?.[1];
            if (row !== undefined) expect(Number(row)).toBe(bad === undefined ? Number.NaN : bad < 3 ? 0 : 2);
          } else {
            expect(bad).toBeUndefined();
            const values = inStruct ? after.children[0]!.children[0]! : after.children[0]!;
            for (const item of listed) expect(meaning(values, item)).toBe(meaning(items, item));
          }
        },
      ),
      { numRuns: 3000 },
    ));

  test("of a view of text is looked at as bytes", () => {
    const text = arrow.vectorFromArray(
      ["short", "long enough to lie out of line", "é"],
      new arrow.Utf8View(),
    );
    const good = conformed({ type: "string" }, text.data[0] as arrow.Data);
    expect([...new arrow.Vector([good as arrow.Data])]).toEqual([
      "short",
      "long enough to lie out of line",
      "é",
    ]);
    const bytes = arrow.vectorFromArray([Buffer.from("a"), Buffer.from([0xff])], new arrow.BinaryView());
    const bad = (bytes.data[0] as arrow.Data).clone(new arrow.Utf8View() as never) as arrow.Data;
    expect(conformed({ type: "string" }, bad)).toMatch(
      /^Row 1, column "v": expected string \(text in UTF-8\)/,
    );
  });

  test("of type unknown is null", () => {
    const some = arrow.vectorFromArray([null, 1], new arrow.Int32()).data[0] as arrow.Data;
    expect(conformed({ type: "unknown" }, some)).toMatch(/^Row 1, column "v": expected null/);
    const none = arrow.vectorFromArray([null, null], new arrow.Int32()).data[0] as arrow.Data;
    const nothing = batchConformer(schemaOf({ type: "unknown" }), batchOf(none).schema)(batchOf(none));
    expect([nothing.numRows, nothing.numCols]).toEqual([2, 0]);
  });

  test("is not dropped with a column that is there twice", () => {
    const data = arrow.vectorFromArray([1], new arrow.Int32()).data[0] as arrow.Data;
    const fields = [1, 2].map(() => new arrow.Field("v", data.type, true));
    expect(() => batchConformer(schemaOf({ type: "int" }), new arrow.Schema(fields))).toThrow(
      'Column "v": expected one column of this name, found two',
    );
  });
});

// Filters

describe("a literal of a filter", () => {
  const floats = fc.oneof(
    fc.float(),
    fc.constantFrom(3.4028234663852886e38, 2 ** -149, -(2 ** -149), 0, Number.POSITIVE_INFINITY),
  );
  const beyond = fc.constantFrom(1e300, -1e300, 1e-60, -1e-60, 3.5e38);

  test("beyond the floats is compared as the number that it is", () => {
    const schema = schemaOf({ type: "float" });
    fc.assert(
      fc.property(
        fc.float({ noNaN: true }).chain((f) => fc.tuple(fc.constant(f), beyond)),
        floats,
        ([_, literal], value) => {
          if (Number.isNaN(value)) return;
          for (const [make, holds] of [
            [lt, value < literal],
            [ltEq, value <= literal],
            [gt, value > literal],
            [gtEq, value >= literal],
            [eq, value === literal],
          ] as const) {
            const test = evaluator<number>(bind(schema, make("v", literal)), () => (row) => row);
            expect(test(value) === true).toBe(holds);
          }
        },
      ),
    );
  });

  test("with a time of day lies between two days", () => {
    const schema = schemaOf({ type: "date" });
    fc.assert(
      fc.property(
        fc.integer({ min: -9, max: 9 }),
        fc.integer({ min: -9_000, max: 9_000 }),
        (day, hundredths) => {
          // A hundredth of a day is 864 seconds.
          const at = new Date(hundredths * 864_000);
          for (const literal of [at, at.toISOString(), at.toISOString().replace("Z", "")]) {
            for (const [make, holds] of [
              [lt, day * 100 < hundredths],
              [ltEq, day * 100 <= hundredths],
              [gt, day * 100 > hundredths],
              [gtEq, day * 100 >= hundredths],
              [eq, day * 100 === hundredths],
            ] as const) {
              const test = evaluator<number>(bind(schema, make("v", literal)), () => (row) => row);
              expect(test(day) === true).toBe(holds);
            }
          }
        },
      ),
    );
  });

  test("is refused with half a surrogate pair", () => {
    expect(() => bind(schemaOf({ type: "string" }), eq("v", "\ud800"))).toThrow(/surrogate/);
  });
});

describe("a default", () => {
  test.each([
    ["float", 1e300],
    ["double", Number.NaN],
    ["double", Number.POSITIVE_INFINITY],
    ["string", "\udfff"],
  ])("of %s that metadata cannot hold is refused", (type, value) => {
    const column = { type: parsePrimitiveType(type), isOptional: true, init: { initialDefault: value } };
    expect(() => defineSchema({ v: column as unknown as Column<unknown, boolean> })).toThrow(
      expect.objectContaining({ code: "INVALID_SCHEMA" }),
    );
  });
});

describe("names, docs and properties", () => {
  const half = "caf\ud83d";
  const schema = defineSchema({ v: defineSchemaColumn() });

  function defineSchemaColumn(): Column<unknown, boolean> {
    return { type: { type: "int" }, isOptional: true, init: {} } as unknown as Column<unknown, boolean>;
  }

  test("with half a surrogate pair are refused wherever they come in", () => {
    const location = "file:///t";
    const base = newTableMetadata({ schema, location });
    const named = { ...schema, fields: [{ ...schema.fields[0]!, name: half }] };
    const documented = { ...schema, fields: [{ ...schema.fields[0]!, doc: half }] };
    for (const refused of [
      () => newTableMetadata({ schema: named, location }),
      () => newTableMetadata({ schema: documented, location }),
      () => newTableMetadata({ schema, location, properties: { a: half } }),
      () => newTableMetadata({ schema, location, properties: { [half]: "a" } }),
      () => applyUpdates(base, [{ action: "add-schema", schema: named }]),
      () => applyUpdates(base, [{ action: "set-properties", updates: { a: half } }]),
      () =>
        newViewMetadata({
          schema,
          location,
          defaultNamespace: [],
          representations: [{ type: "sql", dialect: "duckdb", sql: `SELECT '${half}'` }],
        }),
    ]) {
      expect(refused).toThrow(
        expect.objectContaining({
          code: "INVALID_ARGUMENT",
          message: expect.stringMatching(/"caf\\ud83d"|caf\\ud83d/),
        }),
      );
    }
    expect(newTableMetadata({ schema, location, properties: { a: "caf😀" } }).properties.a).toBe("caf😀");
  });
});
