// The Thrift compact protocol, as far as Parquet uses it.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readThriftStruct,
  type ThriftStruct,
  type ThriftValue,
  writeThriftStruct,
} from "../../../lib/lakehouse/parquet/format/thrift.js";
import { writeParquet } from "../../../lib/lakehouse/parquet/writer.js";
import { runs } from "../../support/runs.js";
import { MemoryStore } from "../support/memory-store.js";

const CODES = {
  boolean: 1,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
} as const;
const bits = (count: bigint) => fc.bigInt({ min: -(2n ** (count - 1n)), max: 2n ** (count - 1n) - 1n });
const scalars: Record<string, fc.Arbitrary<ThriftValue>> = {
  boolean: fc.boolean().map((value) => ({ type: "boolean", value })),
  i8: bits(8n).map((value) => ({ type: "i8", value: Number(value) })),
  i16: bits(16n).map((value) => ({ type: "i16", value: Number(value) })),
  i32: bits(32n).map((value) => ({ type: "i32", value: Number(value) })),
  i64: bits(64n).map((value) => ({ type: "i64", value })),
  double: fc.double().map((value) => ({ type: "double", value })),
  binary: fc
    .uint8Array({ maxLength: 20 })
    .map((value) => ({ type: "binary", value: Uint8Array.from(value) })),
};

/** Any struct: fields of each type, ids near each other and far apart, lists short and long, structs in structs. */
function anyStruct(depth: number): fc.Arbitrary<ThriftStruct> {
  const kinds: Record<string, fc.Arbitrary<ThriftValue>> = {
    ...scalars,
    ...(depth > 0 && { struct: anyStruct(depth - 1).map((value) => ({ type: "struct", value })) }),
  };
  const lists = Object.entries(kinds).map(([type, element]) =>
    fc
      .array(element, { maxLength: 20 })
      .map((value): ThriftValue => ({ type: "list", value, elementCode: CODES[type as "i8"] })),
  );
  return fc
    .uniqueArray(
      fc.tuple(
        fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 32_767 })),
        fc.oneof(...Object.values(kinds), ...lists),
      ),
      { selector: ([id]) => id, maxLength: 8 },
    )
    .map((fields) => new Map([...fields].sort(([a], [b]) => a - b)));
}

describe("the Thrift codec", () => {
  test("gives back any struct, and says where it ends", () => {
    fc.assert(
      fc.property(anyStruct(3), fc.uint8Array({ maxLength: 5 }), (struct, after) => {
        const bytes = writeThriftStruct(struct);
        const found = readThriftStruct(Buffer.concat([bytes, after]), "struct");
        expect(found.length).toBe(bytes.length);
        expect(Buffer.compare(writeThriftStruct(found.struct), bytes)).toBe(0);
        expect([...found.struct.keys()]).toEqual([...struct.keys()]);
      }),
      { numRuns: runs(200) },
    );
  });

  test("writes back a footer that it read, byte for byte", async () => {
    const table = new arrow.Table({
      n: arrow.vectorFromArray([1, 2], new arrow.Int32()),
      s: arrow.vectorFromArray(["a", "b"], new arrow.Utf8()),
    });
    const { footer } = await writeParquet(new MemoryStore(), "mem://test/x", table.schema, table.batches);
    const { struct, length } = readThriftStruct(footer.metadata, "footer");
    expect(length).toBe(footer.metadata.length);
    expect(writeThriftStruct(struct)).toEqual(footer.metadata);
  });

  test("refuses every struct that is cut", () => {
    fc.assert(
      fc.property(anyStruct(2), (struct) => {
        const bytes = writeThriftStruct(struct);
        for (let end = 0; end < bytes.length; end++)
          expect(() => readThriftStruct(bytes.subarray(0, end), "cut")).toThrow(
            expect.objectContaining({ code: "CORRUPT_FILE", subject: "cut" }),
          );
      }),
      { numRuns: runs(60) },
    );
  });

  test("reads any bytes or refuses them, in bounded time and memory", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readThriftStruct(bytes, "noise");
        } catch (error) {
          expect(error).toMatchObject({ code: "CORRUPT_FILE" });
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test.each([
    ["a list that claims more elements than there are bytes", [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["bytes that claim a length beyond the end", [0x18, 0xff, 0xff, 0xff, 0x7f, 1]],
    ["an integer of more than 64 bits", [0x16, ...new Array(10).fill(0xff), 1, 0]],
    ["a type that Parquet does not use", [0x1b, 0, 0]],
    ["structs within structs without end", new Array(100).fill(0x1c)],
    ["lists within lists without end", [0x19, ...new Array(100).fill(0x19)]],
  ])("refuses %s", (_, bytes) => {
    expect(() => readThriftStruct(Uint8Array.from(bytes), "x")).toThrow(
      expect.objectContaining({ code: "CORRUPT_FILE" }),
    );
  });
});
