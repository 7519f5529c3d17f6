import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { structToAvro } from "../../../lib/lakehouse/iceberg/files/avro/from-iceberg.js";
import {
  and,
  bucket,
  createNameMapping,
  eq,
  gt,
  identity,
  nameMappingToJson,
} from "../../../lib/lakehouse/iceberg/index.js";
import { field, schemaOf } from "../support/adopted-tables.js";
import { simple, tables } from "../support/awkward-tables.js";

describe("names", () => {
  test("that differ by case alone are different columns, at every depth", async () => {
    const schema = schemaOf(
      field(1, "a", "int"),
      field(2, "A", "string"),
      field(3, "s", { type: "struct", fields: [field(4, "x", "int"), field(5, "X", "string")] }),
      field(6, "l", {
        type: "list",
        elementId: 7,
        elementRequired: false,
        element: { type: "struct", fields: [field(8, "y", "int"), field(9, "Y", "int")] },
      }),
    );
    const row = { a: 1, A: "one", s: { x: 2, X: "two" }, l: [{ y: 3, Y: 4 }] };
    const table = await (await tables.create(schema)).append([row, { ...row, a: 5, A: "five" }]);
    expect(await tables.rows(table, { filter: and(eq("a", 1), eq("A", "one"), eq("s.X", "two")) })).toEqual([
      row,
    ]);
    expect(await tables.rows(table, { select: ["A", "s.X"], filter: eq("a", 5) })).toEqual([
      { A: "five", s: { X: "two" } },
    ]);
    expect(() => table.scan({ select: ["S"] })).toThrow(expect.objectContaining({ code: "INVALID_SCHEMA" }));
  });

  test("may be those that the reader uses itself", async () => {
    const names = [
      "file_row_number",
      "file_index",
      "filename",
      "p0",
      "f",
      "c1",
      "_POS",
      "select",
      "a.b",
      "ü",
      'x"y',
    ];
    const schema = schemaOf(...names.map((name, i) => field(i + 1, name, "int")));
    const row = Object.fromEntries(names.map((name, i) => [name, i]));
    const table = await (await tables.create(schema)).append([row, row]);
    const deleted = await table.deleteRows(eq("file_row_number", 7));
    expect(await tables.rows(deleted)).toEqual([row, row]);
    expect(await tables.rows(table, { filter: and(eq("a.b", 8), eq('x"y', 10)), limit: 1 })).toEqual([row]);
  });
});

describe("files of other writers", () => {
  test.each(["snappy", "zstd", "gzip", "lz4", "lz4_raw", "brotli", "uncompressed"])(
    "compressed with %s",
    async (codec) => {
      const file = await tables.parquet(
        "select i::bigint as id, 'n' || i as name from range(3) t(i)",
        `codec ${codec}, field_ids {id: 1, name: 2}`,
      );
      const table = await tables.with(await tables.create(simple), file);
      expect(await tables.rows(table)).toEqual([0, 1, 2].map((i) => ({ id: i, name: `n${i}` })));
    },
  );

  test("without field ids, by the order of their columns", async () => {
    const file = await tables.parquet("select 7::int as was_id, 'x' as was_name");
    expect(await tables.rows(await tables.with(await tables.create(simple), file))).toEqual([
      { id: 7, name: "x" },
    ]);
  });

  test("without field ids, by the name mapping, in lists and maps too", async () => {
    const schema = schemaOf(
      field(11, "id", "long"),
      field(12, "l", {
        type: "list",
        elementId: 13,
        elementRequired: false,
        element: { type: "struct", fields: [field(14, "q", "int")] },
      }),
      field(15, "m", {
        type: "map",
        keyId: 16,
        key: { type: "string" },
        valueId: 17,
        valueRequired: false,
        value: { type: "struct", fields: [field(18, "z", "int")] },
      }),
    );
    const file = await tables.parquet(
      "select [{'old_q': 1::int}] as l, map {'k': {'old_z': 2::int}} as m, 5::bigint as number, 0 as extra",
    );
    const table = await tables.with(await tables.create(schema), file);
    const mapping = nameMappingToJson(createNameMapping(table.schema))
      .replace('["id"]', '["id","number"]')
      .replace('["q"]', '["old_q"]')
      .replace('["z"]', '["old_z"]');
    const path = await tables.edited(table, "v7.metadata.json", (json) => {
      json.properties = { "schema.name-mapping.default": mapping };
    });
    expect(await tables.read(path)).toEqual([{ id: 5, l: [{ q: 1 }], m: [["k", { z: 2 }]] }]);
  });

  test("with timestamps of 96 bits", async () => {
    const file = await tables.bytes(Buffer.from(INT96, "base64"), { recordCount: 3n });
    const local = await tables.with(await tables.create(schemaOf(field(1, "at", "timestamp"))), file);
    expect(await tables.rows(local)).toEqual([
      { at: "2024-03-01T13:33:20.123456" },
      { at: "1811-07-23T15:06:40.000000" },
      { at: null },
    ]);
    const zoned = await tables.with(await tables.create(schemaOf(field(1, "at", "timestamptz"))), file);
    expect(await tables.rows(zoned, { filter: gt("at", "2000-01-01T00:00:00+00:00") })).toEqual([
      { at: "2024-03-01T13:33:20.123456+00:00" },
    ]);
  });

  test("that leave out the columns they are partitioned by", async () => {
    const schema = schemaOf(field(1, "id", "long"), field(2, "day", "string"), field(3, "n", "int"));
    const table = await tables.create(schema, { partitionSpec: [identity("day"), bucket("id", 4)] });
    const some = (partition: [string | null, number]) =>
      tables.parquet("select 1::bigint as id, 9::int as n", "field_ids {id: 1, n: 3}", { partition });
    const both = await tables.with(table, await some(["2024/01", 0]), await some([null, 0]));
    expect(await tables.rows(both, { filter: eq("n", 9) })).toEqual([
      { id: 1, day: "2024/01", n: 9 },
      { id: 1, day: null, n: 9 },
    ]);
    expect(await tables.rows(both, { filter: eq("day", "2024/01"), select: ["day"] })).toEqual([
      { day: "2024/01" },
    ]);
  });

  test("in Avro, evolved since", async () => {
    const old = schemaOf(
      field(1, "id", "int"),
      field(2, "gone", "string"),
      field(3, "price", { type: "decimal", precision: 9, scale: 2 }),
      field(4, "key", "uuid"),
      field(5, "at", "timestamptz"),
      field(6, "s", { type: "struct", fields: [field(7, "old", "float")] }),
      field(8, "l", { type: "list", elementId: 9, elementRequired: false, element: { type: "date" } }),
      field(10, "m", {
        type: "map",
        keyId: 11,
        key: { type: "int" },
        valueId: 12,
        valueRequired: false,
        value: { type: "string" },
      }),
    );
    const created = await tables.create(old);
    const { fields } = created.schema;
    const writer = new AvroWriter(structToAvro({ type: "struct", fields }, "table"), {});
    for (let i = 0; i < 3; i++) {
      writer.write({
        id: i,
        gone: "x",
        price: Buffer.from("000004e2", "hex"),
        key: Buffer.from("00112233445566778899aabbccddeeff", "hex"),
        at: 1709300000123456n,
        s: { old: 1.5 },
        l: [19783, null],
        m: new Map([[7, "seven"]]),
      });
    }
    writer.write({ id: null, gone: null, price: null, key: null, at: null, s: null, l: null, m: null });
    const file = await tables.bytes(writer.finish(), { fileFormat: "avro", recordCount: 4n });
    const table = await tables.with(created, file);
    const path = await tables.edited(table, "v7.metadata.json", (json) => {
      const [first] = json.schemas as { fields: { id: number; name: string; type: unknown }[] }[];
      const fields = first?.fields.filter(({ name }) => name !== "gone") ?? [];
      for (const each of fields) {
        if (each.name === "id") each.type = "long";
        if (each.name === "price") each.type = "decimal(20, 2)";
        if (each.name === "key") each.name = "renamed";
      }
      (json.schemas as unknown[])[0] = { ...first, fields };
    });
    const [one, , , empty] = await tables.read(path);
    expect(one).toEqual({
      id: 0,
      price: "12.50",
      renamed: "00112233-4455-6677-8899-aabbccddeeff",
      at: "2024-03-01T13:33:20.123456+00:00",
      s: { old: 1.5 },
      l: ["2024-03-01", null],
      m: [[7, "seven"]],
    });
    expect(new Set(Object.values(empty as object))).toEqual(new Set([null]));
    expect(await tables.read(path, {}, { select: ["id", "_pos"], filter: gt("id", 1) })).toEqual([
      { id: 2, _pos: 2 },
    ]);
  });

  test("of formats that are not read are refused", async () => {
    const file = await tables.bytes(new Uint8Array(20), { fileFormat: "orc" });
    await expect(tables.rows(await tables.with(await tables.create(simple), file))).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
    });
  });

  test("that are damaged or gone are told, never passed over", async () => {
    const whole = await tables.parquet(
      "select i::bigint as id, md5(i::varchar) as name from range(100000) t(i)",
      "codec gzip, field_ids {id: 1, name: 2}",
    );
    const bytes = await readFile(whole.filePath.slice("file://".length));
    bytes.fill(0x5a, bytes.length / 2, bytes.length / 2 + 2000);
    const damaged = await tables.with(
      await tables.create(simple),
      await tables.bytes(bytes, { recordCount: 100000n }),
    );
    await expect(tables.rows(damaged)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
    const gone = await tables.with(await tables.create(simple), {
      ...whole,
      filePath: `${whole.filePath}.gone`,
    });
    await expect(tables.rows(gone)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    const cut = await tables.bytes((await readFile(whole.filePath.slice(7))).subarray(0, 5000), {
      recordCount: 1n,
    });
    await expect(tables.rows(await tables.with(await tables.create(simple), cut))).rejects.toMatchObject({
      code: "CORRUPT_FILE",
    });
  });
});

/** One column `at` of INT96 without a field id: 2024-03-01T13:33:20.123456789, 1811-07-23T15:06:40, null; by Arrow C++. */
const INT96 =
  "UEFSMRUAFTwVPCwVBhUAFQYVBhwAAAACAAAAAwMVDQYqYiwAANOKJQAAAK38eTEAAH1bJAAVBBksNQAYBnNjaGVtYRUCABUGJQIYAmF0ABYGGRwZHCYAHBUGGSUGABkYAmF0FQAWBhZiFmImCEkcFQAVABUCADwpBhkmAgQAAAAWYhYGJggWYgAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGRwcAAAAfAAAAFBBUjE=";
