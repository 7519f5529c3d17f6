// What an Arrow schema becomes: read back by our own footer, and by another implementation as the same Arrow types.
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fileLayout } from "../../../lib/lakehouse/parquet/encode/layout.js";
import { FIELD_ID_KEY } from "../../../lib/lakehouse/parquet/format/arrow-data.js";
import {
  leafColumns,
  type ParquetNode,
  readSchemaTree,
} from "../../../lib/lakehouse/parquet/format/schema.js";
import { writeParquet } from "../../../lib/lakehouse/parquet/writer.js";
import { runs } from "../../support/runs.js";
import { MemoryStore } from "../support/memory-store.js";
import { anyColumn, LEAVES } from "../support/random-columns.js";
import { rustRead } from "../support/rust.js";

const uri = "mem://test/x.parquet";

function treeOf(...fields: arrow.Field[]): ParquetNode {
  const { elements } = fileLayout(new arrow.Schema(fields));
  return readSchemaTree(
    elements.flatMap((element) => (element.type === "struct" ? [element.value] : [])),
    "schema",
  );
}

/** `physical(length) logical`, as one line. */
function described(type: arrow.DataType, metadata?: Map<string, string>): string {
  const [{ node } = { node: undefined }] = leafColumns(treeOf(new arrow.Field("c", type, true, metadata)));
  const { kind, ...more } = node?.logicalType ?? { kind: "none" };
  const length = node?.typeLength === undefined ? "" : `(${node.typeLength})`;
  return [`${node?.physicalType}${length}`, kind, ...Object.values(more)].join(" ");
}

describe("a leaf", () => {
  test.each([
    [new arrow.Bool(), "BOOLEAN none"],
    [new arrow.Int8(), "INT32 int 8 true"],
    [new arrow.Int16(), "INT32 int 16 true"],
    [new arrow.Int32(), "INT32 none"],
    [new arrow.Int64(), "INT64 none"],
    [new arrow.Uint8(), "INT32 int 8 false"],
    [new arrow.Uint16(), "INT32 int 16 false"],
    [new arrow.Uint32(), "INT32 int 32 false"],
    [new arrow.Uint64(), "INT64 int 64 false"],
    [new arrow.Float32(), "FLOAT none"],
    [new arrow.Float64(), "DOUBLE none"],
    [new arrow.DateDay(), "INT32 date"],
    [new arrow.TimeMillisecond(), "INT32 time millis false"],
    [new arrow.TimeMicrosecond(), "INT64 time micros false"],
    [new arrow.TimeNanosecond(), "INT64 time nanos false"],
    [new arrow.TimestampMillisecond(), "INT64 timestamp millis false"],
    [new arrow.TimestampMicrosecond("UTC"), "INT64 timestamp micros true"],
    [new arrow.TimestampNanosecond("UTC"), "INT64 timestamp nanos true"],
    [new arrow.Utf8(), "BYTE_ARRAY string"],
    [new arrow.LargeUtf8(), "BYTE_ARRAY string"],
    [new arrow.Binary(), "BYTE_ARRAY none"],
    [new arrow.LargeBinary(), "BYTE_ARRAY none"],
    [new arrow.FixedSizeBinary(16), "FIXED_LEN_BYTE_ARRAY(16) none"],
    [new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), "BYTE_ARRAY string"],
  ] as [arrow.DataType, string][])("of Arrow type %s", (type, expected) => {
    expect(described(type)).toBe(expected);
  });

  test("of decimals takes the fewest bytes that hold each precision", () => {
    for (let precision = 1; precision <= 38; precision++) {
      const bytes = [...Array(16).keys()]
        .map((n) => n + 1)
        .find((n) => 2n ** BigInt(8 * n - 1) > 10n ** BigInt(precision) - 1n);
      const physical =
        precision <= 9 ? "INT32" : precision <= 18 ? "INT64" : `FIXED_LEN_BYTE_ARRAY(${bytes})`;
      expect(described(new arrow.Decimal(1, precision, 128))).toBe(`${physical} decimal 1 ${precision}`);
    }
  });

  test("is a UUID where Arrow's extension says so and the length is right", () => {
    const uuid = new Map([["ARROW:extension:name", "arrow.uuid"]]);
    expect(described(new arrow.FixedSizeBinary(16), uuid)).toBe("FIXED_LEN_BYTE_ARRAY(16) uuid");
    expect(described(new arrow.FixedSizeBinary(15), uuid)).toBe("FIXED_LEN_BYTE_ARRAY(15) none");
  });

  test.each([
    new arrow.Null(),
    new arrow.Float16(),
    new arrow.Decimal(1, 10, 256),
    new arrow.DateMillisecond(),
    new arrow.TimeSecond(),
    new arrow.TimestampSecond(),
    new arrow.IntervalDayTime(),
    new arrow.DurationSecond(),
    new arrow.Struct([]),
  ])("of Arrow type %s has no place, at any depth", (type) => {
    const refusal = expect.objectContaining({
      code: "UNSUPPORTED_FEATURE",
      subject: expect.stringContaining("c"),
    });
    expect(() => fileLayout(new arrow.Schema([new arrow.Field("c", type)]))).toThrow(refusal);
    const list = new arrow.List(new arrow.Field("element", type, true));
    expect(() => fileLayout(new arrow.Schema([new arrow.Field("c", list)]))).toThrow(refusal);
  });
});

describe("a schema", () => {
  const ids = (field: arrow.Field): (string | undefined)[] => {
    const below = (field.type.children ?? []) as arrow.Field[];
    // The entries of a map are no field of their own.
    const parts = arrow.DataType.isMap(field.type) ? (below[0]!.type.children as arrow.Field[]) : below;
    return [field.metadata.get(FIELD_ID_KEY), ...parts.flatMap(ids)];
  };
  const nodeIds = (node: ParquetNode): number[] => [
    ...(node.fieldId === undefined ? [] : [node.fieldId]),
    ...node.children.flatMap(nodeIds),
  ];

  test("keeps field ids and the order of columns at every depth, and levels as the footer counts them", () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.nat(3), { minLength: 1, maxLength: 5 })
          .chain((depths) => fc.tuple(...depths.map((depth, i) => anyColumn(`c${i}`, depth)))),
        (all) => {
          const fields = all.map(({ field }) => field);
          const tree = treeOf(...fields);
          expect(tree.children.map(({ name }) => name)).toEqual(fields.map(({ name }) => name));
          expect(nodeIds(tree)).toEqual(fields.flatMap(ids).map(Number));
          const { leaves } = fileLayout(new arrow.Schema(fields));
          expect(
            leafColumns(tree).map(({ path, maxDefinition, maxRepetition, node }) => [
              path,
              maxDefinition,
              maxRepetition,
              node.physicalType,
            ]),
          ).toEqual(
            leaves.map(({ path, maxDefinition, maxRepetition, physicalType }) => [
              path,
              maxDefinition,
              maxRepetition,
              physicalType,
            ]),
          );
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("is read by another implementation as the same types, nullable where they were", async () => {
    const fields = LEAVES.flatMap(([, type], i) => [
      new arrow.Field(`r${i}`, type, false),
      new arrow.Field(`o${i}`, type, true),
    ]);
    const store = new MemoryStore();
    await writeParquet(store, uri, new arrow.Schema(fields), []);
    const { schema } = rustRead(store.objects.get(uri)!);
    const line = ({ name, type, nullable }: arrow.Field) => `${name} ${type} ${nullable}`;
    expect(schema.fields.map(line)).toEqual(fields.map(line));
  });
});
