// Levels (parquet-format, "Nested Encoding"), against a walk over plain values, one at a time.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena, gather, gatheredBytes } from "../../../lib/lakehouse/parquet/encode/buffers.js";
import {
  type ColumnTree,
  fileLayout,
  type LeafColumn,
} from "../../../lib/lakehouse/parquet/encode/layout.js";
import { NullInRequired, shred } from "../../../lib/lakehouse/parquet/encode/shred.js";
import {
  leafValues,
  plainSize,
  valueBytes,
  writePlain,
} from "../../../lib/lakehouse/parquet/encode/values.js";
import { leafColumns, readSchemaTree } from "../../../lib/lakehouse/parquet/format/schema.js";
import { runs } from "../../support/runs.js";
import { plainBytes } from "../support/naive-pages.js";
import { build, type Plain } from "../support/plain-values.js";
import { anyColumn, type Column, columnOf, LEAVES } from "../support/random-columns.js";

interface Level {
  readonly repetition: number;
  readonly definition: number;
  readonly value: Plain;
}

/** The levels of one leaf, by the definition: how many of the repeated and optional nodes above are there. */
function levelsOf(field: arrow.Field, path: readonly string[], rows: readonly Plain[]): Level[] {
  const found: Level[] = [];
  const walk = (
    at: arrow.Field,
    rest: readonly string[],
    value: Plain,
    repetition: number,
    definition: number,
    depth: number,
  ): void => {
    if (value === null) {
      found.push({ repetition, definition, value: null });
      return;
    }
    const own = definition + (at.nullable ? 1 : 0);
    const { type } = at;
    if (arrow.DataType.isStruct(type)) {
      const child = type.children.find(({ name }) => name === rest[0])!;
      walk(child, rest.slice(1), (value as { [name: string]: Plain })[child.name]!, repetition, own, depth);
      return;
    }
    const isMap = arrow.DataType.isMap(type);
    if (!isMap && !arrow.DataType.isList(type) && !arrow.DataType.isFixedSizeList(type)) {
      found.push({ repetition, definition: own, value });
      return;
    }
    const items = value as Plain[];
    if (items.length === 0) found.push({ repetition, definition: own, value: null });
    items.forEach((item, i) => {
      const level = i === 0 ? repetition : depth + 1;
      if (!isMap) walk(type.children[0]!, rest.slice(2), item, level, own + 1, depth + 1);
      else {
        const [key, of] = (type.children[0]!.type as arrow.Struct).children as [arrow.Field, arrow.Field];
        const isKey = rest[1] === "key";
        const [part, name] = isKey
          ? [(item as Plain[])[0]!, key.clone({ nullable: false })]
          : [(item as Plain[])[1]!, of];
        walk(name as arrow.Field, rest.slice(2), part, level, own + 1, depth + 1);
      }
    });
  };
  for (const row of rows) walk(field, path.slice(1), row, 0, 0, 0);
  return found;
}

/** The rows of a column, cut into batches of so many, end to end as the encoder takes them. */
function gathered({ field }: Column, rows: readonly Plain[], batchRows: number) {
  const whole = build(field.type, rows);
  const parts: arrow.Data[] = [];
  for (let at = 0; at < rows.length; at += batchRows)
    parts.push(whole.slice(at, Math.min(batchRows, rows.length - at)));
  const memory = new Uint8Array(gatheredBytes(parts) + 64).fill(0xd6);
  const buffers = gather(parts, new Arena(memory.subarray(0, memory.length - 64)));
  // Nothing is written behind what was asked for.
  expect(memory.subarray(-64).every((byte) => byte === 0xd6)).toBe(true);
  return buffers;
}

const rowsOf = (column: Column) => fc.array(column.value, { minLength: 1, maxLength: 40 });
const anyRows = fc
  .nat(3)
  .chain((depth) => anyColumn("c", depth))
  .chain((column) => fc.tuple(fc.constant(column), rowsOf(column)));

describe("shredding", () => {
  test("gives each leaf of any column the levels that its values have, however the batches are cut", () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 1, max: 40 }), ([column, rows], batchRows) => {
        const { columns, leaves } = fileLayout(new arrow.Schema([column.field]));
        const seen: number[] = [];
        shred(columns[0] as ColumnTree, gathered(column, rows, batchRows), (leaf, stream) => {
          seen.push(leaf);
          const { path, maxDefinition, maxRepetition } = leaves[leaf] as LeafColumn;
          const expected = levelsOf(column.field, path, rows);
          const { count, definitions, repetitions } = stream;
          expect([path, count]).toEqual([path, expected.length]);
          expect([...(definitions ?? new Int32Array(count).fill(maxDefinition))]).toEqual(
            expected.map((l) => l.definition),
          );
          expect([...(repetitions ?? new Int32Array(count))]).toEqual(expected.map((l) => l.repetition));
          expect(repetitions !== undefined).toBe(maxRepetition > 0);
          const present = expected.filter(({ definition }) => definition === maxDefinition).length;
          expect(stream.positions?.length ?? stream.column.length).toBe(present);
        });
        expect(seen).toEqual(leaves.map((_, i) => i));
      }),
      { numRuns: runs(200) },
    );
  });

  test("refuses a null in a required column, at the top, in a struct and in a list, but not below a null", () => {
    const n = (nullable: boolean) => columnOf("n", new arrow.Int32(), fc.constant(0), nullable).field;
    const outer = (type: arrow.DataType) => columnOf("outer", type, fc.constant(0), true);
    const all: [Column, Plain[]][] = [
      [{ field: n(false), value: fc.constant(0) }, [1, null]],
      [outer(new arrow.Struct([n(false)])), [{ n: null }]],
      [outer(new arrow.List(n(false).clone({ name: "element" }))), [[1], [2, null]]],
    ];
    for (const [column, rows] of all) {
      const { columns } = fileLayout(new arrow.Schema([column.field]));
      // Built as if the field were optional: what a careless writer hands over.
      const lax = { ...column, field: optional(column.field) };
      expect(() => shred(columns[0]!, gathered(lax, rows, 10), () => {})).toThrow(NullInRequired);
      if (column.field.nullable) shred(columns[0]!, gathered(column, [null], 10), () => {});
    }
  });
});

/** The field with all below it optional. */
function optional(field: arrow.Field): arrow.Field {
  const { type } = field;
  if (arrow.DataType.isStruct(type))
    return field.clone({ type: new arrow.Struct(type.children.map(optional)), nullable: true });
  if (arrow.DataType.isList(type))
    return field.clone({ type: new arrow.List(optional(type.children[0]!)), nullable: true });
  return field.clone({ nullable: true });
}

describe("the values of a leaf", () => {
  test.each(LEAVES)(
    "of type %s are those of its rows, in the PLAIN encoding, any part of them",
    (_, type, value) => {
      fc.assert(
        fc.property(
          fc
            .boolean()
            .map((nullable) => columnOf("c", type, value, nullable))
            .chain((column) => fc.tuple(fc.constant(column), rowsOf(column))),
          fc.nat(40),
          fc.nat(40),
          fc.integer({ min: 1, max: 40 }),
          ([column, rows], a, b, batchRows) => {
            const layout = fileLayout(new arrow.Schema([column.field]));
            const [leaf] = layout.leaves as [LeafColumn];
            const elements = layout.elements.flatMap((element) =>
              element.type === "struct" ? [element.value] : [],
            );
            const [parquet] = leafColumns(readSchemaTree(elements, "schema"));
            shred(layout.columns[0]!, gathered(column, rows, batchRows), (__, stream) => {
              const values = leafValues(leaf, stream);
              const present = rows.filter((row) => row !== null);
              expect(values.length).toBe(present.length);
              const from = Math.min(a, b, present.length);
              const to = Math.min(Math.max(a, b), present.length);
              const out = new Uint8Array(plainSize(values, from, to) + 3).fill(0xff);
              const end = writePlain(values, from, to, out, 3);
              expect(end).toBe(out.length);
              const written = plainBytes(parquet!, out.subarray(3), to - from);
              expect(written.map((bytes) => decoded(leaf, type, bytes))).toEqual(present.slice(from, to));
              expect(written).toEqual(
                Array.from({ length: to - from }, (___, i) => Uint8Array.from(valueBytes(values, from + i))),
              );
            });
          },
        ),
        { numRuns: runs(25) },
      );
    },
  );
});

/** What the bytes of one value stand for (Encodings.md, "Plain"; LogicalTypes.md). */
function decoded({ physicalType }: LeafColumn, type: arrow.DataType, bytes: Uint8Array): Plain {
  const buffer = Buffer.from(bytes);
  const unsigned = arrow.DataType.isInt(type) && !type.isSigned;
  const isDecimal = arrow.DataType.isDecimal(type);
  switch (physicalType) {
    case "BOOLEAN":
      return buffer[0] === 1;
    case "INT32":
      if (isDecimal) return BigInt(buffer.readInt32LE());
      return unsigned ? buffer.readUInt32LE() : buffer.readInt32LE();
    case "INT64":
      return unsigned ? buffer.readBigUInt64LE() : buffer.readBigInt64LE();
    case "FLOAT":
      return buffer.readFloatLE();
    case "DOUBLE":
      return buffer.readDoubleLE();
    default:
      if (isDecimal) return BigInt.asIntN(8 * buffer.length, BigInt(`0x${buffer.toString("hex")}`));
      return buffer.toString(arrow.DataType.isUtf8(type) ? "utf8" : "hex");
  }
}
