import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invalidMetadata } from "../../../lib/lakehouse/errors.js";
import {
  bytesToHex,
  canonicalValue,
  formatDecimal,
  fromBinary,
  fromJsonValue,
  type PrimitiveType,
  type PrimitiveValue,
  toBinary,
  toJsonValue,
} from "../../../lib/lakehouse/iceberg/index.js";
import { parseJson, readJson, stringifyJson } from "../../../lib/lakehouse/iceberg/model/json.js";
import { parsePrimitiveType } from "../../../lib/lakehouse/iceberg/model/types/type-text.js";
import { hexToBytes } from "../../../lib/lakehouse/iceberg/model/values/bytes.js";
import { comparatorOf, compareStrings } from "../../../lib/lakehouse/iceberg/model/values/compare.js";
import {
  decimalRequiredBytes,
  parseDecimal,
  unscaledFromBytes,
  unscaledToBytes,
} from "../../../lib/lakehouse/iceberg/model/values/decimal.js";
import {
  formatDate,
  formatTimestamp,
  parseDate,
  parseTimestamp,
} from "../../../lib/lakehouse/iceberg/model/values/temporal.js";
import { runs } from "../../support/runs.js";

const t = parsePrimitiveType;
const origin = { subject: "test", kind: invalidMetadata } as const;

/** Type, value as written, JSON of Appendix D, hex of the binary form. */
const GOLDEN: [string, unknown, string, string][] = [
  ["boolean", true, "true", "01"],
  ["int", 34, "34", "22000000"],
  ["long", 34n, "34", "2200000000000000"],
  ["long", -9223372036854775808n, "-9223372036854775808", "0000000000000080"],
  ["float", 1, "1", "0000803f"],
  ["double", 1, "1", "000000000000f03f"],
  ["decimal(9,2)", "14.20", '"14.20"', "058c"],
  [
    "decimal(38,0)",
    "-99999999999999999999999999999999999999",
    '"-99999999999999999999999999999999999999"',
    "b4c4b357a5793b85f675ddc000000001",
  ],
  ["date", "2017-11-16", '"2017-11-16"', "4e440000"],
  ["time", "22:31:08.123456", '"22:31:08.123456"', "406509e012000000"],
  ["timestamp", "2017-11-16T22:31:08.123456", '"2017-11-16T22:31:08.123456"', "40a5282d215e0500"],
  [
    "timestamptz",
    "2017-11-16T14:31:08.123456-08:00",
    '"2017-11-16T22:31:08.123456+00:00"',
    "40a5282d215e0500",
  ],
  ["timestamp_ns", "2017-11-16T22:31:08.123456789", '"2017-11-16T22:31:08.123456789"', "1585c56698b1f714"],
  [
    "timestamptz_ns",
    "2017-11-16T22:31:08.123456789Z",
    '"2017-11-16T22:31:08.123456789+00:00"',
    "1585c56698b1f714",
  ],
  ["string", "iceberg", '"iceberg"', "69636562657267"],
  [
    "uuid",
    "F79C3E09-677C-4BBD-A479-3F349CB785E7",
    '"f79c3e09-677c-4bbd-a479-3f349cb785e7"',
    "f79c3e09677c4bbda4793f349cb785e7",
  ],
  ["fixed[4]", Uint8Array.of(0, 1, 2, 255), '"000102ff"', "000102ff"],
  ["binary", Uint8Array.of(0, 1, 2, 255), '"000102ff"', "000102ff"],
];

describe("single-value serialization", () => {
  test.each(GOLDEN)("%s %s is %s in JSON and %s in binary", (typeText, input, json, hex) => {
    const type = t(typeText);
    const value = canonicalValue(type, input) as PrimitiveValue;
    expect(value).toBeDefined();
    expect(stringifyJson(toJsonValue(type, value))).toBe(json);
    expect(fromJsonValue(type, readJson(json, origin))).toEqual(value);
    expect(bytesToHex(toBinary(type, value))).toBe(hex);
    expect(fromBinary(type, hexToBytes(hex))).toEqual(value);
  });

  test("reads bounds written before a promotion by their length", () => {
    expect(fromBinary(t("long"), toBinary(t("int"), -5))).toBe(-5n);
    expect(fromBinary(t("double"), toBinary(t("float"), 0.5))).toBe(0.5);
    const day = canonicalValue(t("date"), "2017-11-16") as number;
    expect(fromBinary(t("timestamp"), toBinary(t("date"), day))).toBe(
      canonicalValue(t("timestamp"), "2017-11-16"),
    );
    expect(fromBinary(t("timestamp_ns"), toBinary(t("date"), day))).toBe(
      canonicalValue(t("timestamp_ns"), "2017-11-16"),
    );
  });

  test("refuses bytes of a length that no type has", () => {
    expect(() => fromBinary(t("long"), new Uint8Array(3))).toThrow(/3 bytes/);
    expect(() => fromBinary(t("uuid"), new Uint8Array(15))).toThrow(/uuid/);
  });

  test("writes nested defaults by field id, as arrays, and as keys and values", () => {
    const struct = {
      type: "struct",
      fields: [
        { id: 1, name: "a", required: true, type: { type: "int" } },
        { id: 2, name: "b", required: true, type: { type: "string" } },
      ],
    } as const;
    expect(stringifyJson(toJsonValue(struct, { a: 1, b: "bar" }))).toBe('{"1":1,"2":"bar"}');
    const map = {
      type: "map",
      keyId: 1,
      key: { type: "string" },
      valueId: 2,
      valueRequired: true,
      value: { type: "int" },
    } as const;
    const value = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    expect(stringifyJson(toJsonValue(map, value))).toBe('{"keys":["a","b"],"values":[1,2]}');
    expect(fromJsonValue(map, readJson('{"keys":["a","b"],"values":[1,2]}', origin))).toEqual(value);
  });

  test("any value comes back from binary", () => {
    const cases: [PrimitiveType, fc.Arbitrary<PrimitiveValue>][] = [
      [t("int"), fc.integer()],
      [t("long"), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
      [t("double"), fc.double()],
      [t("float"), fc.float()],
      [t("decimal(38,5)"), fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })],
      [t("string"), fc.string({ unit: "binary" })],
      [t("binary"), fc.uint8Array()],
    ];
    for (const [type, values] of cases) {
      fc.assert(
        fc.property(values, (value) => {
          expect(fromBinary(type, toBinary(type, value))).toEqual(value);
        }),
      );
    }
  });
});

describe("decimals", () => {
  test.each([
    ["12.30", 9, 2, 1230n],
    ["-0.01", 9, 2, -1n],
    ["2E+20", 38, 0, 200000000000000000000n],
    ["1.5e-1", 9, 2, 15n],
    [".5", 3, 1, 5n],
    ["12.345", 9, 2, undefined],
    ["1234567.89", 8, 2, undefined],
    ["abc", 9, 2, undefined],
    ["", 9, 2, undefined],
    [".", 9, 2, undefined],
    ["1e9999", 9, 2, undefined],
  ])("%s at precision %s and scale %s is %s", (text, precision, scale, expected) => {
    expect(parseDecimal(text, precision, scale)).toBe(expected);
  });

  test("text and bytes come back exactly, in the fewest bytes", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
        fc.integer({ min: 0, max: 38 }),
        (unscaled, scale) => {
          expect(parseDecimal(formatDecimal(unscaled, scale), 38, scale)).toBe(unscaled);
          const bytes = unscaledToBytes(unscaled);
          expect(unscaledFromBytes(bytes)).toBe(unscaled);
          if (bytes.length > 1) expect(BigInt.asIntN((bytes.length - 1) * 8, unscaled)).not.toBe(unscaled);
        },
      ),
    );
    expect([1, 2, 4, 9, 18, 38].map(decimalRequiredBytes)).toEqual([1, 1, 2, 4, 8, 16]);
  });
});

describe("dates and timestamps", () => {
  test("any day comes back from its text and agrees with Date", () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
        expect(formatDate(days)).toBe(new Date(days * 86_400_000).toISOString().slice(0, 10));
        expect(parseDate(formatDate(days))).toBe(days);
      }),
    );
    expect(parseDate(formatDate(-2_000_000))).toBe(-2_000_000);
  });

  test("any timestamp comes back from its text", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constantFrom("micros" as const, "nanos" as const),
        (value, unit) => {
          expect(parseTimestamp(formatTimestamp(value, unit), unit, false)).toBe(value);
        },
      ),
    );
  });

  test("a time beyond 64 bits of nanoseconds is none, however plainly it is written", () => {
    for (const text of ["2262-04-12T00:00:00", "1677-09-21T00:00:00", "9999-01-01T00:00:00.0"]) {
      expect(parseTimestamp(text, "nanos", false)).toBeUndefined();
      expect(parseTimestamp(`${text}Z`, "nanos", true)).toBeUndefined();
      expect(parseTimestamp(text, "micros", false)).toBe(BigInt(Date.parse(`${text}Z`)) * 1000n);
    }
    expect(parseTimestamp("2262-04-11T23:47:16", "nanos", false)).toBe(9_223_372_036_000_000_000n);
  });

  test.each(["2001-02-30", "2001-13-01", "2001-1-1", "yesterday", "2001-04-31"])("%s is no date", (text) => {
    expect(parseDate(text)).toBeUndefined();
  });

  test("a zone must be there exactly when the type has one, and digits are never dropped", () => {
    expect(canonicalValue(t("timestamp"), "2001-01-01T00:00:00Z")).toBeUndefined();
    expect(canonicalValue(t("timestamptz"), "2001-01-01T00:00:00")).toBeUndefined();
    expect(canonicalValue(t("timestamp"), "2001-01-01T00:00:00.0000001")).toBeUndefined();
    expect(canonicalValue(t("timestamp"), "2001-01-01 10:30")).toBe(978345000000000n);
    expect(canonicalValue(t("timestamptz"), "2001-01-01T00:00:00+05:30")).toBe(978287400000000n);
    expect(canonicalValue(t("timestamp"), new Date(1500))).toBe(1500000n);
    expect(canonicalValue(t("date"), new Date(-86_400_000))).toBe(-1);
    expect(canonicalValue(t("date"), new Date(-1))).toBeUndefined();
    expect(canonicalValue(t("date"), new Date(Number.NaN))).toBeUndefined();
  });
});

describe("order of values", () => {
  test("strings go by the bytes of their UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(Math.sign(compareStrings(a, b))).toBe(
          Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))),
        );
      }),
    );
    expect(compareStrings("\u{1F600}", "\uffff")).toBe(1);
  });

  test("NaN is above everything and zeros are equal", () => {
    const compare = comparatorOf(t("double"));
    expect(compare(Number.NaN, Number.POSITIVE_INFINITY)).toBe(1);
    expect(compare(Number.NaN, Number.NaN)).toBe(0);
    expect(compare(-0, 0)).toBe(0);
  });
});

describe("JSON", () => {
  test("keeps every digit of large integers, in and out", () => {
    const text =
      '{"a":9223372036854775807,"b":[-9007199254740993,1.5],"c":"x: 12345678901234567890, \\"9999999999999999999\\""}';
    const value = parseJson(text);
    expect(value).toEqual({
      a: 9223372036854775807n,
      b: [-9007199254740993n, 1.5],
      c: 'x: 12345678901234567890, "9999999999999999999"',
    });
    expect(stringifyJson(value)).toBe(text);
  });

  test("leaves fractions, exponents and safe integers as numbers", () => {
    const text = "[0.12345678901234567890, 1e300, 9007199254740991, 12345678901234567890.5]";
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test("agrees with JSON.parse on every document, but for the digits of large integers", () => {
    const rounded = (value: unknown): unknown => {
      if (typeof value === "bigint") return Number(value);
      if (Array.isArray(value)) return value.map(rounded);
      if (value === null || typeof value !== "object") return value;
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]));
    };
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(rounded(parseJson(text))).toEqual(rounded(JSON.parse(text)));
      }),
      { numRuns: runs(500) },
    );
  });

  test("refuses what is no JSON, and nesting without end", () => {
    expect(() => parseJson("[01234567890123456789]")).toThrow(SyntaxError);
    expect(() => parseJson("[".repeat(100_000))).toThrow(/deeper/);
    expect(() => parseJson('{"a":')).toThrow(SyntaxError);
    expect(() => parseJson('"abc')).toThrow(SyntaxError);
  });

  test("a string that looks like the scanner's own mark stays a string", () => {
    expect(parseJson('["\\u0000int:x", 12345678901234567890]')).toEqual([
      "\u0000int:x",
      12345678901234567890n,
    ]);
    expect(parseJson('{"__proto__": 12345678901234567890}')).toEqual(
      JSON.parse('{"__proto__": 1}') &&
        Object.defineProperty({}, "__proto__", { value: 12345678901234567890n, enumerable: true }),
    );
  });
});
