import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  batchConformer,
  type IcebergType,
  type PrimitiveType,
} from "../../../lib/lakehouse/iceberg/index.js";
import { batchOf, conformed, isOne, meaning, schemaOf, sources, targets } from "../support/exact-values.js";

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
