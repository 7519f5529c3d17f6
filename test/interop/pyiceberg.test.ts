import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eq, fieldByName, readManifests, type Table } from "../../lib/lakehouse/iceberg/index.js";
import { readFooter, verifyParquet } from "../../lib/lakehouse/parquet/index.js";
import { Engine } from "./engine.js";
import { ourEntries, ourRows, ourSchema, type PlainEntry, type PlainRow, sorted } from "./plain.js";
import { openWorld, type World } from "./world.js";
import { ZOO, type ZooTable } from "./zoo.js";

/** A table as PyIceberg sees it. */
interface View {
  readonly metadataLocation: string;
  readonly rows: readonly PlainRow[];
  readonly schema: unknown;
  readonly entries: readonly PlainEntry[];
}

let world: World;
let pyiceberg: Engine;
const tables = new Map<string, Table>();

beforeAll(async () => {
  pyiceberg = new Engine("pyiceberg_engine.py");
  world = await openWorld();
  for (const { name, make } of ZOO) tables.set(name, await make(world));
});
afterAll(async () => {
  await pyiceberg.close();
  await world.close();
});

const ours = (name: string): Table => tables.get(name) as Table;
const read = (table: Table) => pyiceberg.call<View>("read", { metadata_location: table.metadataLocation });
const readable = ZOO.filter(({ beyond }) => beyond?.pyiceberg === undefined);

/** Our rows, but for what PyIceberg reads otherwise than it is written. */
async function expectedRows({ emptied = [] }: Pick<ZooTable, "emptied">, table: Table): Promise<PlainRow[]> {
  const rows = await ourRows(world.engine, table);
  return rows.map((row) => ({
    ...row,
    ...Object.fromEntries(emptied.map((name) => [name, row[name] ?? []])),
  }));
}

describe("PyIceberg reads what we write", () => {
  test.each(readable)("$name: schema, entries and rows", async (zoo) => {
    const table = ours(zoo.name);
    const view = await read(table);
    expect(view.schema).toEqual(ourSchema(table));
    expect(view.entries).toEqual(await ourEntries(table));
    expect(sorted(view.rows)).toEqual(await expectedRows(zoo, table));
  });

  test("to the last digit", async () => {
    const { rows } = await read(ours("primitives"));
    const [first, second, third, fourth] = sorted(rows);
    expect(first).toEqual({
      id: 1,
      flag: true,
      i: 42,
      l: "9007199254740993",
      f: Math.fround(0.1),
      d: Math.PI,
      small: "12.34",
      medium: "123456789012345.678",
      large: "1234567890123456789012345678.0123456789",
      day: "2024-02-29",
      ts: "2024-03-01T13:33:20.123456",
      instant: "2024-03-01T11:33:20.000001+00:00",
      text: "plain",
      key: "f79c3e09-677c-4bbd-a479-3f349cb785e7",
      five: "0102030405",
      blob: "00ff80",
    });
    expect(second).toMatchObject({ l: "-9223372036854775808", f: "NaN", d: "NaN", text: "", blob: "" });
    expect(third).toMatchObject({ f: "Infinity", d: "-Infinity", text: "Zürich 🛫 \u0000 \uffff" });
    expect(fourth).toMatchObject({ f: -0, d: -0, flag: null, blob: null });
  });

  test("at every snapshot of a history", async () => {
    const table = ours("history");
    const counts: number[] = [];
    for (const { snapshotId } of table.metadata.snapshots) {
      const rows = await pyiceberg.call<PlainRow[]>("rows_at", {
        metadata_location: table.metadataLocation,
        snapshot_id: String(snapshotId),
      });
      expect(sorted(rows)).toEqual(await ourRows(world.engine, table, { snapshotId }));
      counts.push(rows.length);
    }
    expect(counts).toEqual([30, 40, 35, 32]);
  });
});

describe("PyIceberg's own measure of our Parquet files", () => {
  // From the footers alone: it takes no bounds below the top level, and none of columns that are null throughout.
  const measured = ["primitives", "identities", "buckets", "truncations", "sorted", "history", "version1"];
  test.each(measured)("is what our manifests say: %s", async (name) => {
    const table = ours(name);
    const statistics = await pyiceberg.call<Record<string, PlainRow>>("statistics", {
      metadata_location: table.metadataLocation,
    });
    const live = (await ourEntries(table)).filter(({ status }) => status !== "deleted");
    expect(Object.keys(statistics).sort()).toEqual(live.map(({ filePath }) => filePath).sort());
    for (const entry of live) expect(entry).toMatchObject(statistics[entry.filePath] ?? {});
  });
});

describe("pyarrow's check of the pages of our Parquet files", () => {
  const dataFiles = async (table: Table) =>
    (await table.inspect.files()).filter(
      ({ content, fileFormat }) => content === "data" && fileFormat === "parquet",
    );

  test("finds every checksum right", async () => {
    const files = (await Promise.all(readable.map(({ name }) => dataFiles(ours(name))))).flat();
    const paths = files.map(({ filePath }) => world.store.localPath(filePath));
    const counts = await pyiceberg.call<(number | string)[]>("checksums", { paths });
    expect(counts).toEqual(files.map(({ recordCount }) => Number(recordCount)));
    expect(files.length).toBeGreaterThan(20);
  });

  test("and refuses a page in which a bit has flipped, as ours does", async () => {
    const [file] = await dataFiles(ours("primitives"));
    const bytes = await world.store.read(file?.filePath ?? "");
    const uri = `${world.store.root}/flipped.parquet`;
    const { rowGroups } = await readFooter(world.store, file?.filePath ?? "");
    const last = rowGroups[0]?.columns.at(-1);
    const end = Number(last?.dataPageOffset) + Number(last?.compressedSize);
    const page = last?.dictionaryPageOffset === undefined ? end - 1 : Number(last.dataPageOffset) - 1;
    bytes[page]! ^= 1;
    await world.store.put(uri, bytes);
    await expect(verifyParquet(world.store, uri)).rejects.toMatchObject({ code: "CORRUPT_FILE" });
    const [count] = await pyiceberg.call<string[]>("checksums", { paths: [world.store.localPath(uri)] });
    expect(count).toMatch(/checksum/i);
  });
});

describe("the files of our tables", () => {
  interface AvroFile {
    readonly schema: { readonly fields: readonly unknown[] };
    readonly metadata: Readonly<Record<string, string>>;
    readonly records: number;
  }
  /** Every field, element, key and value id of an Avro schema, and the names of record fields that have none. */
  function avroIds(schema: unknown, ids: { ids: number[]; missing: string[] } = { ids: [], missing: [] }) {
    if (Array.isArray(schema)) for (const each of schema) avroIds(each, ids);
    else if (typeof schema === "object" && schema !== null) {
      const type = schema as Record<string, unknown>;
      for (const key of ["field-id", "element-id", "key-id", "value-id"])
        if (typeof type[key] === "number") ids.ids.push(type[key]);
      for (const field of (type.fields as Record<string, unknown>[] | undefined) ?? []) {
        if (typeof field["field-id"] !== "number") ids.missing.push(String(field.name));
        avroIds(field, ids);
      }
      for (const key of ["type", "items", "values"]) if (type[key] !== undefined) avroIds(type[key], ids);
    }
    return ids;
  }

  test.each(["buckets", "evolved", "version1", "deletion_vectors"])(
    "fastavro shows every field id in the manifests and manifest list of %s",
    async (name) => {
      const table = ours(name);
      const snapshot = table.currentSnapshot;
      const manifests = snapshot === undefined ? [] : await readManifests(table.store, snapshot);
      const paths = [snapshot?.manifestList, ...manifests.map(({ manifestPath }) => manifestPath)];
      const [list, ...rest] = await pyiceberg.call<AvroFile[]>("avro_files", { paths });
      expect(list?.records).toBe(manifests.length);
      expect(avroIds(list?.schema)).toMatchObject({
        missing: [],
        ids: expect.arrayContaining([500, 501, 502, 503, 504, 507, 508, 509, 510, 511, 518]),
      });
      for (const manifest of rest) {
        expect(avroIds(manifest.schema)).toMatchObject({
          missing: [],
          ids: expect.arrayContaining([0, 1, 2, 100, 101, 102, 103, 104, 108, 109, 110, 117, 118, 125, 128]),
        });
        expect(manifest.metadata).toMatchObject({
          schema: expect.stringContaining('"struct"'),
          "partition-spec": expect.any(String),
          "partition-spec-id": expect.any(String),
          "format-version": String(table.metadata.formatVersion),
        });
      }
    },
  );

  test("have the field ids of the schema for pyarrow, and their rows for DuckDB", async () => {
    for (const name of ["primitives", "nested", "sorted"]) {
      const table = ours(name);
      const entries = await ourEntries(table);
      const files = await pyiceberg.call<{ fieldIds: Record<string, number>; rows: number }[]>(
        "parquet_files",
        { paths: entries.map(({ filePath }) => filePath) },
      );
      expect(files.map(({ rows }) => rows)).toEqual(entries.map(({ recordCount }) => recordCount));
      for (const { fieldIds } of files) {
        for (const [path, id] of Object.entries(fieldIds)) {
          expect([path, id]).toEqual([path, fieldByName(table.schema, path)?.id]);
        }
      }
    }
  });

  test("are read by DuckDB as we read them", async () => {
    const table = ours("sorted");
    const paths = (await ourEntries(table)).map(({ filePath }) => filePath);
    const rows = await pyiceberg.call<PlainRow[]>("duckdb_rows", {
      paths,
      columns: ["id", "date", "origin", "delay"],
    });
    expect(sorted(rows)).toEqual(await ourRows(world.engine, table));
  });
});

describe("we read what PyIceberg writes", () => {
  let views: Readonly<Record<string, View>>;
  beforeAll(async () => {
    views = await pyiceberg.call("write_zoo", { folder: world.folder });
  });

  test.each([
    { name: "types" },
    { name: "nested", emptied: ["points"] },
    { name: "partitioned" },
    { name: "evolved" },
    { name: "version1" },
    { name: "empty" },
  ])("$name", async (zoo) => {
    const view = views[zoo.name] as View;
    const table = await world.takeOver(zoo.name, view.metadataLocation);
    expect(ourSchema(table)).toEqual(view.schema);
    expect(await ourEntries(table)).toEqual(view.entries);
    expect(await expectedRows(zoo, table)).toEqual(sorted(view.rows));
  });

  test("and write on top of it, for PyIceberg to read again", async () => {
    const table = await world.takeOver("partitioned", views.partitioned?.metadataLocation ?? "");
    const after = await (
      await table.append([{ id: 200, origin: "a/b", at: "2001-01-02T03:04:05", delay: 1 }])
    ).deleteRows(eq("id", 6));
    const view = await read(after);
    const rows = await ourRows(world.engine, after);
    expect(sorted(view.rows)).toEqual(rows);
    expect(view.entries).toEqual(await ourEntries(after));
    expect(rows.map(({ id }) => id)).toContain(200);
    expect(rows.map(({ id }) => id)).not.toContain(6);
  });
});

describe("PyIceberg writes on top of our tables", () => {
  const onTop = (name: string, steps: readonly string[]) =>
    pyiceberg.call<View>("write_on_top", {
      folder: world.folder,
      name,
      metadata_location: ours(name).metadataLocation,
      steps,
    });

  test.each(["primitives", "identities", "times", "buckets", "evolved"])(
    "%s: a row of nulls, a new column",
    async (name) => {
      const zoo = ZOO.find((each) => each.name === name) as ZooTable;
      const view = await onTop(name, ["append_nulls", "add_column"]);
      const table = await world.takeOver(`${name}_on_top`, view.metadataLocation);
      expect(ourSchema(table)).toEqual(view.schema);
      expect(await expectedRows(zoo, table)).toEqual(sorted(view.rows));
      expect(await ourEntries(table)).toEqual(view.entries);
      const more = await table.append([{ id: 2000, added: "ours" }]);
      expect(sorted((await read(more)).rows)).toEqual(await expectedRows(zoo, more));
    },
  );

  test.each(["sorted", "history", "version1", "position_deletes"])("%s: another flight", async (name) => {
    const view = await onTop(name, ["append_flight"]);
    const table = await world.takeOver(`${name}_on_top`, view.metadataLocation);
    expect(await ourRows(world.engine, table)).toEqual(sorted(view.rows));
    expect(await ourEntries(table)).toEqual(view.entries);
  });

  test("and deletes rows that we have written", async () => {
    const view = await onTop("primitives", ["delete_first"]);
    const table = await world.takeOver("primitives_without_first", view.metadataLocation);
    const rows = await ourRows(world.engine, table);
    expect(rows).toEqual(sorted(view.rows));
    expect(rows.map(({ id }) => id)).toEqual([2, 3, 4, 5, 6]);
  });
});
