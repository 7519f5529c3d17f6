import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AvroWriter } from "../../../lib/lakehouse/iceberg/files/avro/container.js";
import { structToAvro } from "../../../lib/lakehouse/iceberg/files/avro/from-iceberg.js";
import {
  and,
  bucket,
  createNameMapping,
  type Expression,
  encodeVariant,
  eq,
  gt,
  gtEq,
  identity,
  isIn,
  isNaN as isNotANumber,
  isNull,
  lt,
  ltEq,
  nameMappingToJson,
  not,
  notNull,
  openTable,
  or,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { AdoptedTables, field, schemaOf } from "../support/adopted-tables.js";

let tables: AdoptedTables;
beforeAll(async () => {
  tables = await AdoptedTables.open();
});
afterAll(() => tables.close());

const simple = schemaOf(field(1, "id", "long"), field(2, "name", "string"));
const two = [
  { id: 1, name: "a" },
  { id: 2, name: "b" },
];
const filled = async (): Promise<Table> =>
  (await tables.create(simple)).append(two.map((row) => ({ ...row, id: BigInt(row.id) })));
const folderOf = (table: Table) => table.location.slice("file://".length);

describe("a table is opened", () => {
  test("by its folder, its metadata folder and its metadata file, in any spelling", async () => {
    const table = await filled();
    const folder = folderOf(table);
    const file = table.metadataLocation.slice("file://".length);
    for (const location of [
      folder,
      `${folder}/`,
      `${folder}/metadata`,
      file,
      `file:${file}`,
      `file://${file}`,
    ]) {
      expect(await tables.read(location), location).toEqual(two);
    }
  });

  test("at the version that the hint names, else at the highest", async () => {
    const table = await filled();
    const metadata = join(folderOf(table), "metadata");
    const empty = await tables.edited(table, "v12.metadata.json", (json) => {
      json["current-snapshot-id"] = -1;
      json.snapshots = [];
      json.refs = {};
      json["snapshot-log"] = [];
    });
    await tables.copy(table.metadataLocation.slice("file://".length), join(metadata, "v9.metadata.json"));
    expect(await tables.read(folderOf(table))).toEqual([]);
    for (const hint of ["9\n", "v9", "v9.metadata.json"]) {
      await writeFile(join(metadata, "version-hint.text"), hint);
      expect(await tables.read(folderOf(table)), hint).toEqual(two);
    }
    await writeFile(join(metadata, "version-hint.text"), "77");
    expect((await openTable(folderOf(table))).metadataLocation).toBe(`file://${empty}`);
  });

  test("from gzip, under both names", async () => {
    const table = await filled();
    const bytes = gzipSync(await readFile(table.metadataLocation.slice("file://".length)));
    for (const name of ["v3.gz.metadata.json", "v4.metadata.json.gz"]) {
      const path = join(folderOf(table), "metadata", name);
      await writeFile(path, bytes);
      expect(await tables.read(path)).toEqual(two);
      expect((await openTable(folderOf(table))).metadataLocation).toBe(`file://${path}`);
    }
  });

  test("where it was moved to, whatever scheme its metadata names it by", async () => {
    const table = await filled();
    const moved = join(tables.dir, "moved 100%41 here");
    await rename(folderOf(table), moved);
    for (const place of [moved, `file:${moved}`]) {
      expect(await tables.read(place)).toEqual(two);
      expect(await tables.read(place, { moved: true })).toEqual(two);
    }
  });

  test("with relative locations, from the current directory", async () => {
    const table = await filled();
    const here = process.cwd();
    const relative = await tables.edited(table, "v5.metadata.json", (json) => {
      json.location = "elsewhere/t";
      for (const snapshot of json.snapshots as Record<string, string>[]) {
        const name = snapshot["manifest-list"]?.split("/").at(-1);
        snapshot["manifest-list"] = `./elsewhere/t/metadata/${name}`;
      }
    });
    expect(await tables.read(relative, { moved: true })).toEqual(two);
    expect(process.cwd()).toBe(here);
  });

  test("or not, with a word on what is wrong", async () => {
    await expect(openTable(join(tables.dir, "nothing"))).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    await expect(openTable(join(tables.dir, "v1.metadata.json"))).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    const table = await filled();
    const broken = await tables.edited(table, "v8.metadata.json", (json) => {
      json["current-schema-id"] = 7;
    });
    await expect(openTable(broken)).rejects.toMatchObject({ code: "INVALID_METADATA" });
    await expect(
      table.commitFiles({ operation: "append" }).then(() => openTable(tables.dir)),
    ).rejects.toThrow();
  });
});

describe("version 1", () => {
  test("lists manifests inline and knows no sequence numbers", async () => {
    const table = await filled();
    const [manifest] = await table.inspect.manifests();
    const path = await tables.edited(table, "v1.metadata.json", (json) => {
      json["format-version"] = 1;
      json.schema = (json.schemas as unknown[])[0];
      json["partition-spec"] = [];
      for (const key of ["schemas", "partition-specs", "last-sequence-number", "refs", "table-uuid"])
        delete json[key];
      for (const snapshot of json.snapshots as Record<string, unknown>[]) {
        delete snapshot["manifest-list"];
        delete snapshot["sequence-number"];
        snapshot.manifests = [manifest?.path];
      }
    });
    expect(await tables.read(path)).toEqual(two);
  });

  test.each([-1, null, undefined])("has no snapshot when the current one is %s", async (current) => {
    const path = await tables.edited(await tables.create(simple), "v1.metadata.json", (json) => {
      if (current === undefined) delete json["current-snapshot-id"];
      else json["current-snapshot-id"] = current;
    });
    expect(await tables.read(path)).toEqual([]);
  });
});

describe("values", () => {
  const everything = schemaOf(
    field(1, "b", "boolean"),
    field(2, "l", "long"),
    field(3, "f", "float"),
    field(4, "d", "double"),
    field(5, "dec", { type: "decimal", precision: 38, scale: 10 }),
    field(6, "date", "date"),
    field(7, "time", "time"),
    field(8, "ts", "timestamp"),
    field(9, "tz", "timestamptz"),
    field(10, "ns", "timestamp_ns"),
    field(11, "nz", "timestamptz_ns"),
    field(12, "u", "uuid"),
    field(13, "fx", { type: "fixed", length: 3 }),
    field(14, "bin", "binary"),
    field(15, "none", "unknown"),
    field(16, "v", "variant"),
    field(17, "g", "geometry"),
    field(18, "st", { type: "struct", fields: [field(19, "at", "timestamptz_ns"), field(20, "n", "int")] }),
    field(21, "m", {
      type: "map",
      keyId: 22,
      key: { type: "string" },
      valueId: 23,
      valueRequired: false,
      value: { type: "uuid" },
    }),
  );
  const uuid = "00112233-4455-6677-8899-aabbccddeeff";
  const point = "0101000000000000000000f03f0000000000000040";
  let table: Table;
  beforeAll(async () => {
    table = await (await tables.create(everything, { formatVersion: 3 })).append([
      {
        b: true,
        l: 9007199254740993n,
        f: 0.1,
        d: Number.NaN,
        dec: "1234567890123456789012345678.0123456789",
        date: "2024-03-01",
        time: "13:33:20.000001",
        ts: "2024-03-01T13:33:20.123456",
        tz: "2024-03-01T13:33:20.123456+00:00",
        ns: "2024-03-01T13:33:20.123456789",
        nz: "2024-03-01T13:33:20.123456789+00:00",
        u: uuid,
        fx: new Uint8Array([1, 2, 255]),
        bin: new Uint8Array([0]),
        v: encodeVariant({ a: [1, null, "x"], b: 9007199254740993n }),
        g: Buffer.from(point, "hex"),
        st: { at: "1969-12-31T23:59:59.999999999+00:00", n: 1 },
        m: new Map([
          ["k", uuid],
          ["z", null],
        ]),
      },
      {},
    ]);
  });

  test("of every type come out exactly", async () => {
    const [full, empty] = await tables.rows(table);
    expect(full).toEqual({
      b: true,
      l: "9007199254740993",
      f: 0.1,
      d: "NaN",
      dec: "1234567890123456789012345678.0123456789",
      date: "2024-03-01",
      time: "13:33:20.000001",
      ts: "2024-03-01T13:33:20.123456",
      tz: "2024-03-01T13:33:20.123456+00:00",
      ns: "2024-03-01T13:33:20.123456789",
      nz: "2024-03-01T13:33:20.123456789+00:00",
      u: uuid,
      fx: "0102ff",
      bin: "00",
      none: null,
      v: { a: [1, null, "x"], b: "9007199254740993" },
      g: point,
      st: { at: "1969-12-31T23:59:59.999999999+00:00", n: 1 },
      m: [
        ["k", uuid],
        ["z", null],
      ],
    });
    expect(new Set(Object.values(empty as object))).toEqual(new Set([null]));
  });

  test.each<[string, Expression]>([
    ["b", eq("b", true)],
    ["b = true", eq("b", true)],
    ["l = 9007199254740993", eq("l", 9007199254740993n)],
    ["f < 0.2", lt("f", 0.2)],
    ["isnan(d)", isNotANumber("d")],
    ["d > 1e308", gt("d", 1e308)],
    ["dec = 1234567890123456789012345678.0123456789", eq("dec", "1234567890123456789012345678.0123456789")],
    [
      "date between '2024-02-29' and '2024-03-01'",
      and(gtEq("date", "2024-02-29"), ltEq("date", "2024-03-01")),
    ],
    ["time = '13:33:20.000001'", eq("time", "13:33:20.000001")],
    ["ts >= '2024-03-01T13:33:20.123456'", gtEq("ts", "2024-03-01T13:33:20.123456")],
    ["tz = '2024-03-01T14:33:20.123456+01:00'", eq("tz", "2024-03-01T14:33:20.123456+01:00")],
    ["ns = '2024-03-01T13:33:20.123456789'", eq("ns", "2024-03-01T13:33:20.123456789")],
    ["nz > '2024-03-01T13:33:20.123456788+00:00'", gt("nz", "2024-03-01T13:33:20.123456788+00:00")],
    [`u in ('${uuid}')`, isIn("u", [uuid])],
    ["fx = '\\x01\\x02\\xff'", eq("fx", Uint8Array.of(1, 2, 255))],
    ["bin = '\\x00'", eq("bin", Uint8Array.of(0))],
    ["st.n = 1", eq("st.n", 1)],
    ["st.at < '1970-01-01T00:00:00+00:00'", lt("st.at", "1970-01-01T00:00:00+00:00")],
    [
      "v is not null and g is not null and none is null and m is not null",
      and(notNull("v"), notNull("g"), isNull("none"), notNull("m")),
    ],
    ["not (l < 0)", not(lt("l", 0))],
    ["b is true and not (l = 5 or f > 1)", and(eq("b", true), not(or(eq("l", 5), gt("f", 1))))],
  ])("are found by %s, in SQL and as an expression, and nulls are not", async (where, filter) => {
    const found = [{ l: "9007199254740993" }];
    expect(await tables.rows(table, { select: ["l"], filter })).toEqual(found);
    expect(await tables.rows(table, { select: ["l"], where })).toEqual(found);
  });

  test("are found by any other SQL predicate too", async () => {
    for (const where of [
      "upper(hex(bin)) = '00'",
      "l % 2 = 1",
      "st.n + 1 = 2",
      "cast(date as varchar) like '%-03-%'",
    ]) {
      expect(await tables.rows(table, { select: ["b"], where }), where).toEqual([{ b: true }]);
    }
    await expect(tables.rows(table, { where: "nosuch > 1" })).rejects.toMatchObject({ code: "INVALID_SQL" });
  });

  test("are given with where their rows are", async () => {
    const [row] = await tables.rows(table, {
      select: ["b", "_pos", "_row_id", "_file"],
      filter: eq("b", true),
    });
    expect(row).toMatchObject({ b: true, _pos: 0, _row_id: 0 });
    expect((row as { _file: string })._file).toMatch(/\/data\/.*\.parquet$/);
  });
});

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
