import * as arrow from "apache-arrow";
import fc from "fast-check";
import { expect } from "vitest";
import {
  batchConformer,
  type IcebergType,
  type PrimitiveType,
  type PrimitiveValue,
  parsePrimitiveType,
  type Schema,
} from "../../../lib/lakehouse/iceberg/index.js";
/**
 * The rule that all of this holds: a value that goes into a column comes back as exactly this value, or it is refused
 * with its row. Floats alone are rounded, within their range.
 */

export const TYPES = [
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

export function schemaOf(type: IcebergType, required = false): Schema {
  return { schemaId: 0, fields: [{ id: 1, name: "v", required, type }], identifierFieldIds: [] };
}

// Rows

export const loneSurrogates = fc
  .tuple(fc.string(), fc.constantFrom("\ud800", "\udbff", "\udc00", "\udfff"), fc.string())
  .map((parts) => parts.join(""));
export const edges = fc.constantFrom<unknown>(
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
export const inputs = fc.oneof(
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
export function says(type: PrimitiveType, value: PrimitiveValue, input: unknown): boolean {
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
export function scientific(text: string): [bigint, bigint] {
  const [mantissa = "", exponent = "0"] = text.trim().toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return [BigInt(`${whole}${fraction}` || "0"), BigInt(exponent) - BigInt(fraction.length)];
}

export function parseNested(text: string): IcebergType {
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
export const sources: fc.Arbitrary<arrow.Data> = fc
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

export function columnOf(type: arrow.DataType): fc.Arbitrary<arrow.Data> {
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

export function isNull(data: arrow.Data, i: number): boolean {
  if (data.nullCount === 0 || !data.nullBitmap) return false;
  return ((data.nullBitmap[(data.offset + i) >> 3]! >> ((data.offset + i) & 7)) & 1) === 0;
}

/** What the bits of a value mean: a kind, and something to compare within it. */
export function meaning(data: arrow.Data, i: number): string | null {
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
export function isOne(type: PrimitiveType, value: string): boolean {
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

export function batchOf(data: arrow.Data): arrow.RecordBatch {
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
export function conformed(type: IcebergType, data: arrow.Data, required = false): arrow.Data | string {
  try {
    const batch = batchOf(data);
    return batchConformer(schemaOf(type, required), batch.schema)(batch).data.children[0] as arrow.Data;
  } catch (error) {
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH" });
    return (error as Error).message;
  }
}

export const targets = fc.constantFrom(...TYPES);

// Filters
