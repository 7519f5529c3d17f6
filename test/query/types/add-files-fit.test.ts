import { mkdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  binary,
  date,
  decimal,
  double,
  eq,
  type FormatVersion,
  gt,
  identity,
  int,
  isNull,
  list,
  long,
  map,
  string,
  struct,
  type Table,
  timestamp,
  timestamptz,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import type { ThriftStruct, ThriftValue } from "../../../lib/lakehouse/parquet/format/thrift.js";
import { fileUri, pathOfFile } from "../../../lib/lakehouse/storage/index.js";
import {
  type Columns,
  chunks,
  create,
  duckdb,
  edit,
  element,
  list_,
  refusal,
  rows,
  text,
  withoutStatistics,
  write,
} from "../support/fitting-files.js";
import { catalog, directory, newName, store } from "../support/lake.js";

describe("a file is accepted", () => {
  const accept = async (table: Table, uri: string, options = {}) =>
    (await table.addFiles([uri], options)) as Table;

  test("for what promotion allows, at every depth", async () => {
    const table = await create({
      n: long().optional(),
      l: list(double().optional()).optional(),
      m: map(long(), decimal(18, 2).optional()).optional(),
      s: struct({ u: int().optional(), w: long().optional() }).optional(),
    });
    const uri = await write(
      `SELECT 5 AS n, [1.5::FLOAT, NULL] AS l, MAP {7: 1.25::DECIMAL(9, 2)} AS m, {'u': 3::UTINYINT, 'w': 4000000000::UINTEGER} AS s`,
    );
    const after = await accept(table, uri);
    expect(await rows(after)).toEqual([
      { n: 5n, l: [1.5, null], m: new Map([[7n, "1.25"]]), s: { u: 3, w: 4_000_000_000n } },
    ]);
    expect((await after.scan({ filter: gt("n", 5) }).planAll()).tasks).toEqual([]);
  });

  test("for dates in a table of v3, whose bounds are left out", async () => {
    const table = await create({ t: timestamp().optional() }, { formatVersion: 3 as FormatVersion });
    const after = await accept(table, await write("SELECT DATE '2024-01-02' AS t"));
    expect(await rows(after, { filter: eq("t", "2024-01-02T00:00:00") })).toEqual([
      { t: "2024-01-02T00:00:00.000000" },
    ]);
    expect((await after.scan().planAll()).tasks[0]?.dataFile.lowerBounds?.size).toBe(0);
  });

  test("for milliseconds and times of 96 bits, which are no finer than the table's", async () => {
    const table = await create({ t: timestamp().optional(), z: timestamptz().optional() });
    const uri = await write("SELECT TIMESTAMP_MS '2024-01-02 03:04:05.678' AS t");
    expect(await rows(await accept(table, uri))).toEqual([{ t: "2024-01-02T03:04:05.678000", z: null }]);
  });

  /** Files of Arrow's, of one instant in 96 bits and a null, the second with a nanosecond. */
  const INT96 = ["I", "J"].map((nanos) =>
    Buffer.from(
      `UEFSMRUAFSQVJCwVBBUAFQYVBhwAAAACAAAAAwE${nanos}Z8TFCwoAAJiKJQAVBBksNQAYBnNjaGVtYRUCABUGJQIYAXQAFgQZHBkcJgAcFQYZJQYAGRgBdBUAFgQWShZKJghJHBUAFQAVAgA8KQYZJgICAAAAFkoWBCYIFkoAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRkcHAAAAHoAAABQQVIx`,
      "base64",
    ),
  );

  test("that has instants in 96 bits, unless they are finer than the table's", async () => {
    const [micros, nanos] = INT96 as [Buffer, Buffer];
    for (const type of [timestamp, timestamptz]) {
      const table = await create({ t: type().optional() });
      const uri = `${store.root}/in/i96-${newName()}.parquet`;
      await store.put(uri, micros);
      const after = await accept(table, uri);
      const zone = type === timestamp ? "" : "+00:00";
      expect(await rows(after)).toEqual([{ t: `2024-01-02T03:04:05.678901${zone}` }, { t: null }]);
      const finer = `${store.root}/in/i96-${newName()}.parquet`;
      await store.put(finer, nanos);
      expect(await refusal(after, finer)).toContain('column "t" has instants in nanoseconds (INT96)');
    }
  });

  test("that does not say that its bytes are text, unless they are none", async () => {
    const table = await create({ t: string().optional(), s: struct({ u: string().optional() }).optional() });
    const text = (t: string, u: string) =>
      write(
        `SELECT * FROM (VALUES ('x'::BLOB, {'u': 'y'::BLOB}), (${t}, {'u': ${u}}), (NULL, NULL)) v(t, s)`,
      );
    const after = await accept(table, await text("encode('Åsa 🦅')", "encode('é')"));
    expect(await rows(after)).toEqual([
      { t: "x", s: { u: "y" } },
      { t: "Åsa 🦅", s: { u: "é" } },
      { t: null, s: null },
    ]);
    for (const [t, u, column] of [
      ["'\\xFF\\xFE'::BLOB", "encode('é')", "t"],
      ["encode('é')", "'\\xC3'::BLOB", "s.u"],
    ] as const) {
      expect(await refusal(after, await text(t, u))).toContain(
        `column "${column}" has bytes in the file that are no UTF-8, and is string in the table`,
      );
    }
  });

  test("that has what is required, though it need not: by its statistics, or else by its levels", async () => {
    const columns: Columns = {
      id: long(),
      l: list(struct({ a: int(), b: string().optional() })).optional(),
      m: map(string(), list(int())),
    };
    const select = `SELECT i::BIGINT AS id,
      CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN [] ELSE [{'a': i::INT, 'b': NULL}, {'a': 1, 'b': 'x'}] END AS l,
      MAP {'k': [i::INT, 2], 'e': []} AS m FROM range(3000) t(i)`;
    const codecs = ["zstd", "snappy", "gzip", "lz4_raw", "uncompressed", "brotli"];
    for (const [i, codec] of codecs.entries()) {
      const version = i % 2 === 0 ? "V1" : "V2";
      const options = `COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048`;
      const table = await create(columns);
      const uri = await edit(await write(select, options), withoutStatistics);
      const after = await accept(table, uri);
      const read = await rows(after);
      expect(read).toHaveLength(3000);
      expect(read.find(({ id }) => id === 2n)).toEqual({
        id: 2n,
        l: [
          { a: 2, b: null },
          { a: 1, b: "x" },
        ],
        m: new Map([
          ["k", [2, 2]],
          ["e", []],
        ]),
      });
      // One null among thousands, anywhere, and it is refused.
      for (const [from, to, column] of [
        ["i::BIGINT AS id", "nullif(i, 2500)::BIGINT AS id", "id"],
        ["{'a': i::INT", "{'a': nullif(i, 2999)::INT", "l.element.a"],
        ["[i::INT, 2]", "[nullif(i, 0)::INT, 2]", "m.value.element"],
        ["MAP {'k': [i::INT, 2], 'e': []}", "CASE WHEN i = 7 THEN NULL ELSE MAP {'k': [i::INT]} END", "m"],
      ] as const) {
        expect(select).toContain(from);
        const broken = await edit(await write(select.replace(from, to), options), withoutStatistics);
        expect(await refusal(after, broken)).toContain(`column "${column}" has 1 null in the file`);
      }
    }
  });

  test("with columns that are null throughout, of whatever type", async () => {
    const table = await create({
      n: long().optional(),
      u: uuid().optional(),
      d: date().optional(),
      b: binary().optional(),
      l: list(int()).optional(),
      s: struct({ a: int().optional() }).optional(),
    });
    const uri = await write(
      "SELECT 1::BIGINT AS n, NULL AS u, NULL AS d, NULL::VARCHAR AS b, NULL AS l, NULL::DOUBLE AS s",
    );
    const nothing = { u: null, d: null, b: null, l: null, s: null };
    const after = await accept(table, uri);
    expect(await rows(after)).toEqual([{ n: 1n, ...nothing }]);
    expect((await after.scan({ filter: isNull("d") }).planAll()).tasks).toHaveLength(1);
    // The type that pandas and Arrow give such a column.
    const arrow = await write("SELECT 2::BIGINT AS n, NULL AS u, NULL AS d, NULL AS b, NULL AS l, NULL AS s");
    await edit(arrow, (footer) => {
      for (const name of ["u", "d", "b", "l", "s"]) {
        element(footer, name).delete(6);
        element(footer, name).set(10, {
          type: "struct",
          value: new Map([[11, { type: "struct", value: new Map() }]]),
        });
      }
      withoutStatistics(footer);
    });
    expect(await rows(await accept(table, arrow))).toContainEqual({ n: 2n, ...nothing });
    // One value is one too many.
    const one = await write(`SELECT i::BIGINT AS n, CASE i WHEN 9 THEN 1 END AS d FROM range(10) t(i)`);
    expect(await refusal((await table.refresh()) as Table, one)).toContain('column "d" is a signed integer');
  });

  test("without the columns that it has too many of, on request", async () => {
    const table = await create({ a: int().optional(), s: struct({ x: int().optional() }).optional() });
    const uri = await write("SELECT 1 AS a, 2 AS more, {'x': 3, 'y': [{'z': 4}]} AS s");
    const message = await refusal(table, uri);
    expect(message).toContain('"more" is not in the table');
    expect(message).toContain('"s.y" is not in the table');
    const after = await accept(table, uri, { ignoreExtraColumns: true });
    expect(await rows(after)).toEqual([{ a: 1, s: { x: 3 } }]);
    // Lineage of another table's rows is never taken for that of these.
    const lineage = await write(
      "SELECT 1 AS a, 7::BIGINT AS _row_id",
      "FIELD_IDS {a: 1, _row_id: 2147483540}",
    );
    expect(await refusal(after, lineage, { ignoreExtraColumns: true })).toContain("of another table");
  });

  test("of two levels, as lists were written of old", async () => {
    const table = await create({ l: list(int()).optional() });
    const uri = await write("SELECT [1, 2, 3] AS l UNION ALL SELECT [] UNION ALL SELECT NULL");
    const files = await rows(await accept(table, uri));
    expect(files).toHaveLength(3);
    // `optional group l (LIST) { repeated int32 array }`: the levels of a list of three whose elements are required.
    const source = await create({ l: list(int()).optional() });
    const own = (await source.append([{ l: [4, 5] }, { l: null }, { l: [] }])) as Table;
    const [file] = await own.inspect.files();
    const old = `${store.root}/in/two-levels.parquet`;
    await store.put(old, await readFile(pathOfFile(file?.filePath ?? "")));
    await edit(old, (footer) => {
      const elements = list_(footer, 2);
      const leaf = elements.at(-1) as ThriftStruct;
      const repeated = elements.at(-2) as ThriftStruct;
      repeated.set(1, leaf.get(1) as ThriftValue);
      repeated.set(4, text("array"));
      repeated.delete(5);
      for (const each of elements) each.delete(9);
      const schema = footer.get(2);
      if (schema?.type === "list") footer.set(2, { ...schema, value: schema.value.slice(0, -1) });
      for (const chunk of chunks(footer)) {
        chunk.set(3, { type: "list", elementCode: 8, value: [text("l"), text("array")] });
      }
    });
    const fresh = await create({ l: list(int()).optional() });
    expect(await rows(await accept(fresh, old))).toEqual([{ l: [4, 5] }, { l: null }, { l: [] }]);
  });

  test("whose uuids, bytes and text have the forms of other writers", async () => {
    const table = await create({ u: uuid().optional(), s: string().optional(), j: string().optional() });
    const uri = await write(
      `SELECT UUID '00112233-4455-6677-8899-aabbccddeeff' AS u, 'text' AS s, '{"a": 1}'::JSON AS j`,
    );
    await edit(uri, (footer) => {
      for (const name of ["u", "s"]) for (const id of [6, 10]) element(footer, name).delete(id);
    });
    const after = await accept(table, uri);
    expect(await rows(after)).toEqual([
      { u: "00112233-4455-6677-8899-aabbccddeeff", s: "text", j: '{"a": 1}' },
    ]);
  });
});

describe("metrics of adopted files", () => {
  test("leave out bounds whose order is not defined", async () => {
    // Old bounds of unsigned integers are in signed order; those of text without a column order are in none.
    const uri = await write("SELECT i::UINTEGER AS n, 'x' || i AS s, i::INT AS k FROM range(5, 8) t(i)");
    await edit(uri, (footer) => {
      footer.delete(7);
      for (const chunk of chunks(footer)) {
        const statistics = chunk.get(12);
        if (statistics?.type !== "struct") throw new Error("no statistics");
        statistics.value.set(1, statistics.value.get(5) as ThriftValue);
        statistics.value.set(2, statistics.value.get(6) as ThriftValue);
      }
    });
    const table = await create({ n: long().optional(), s: string().optional(), k: int().optional() });
    const after = (await table.addFiles([uri])) as Table;
    const { tasks } = await after.scan().planAll();
    const bounds = tasks[0]?.dataFile.lowerBounds;
    expect([1, 2, 3].map((id) => bounds?.get(id) !== undefined)).toEqual([false, false, true]);
    expect(await rows(after, { filter: eq("s", "x6"), select: ["n"] })).toEqual([{ n: 6n }]);
  });

  test("of empty files, and of row groups without rows", async () => {
    const table = await create({ n: long(), s: string().optional() });
    const empty = await write("SELECT 1::BIGINT AS n, 'x' AS s WHERE false");
    const after = (await table.addFiles([empty])) as Table;
    expect(await rows(after)).toEqual([]);
    expect((await after.inspect.files())[0]?.recordCount).toBe(0n);
    const bytes = `${store.root}/in/no.parquet`;
    await store.put(bytes, new Uint8Array());
    await expect(table.addFiles([bytes])).rejects.toMatchObject({ code: "CORRUPT_FILE" });
  });

  test("do not take what is no number in a folder's name for NaN", async () => {
    const table = await create({ n: long(), f: double().optional() }, { partitionSpec: [identity("f")] });
    const odd = await write("SELECT 1::BIGINT AS n", "", `odd/f=abc/a.parquet`.replace("odd/", ""));
    await expect(table.addFiles([odd])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("do not make a required column of a folder without a value", async () => {
    const table = await create({ n: long(), c: string() }, { partitionSpec: [identity("c")] });
    const uri = await write("SELECT 1::BIGINT AS n", "", "c=__HIVE_DEFAULT_PARTITION__/a.parquet");
    expect(await refusal(table, uri)).toContain('column "c" is not in the file, null by its folder');
  });
});

describe("files outside the warehouse", () => {
  test("are adopted by reference, read and changed, and never deleted", async () => {
    const outside = path.join(directory, "elsewhere", "a.parquet");
    await mkdir(path.dirname(outside), { recursive: true });
    await duckdb.run(`COPY (SELECT i::BIGINT AS id FROM range(3) t(i)) TO '${outside}' (FORMAT parquet)`);
    const table = await create({ id: long() });
    const after = (await table.addFiles([`${fileUri(path.dirname(outside))}/`])) as Table;
    expect((await after.inspect.files())[0]?.filePath).toBe(fileUri(outside));
    const deleted = (await after.deleteRows(eq("id", 1), { mode: "merge-on-read" })) as Table;
    expect((await rows(deleted)).map(({ id }) => id)).toEqual([0n, 2n]);
    const updated = (await deleted.deleteRows(eq("id", 2), { mode: "copy-on-write" })) as Table;
    expect((await rows(updated)).map(({ id }) => id)).toEqual([0n]);
    await catalog.dropTable(table.identifier, { purge: true });
    await catalog.collectGarbage({ gracePeriodMs: 0 });
    expect((await stat(outside)).isFile()).toBe(true);
    await expect(
      (await create({ id: long() })).addFiles([fileUri(path.join(directory, "elsewhere", "none.parquet"))]),
    ).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  });
});
