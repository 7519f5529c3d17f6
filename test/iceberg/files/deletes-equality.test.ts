import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecordBatch, Struct, vectorFromArray } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { schemaToArrow } from "../../../lib/lakehouse/iceberg/files/arrow/schema.js";
import { writeEqualityDeletes } from "../../../lib/lakehouse/iceberg/files/deletes/equality-delete-writer.js";
import { equalityDeleteSchema } from "../../../lib/lakehouse/iceberg/files/deletes/equality-schema.js";
import { fieldById } from "../../../lib/lakehouse/iceberg/model/schema/lookup.js";
import type { IcebergType, Schema } from "../../../lib/lakehouse/iceberg/model/types/types.js";
import { toBinary } from "../../../lib/lakehouse/iceberg/model/values/single-value.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return "accepted";
}

const field = (id: number, name: string, type: IcebergType, required = false) => ({
  id,
  name,
  required,
  type,
});
const schema: Schema = {
  schemaId: 4,
  identifierFieldIds: [1],
  fields: [
    field(1, "id", { type: "long" }, true),
    field(2, "d9", { type: "decimal", precision: 9, scale: 2 }),
    field(3, "d18", { type: "decimal", precision: 18, scale: 3 }),
    field(4, "d38", { type: "decimal", precision: 38, scale: 4 }),
    field(5, "day", { type: "date" }),
    field(6, "t", { type: "time" }),
    field(7, "ts", { type: "timestamp" }),
    field(8, "tz", { type: "timestamptz" }),
    field(9, "u", { type: "uuid" }),
    field(10, "address", {
      type: "struct",
      fields: [field(11, "zip", { type: "string" }), field(12, "no", { type: "int" })],
    }),
    field(13, "b", { type: "boolean" }),
    field(14, "bin", { type: "binary" }),
    field(15, "i", { type: "int" }),
    field(16, "price", { type: "double" }),
    field(17, "tags", { type: "list", elementId: 18, elementRequired: false, element: { type: "string" } }),
  ],
};
describe("writing equality deletes", () => {
  let folder: string;
  let store: LocalStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "equality-writes-"));
    store = new LocalStore(folder, { durable: false });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const target = { schema, equalityIds: [12, 1], specId: 3, partition: ["ATL"] };
  const shape = schemaToArrow(equalityDeleteSchema(schema, target.equalityIds));
  const rows = [
    { id: 3n, address: { no: 7 } },
    { id: 2n ** 53n + 1n, address: { no: null } },
    { id: -5n, address: null },
  ];
  const batchOf = (values: readonly object[]): RecordBatch => {
    const struct = vectorFromArray(values, new Struct(shape.fields));
    return new RecordBatch(shape, struct.data[0]!);
  };

  test("gives a file with the delete columns, their metrics and the entry's ids", async () => {
    const uri = `${store.root}/eq.parquet`;
    const file = await writeEqualityDeletes(store, uri, [batchOf(rows), batchOf([])], target);
    expect(file).toMatchObject({
      content: "equality-deletes",
      fileFormat: "parquet",
      equalityIds: [12, 1],
      specId: 3,
      partition: ["ATL"],
      recordCount: 3n,
      nullValueCounts: new Map([
        [1, 0n],
        [12, 2n],
      ]),
      lowerBounds: new Map<number, Uint8Array>([
        [1, toBinary({ type: "long" }, -5n)],
        [12, toBinary({ type: "int" }, 7)],
      ]),
    });
    const { columns } = await readFooter(store, uri);
    expect(columns.map(({ node }) => node.fieldId)).toEqual([1, 12]);
  });

  test("without rows gives no file", async () => {
    const uri = `${store.root}/none.parquet`;
    expect(await writeEqualityDeletes(store, uri, [batchOf([])], target)).toBeUndefined();
    expect(await store.head(uri)).toBeUndefined();
  });

  test("of another schema is refused, and leaves no file", async () => {
    const uri = `${store.root}/other.parquet`;
    const write = () => writeEqualityDeletes(store, uri, [batchOf(rows)], { ...target, equalityIds: [1] });
    expect(await codeOf(write)).toBe("SCHEMA_MISMATCH");
    expect(await store.head(uri)).toBeUndefined();
  });
});

describe("the schema of an equality delete file", () => {
  test("is the delete columns and the structs around them, under the table's ids", () => {
    const subset = equalityDeleteSchema(schema, [12, 1]);
    expect(subset.fields.map(({ id, required }) => [id, required])).toEqual([
      [1, true],
      [10, false],
    ]);
    expect(fieldById(subset, 10)?.type).toEqual({
      type: "struct",
      fields: [{ id: 12, name: "no", required: false, type: { type: "int" } }],
    });
    expect(subset.identifierFieldIds).toEqual([]);
  });

  test.each([
    ["no columns", []],
    ["an unknown column", [99]],
    ["a double", [16]],
    ["a struct", [10]],
    ["a list", [17]],
    ["an element of a list", [18]],
  ])("refuses %s", async (_, ids) => {
    expect(await codeOf(() => equalityDeleteSchema(schema, ids))).toBe("INVALID_ARGUMENT");
  });
});
