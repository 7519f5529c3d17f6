import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { decodeVariant, type VariantValue } from "../../../lib/lakehouse/iceberg/files/variant/decode.js";
import { encodeVariant, type VariantInput } from "../../../lib/lakehouse/iceberg/files/variant/encode.js";
import { runs } from "../../support/runs.js";

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const EMPTY = "010000";

function outcome(metadata: Uint8Array, value: Uint8Array): string {
  try {
    decodeVariant(metadata, value, "x");
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

describe("variants written by DuckDB", () => {
  const golden: [name: string, metadata: string, value: string, expected: VariantValue][] = [
    [
      "an object with arrays, objects, short and long text",
      "01050001020304056162637879",
      "0203000102000213890c0103030005060b140100000000142c0100000202030400066f1573686f727440640000006c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e67206c6f6e6720",
      { a: 1, b: [1, null, 300], c: { x: "short", y: "long ".repeat(20) } },
    ],
    ["decimal of 4 bytes", EMPTY, "2002ce040000", "12.30"],
    ["decimal of 8 bytes", EMPTY, "240324faffffffffffff", "-1.500"],
    [
      "decimal of 16 bytes",
      EMPTY,
      "28064ef338de509049c4133302f0f6b04909",
      "12345678901234567890123456789012.345678",
    ],
    ["date", EMPTY, "2c474d0000", "2024-03-01"],
    ["timestamp", EMPTY, "340188506b99120600", "2024-03-01T13:33:20.000001"],
    ["timestamp with zone", EMPTY, "300088506b99120600", "2024-03-01T13:33:20.000000+00:00"],
    ["timestamp in nanoseconds", EMPTY, "4c014093324ba7b817", "2024-03-01T13:33:20.000000001"],
    ["time", EMPTY, "44ff5fd71d14000000", "23:59:59.999999"],
    ["binary", EMPTY, "3c0200000000ff", Uint8Array.of(0, 255)],
    ["uuid", EMPTY, "50f79c3e09677c4bbda4793f349cb785e7", "f79c3e09-677c-4bbd-a479-3f349cb785e7"],
    ["a long beyond 2^53", EMPTY, "180100000000002000", 2n ** 53n + 1n],
    ["double", EMPTY, "1c000000000000f83f", 1.5],
    ["float", EMPTY, "3800002040", 2.5],
    ["empty text", EMPTY, "01", ""],
    ["null", EMPTY, "00", null],
    ["arrays within an array", EMPTY, "030200030c030000030100051401000000", [[], [1]]],
  ];
  test.each(golden)("%s", (_, metadata, value, expected) => {
    expect(decodeVariant(unhex(metadata), unhex(value), "golden")).toEqual(expected);
  });
});

const leaf = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 127, -129, 2 ** 31, Number.MAX_SAFE_INTEGER),
  fc.double(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string({ maxLength: 80, unit: "binary" }),
  fc.uint8Array({ maxLength: 20 }),
);
const tree = fc.letrec<{ node: VariantInput }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("node"), { maxLength: 6 }),
    fc.dictionary(fc.string({ maxLength: 5 }), tie("node"), { maxKeys: 6, noNullPrototype: true }),
  ),
})).node;

/** A value as it comes back: an integer's type is told by its size, not by what it was in JavaScript. */
function normal(input: VariantInput): unknown {
  if (typeof input === "bigint") return BigInt.asIntN(32, input) === input ? Number(input) : input;
  if (typeof input === "number") {
    const isLong = Number.isSafeInteger(input) && BigInt.asIntN(32, BigInt(input)) !== BigInt(input);
    return isLong ? BigInt(input) : input;
  }
  if (input === null || typeof input !== "object" || input instanceof Uint8Array || input instanceof Date)
    return input;
  if (Array.isArray(input)) return input.map(normal);
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, normal(value)]));
}

describe("encoding", () => {
  test("gives what decodes to the same value", () => {
    fc.assert(
      fc.property(tree, (input) => {
        const { metadata, value } = encodeVariant(input);
        expect(decodeVariant(metadata, value, "round trip")).toEqual(normal(input));
      }),
      { numRuns: runs(500) },
    );
  });

  test("holds more than 255 fields and elements, a date, a wide integer, and a field named __proto__", () => {
    const wide = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`field ${i}`, i]));
    const back = (input: VariantInput) => {
      const { metadata, value } = encodeVariant(input);
      return decodeVariant(metadata, value, "x");
    };
    expect(back(wide)).toEqual(wide);
    expect(back(Array.from({ length: 70_000 }, () => true))).toEqual(
      Array.from({ length: 70_000 }, () => true),
    );
    expect(back(new Date("2024-03-01T13:33:20Z"))).toBe("2024-03-01T13:33:20.000000+00:00");
    expect(back(10n ** 30n)).toBe("1000000000000000000000000000000");
    expect(Object.entries(back(JSON.parse('{"__proto__":1}')) as object)).toEqual([["__proto__", 1]]);
  });

  test("refuses what no variant can hold", () => {
    const refused = (input: VariantInput): boolean => {
      try {
        encodeVariant(input);
      } catch (error) {
        return isLakehouseError(error, "INVALID_ARGUMENT");
      }
      return false;
    };
    let deep: VariantInput = 1;
    for (let i = 0; i < 600; i++) deep = [deep];
    expect([refused(10n ** 38n), refused(deep), refused(10n ** 38n - 1n)]).toEqual([true, true, false]);
  });
});

describe("bytes that are no variant", () => {
  test.each([
    ["no metadata", "", "00"],
    ["metadata that ends early", "01", "00"],
    ["a dictionary larger than its bytes", "c1ffffffff", "00"],
    ["no value", EMPTY, ""],
    ["a value that ends early", EMPTY, "1c0000"],
    ["text longer than its bytes", EMPTY, "40ffffffff61"],
    ["text that is no UTF-8", EMPTY, "05ff"],
    ["an object with more fields than bytes", EMPTY, "42ffffffff"],
    ["a field without a name", EMPTY, "020100000100"],
    ["an array with more elements than bytes", EMPTY, "13ffffffff"],
    ["an array that contains itself", EMPTY, "0302 fcfcfc".replace(" ", "")],
  ])("%s is refused", (_, metadata, value) => {
    expect(outcome(unhex(metadata), unhex(value))).toBe("CORRUPT_FILE");
  });

  test("another version or an unknown type is refused as such", () => {
    expect(outcome(unhex("020000"), unhex("00"))).toBe("UNSUPPORTED_FEATURE");
    expect(outcome(unhex(EMPTY), unhex("fc"))).toBe("UNSUPPORTED_FEATURE");
  });

  test("values that share bytes are refused before they multiply", () => {
    // Each array holds the next one ten times over: ten to the power of thirty values in 400 bytes.
    let value = unhex("00");
    for (let i = 0; i < 30; i++) value = Buffer.concat([unhex(`030a${"00".repeat(11)}`), value]);
    expect(outcome(unhex(EMPTY), value)).toBe("CORRUPT_FILE");
  });

  test("random and mutated bytes are decoded or refused", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
    const mutate = (bytes: Uint8Array, changes: [number, number][]): Uint8Array => {
      const copy = bytes.slice();
      for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    };
    const mutated = fc.tuple(tree, edits, edits).map(([input, a, b]) => {
      const { metadata, value } = encodeVariant(input);
      return { metadata: mutate(metadata, a), value: mutate(value, b) };
    });
    const random = fc.record({
      metadata: fc.uint8Array({ maxLength: 20 }),
      value: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.oneof(mutated, random), ({ metadata, value }) => {
        expect(["accepted", "CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(outcome(metadata, value));
      }),
      { numRuns: runs(1000) },
    );
  });
});
