import * as arrow from "apache-arrow";
import { describe, expect, test } from "vitest";
import {
  type DataFile,
  defineSchema,
  double,
  eq,
  type FormatVersion,
  isNull,
  long,
  type NestedField,
  newTableMetadata,
  POSITION,
  ROW_ID,
  serializeTableMetadata,
  type Table,
  UpdateSchema,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { writeParquet } from "../../../lib/lakehouse/parquet/index.js";
import { FileSchemas } from "../../../lib/lakehouse/query/relation/file-schemas.js";
import { catalog, engine, newName, store } from "../support/lake.js";
import { create, message, modes, optional, read, sorted, sql } from "../support/named-tables.js";

/** Metadata that only others would make: names and field ids that the spec reserves. */
describe("a table of others", () => {
  async function register(
    formatVersion: FormatVersion,
    mode: WriteMode,
    change: (field: NestedField) => NestedField,
  ): Promise<Table> {
    const location = `${store.root}/foreign-${newName()}`;
    const fresh = newTableMetadata({ schema: optional(["k", "a", "b"]), formatVersion, location });
    const schemas = fresh.schemas.map((schema) => ({ ...schema, fields: schema.fields.map(change) }));
    const ids = schemas.flatMap((schema) => schema.fields.map(({ id }) => id));
    const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
    const metadata = { ...fresh, schemas, properties, lastColumnId: Math.max(...ids) };
    const uri = `${location}/metadata/00000-foreign.metadata.json`;
    await store.put(uri, Buffer.from(serializeTableMetadata(metadata)));
    return (await catalog.registerTable(newName(), uri)).withEngine(engine) as Table;
  }

  test.each(modes)("in v%i, %s, keeps columns of reserved names", async (formatVersion, mode) => {
    const names = new Map([
      ["a", "_row_id"],
      ["b", "_pos"],
    ]);
    let table = await register(formatVersion, mode, (field) => ({
      ...field,
      name: names.get(field.name) ?? field.name,
    }));
    const rows = [
      { k: 1n, _row_id: 7n, _pos: 0n },
      { k: 2n, _row_id: 8n, _pos: 0n },
      { k: 3n, _row_id: 9n, _pos: 5n },
    ];
    table = await table.append(rows);
    expect(await read(table)).toEqual(rows);
    const select = ["_pos", "_row_id"];
    const own = await (await engine.scan(table, table.scan({ select, filter: eq("_pos", 5n) }))).rows();
    expect(own).toEqual([{ _row_id: 9n, _pos: 5n }]);
    table = await table.deleteRows(eq("_row_id", 8n));
    table = await table.updateRows(eq("_pos", 5n), { _row_id: { sql: "_row_id + _pos" } });
    table = await table.updateRows(eq("k", 1n), ({ _row_id }) => ({ _pos: _row_id }));
    table = await table.merge([{ k: 4n, _row_id: 14n, _pos: 1n }], { on: ["_row_id"] });
    const expected = [
      { k: 1n, _row_id: 7n, _pos: 7n },
      { k: 4n, _row_id: 14n, _pos: 1n },
    ];
    expect(sorted(await read(table))).toEqual(sorted(expected));
    expect(await sql(`select sum(_row_id)::BIGINT as s, sum(_pos)::BIGINT as p from ${table.name}`)).toEqual([
      { s: 21n, p: 8n },
    ]);
    // It can be changed as long as nothing more is called so.
    table = await table.update([new UpdateSchema().addColumn("c", long().optional())]);
    table = await table.update([new UpdateSchema().renameColumn("_pos", "place")]);
    expect((await read(table)).map(({ place }) => place).sort()).toEqual([1n, 7n]);
  });

  test("keeps columns of reserved field ids", async () => {
    const ids = new Map([
      ["a", ROW_ID.id],
      ["b", POSITION.id],
    ]);
    for (const formatVersion of [2, 3] as const) {
      let table = await register(formatVersion, "merge-on-read", (field) => ({
        ...field,
        id: ids.get(field.name) ?? field.id,
      }));
      const rows = [
        { k: 1n, a: 10n, b: 100n },
        { k: 2n, a: 20n, b: 200n },
      ];
      table = await table.append(rows);
      expect(await read(table)).toEqual(rows);
      const select = ["a", "b", "_pos", "_row_id"];
      const found = await (await engine.scan(table, table.scan({ select, filter: eq("a", 20n) }))).rows();
      expect(found).toEqual([{ a: 20n, b: 200n, _pos: 1n, _row_id: formatVersion === 3 ? 1n : null }]);
      table = await table.deleteRows(eq("b", 100n));
      expect(await read(table)).toEqual(rows.slice(1));
      const update = table.updateRows(eq("k", 2n), { k: 3n });
      if (formatVersion === 2) expect(await read(await update)).toEqual([{ k: 3n, a: 20n, b: 200n }]);
      else expect(await message(update)).toMatch(/which the Iceberg spec reserves for _row_id/);
    }
  });

  test("has no changes where they could not be told from its columns", async () => {
    const table = await register(2, "copy-on-write", (field) => ({
      ...field,
      name: field.name === "a" ? "_change_type" : field.name,
    }));
    expect(await message(engine.changes(table))).toMatch(/Rename the column "_change_type"/);
    expect(await message(sql(`select * from ${table.name}.changes`))).toMatch(/Rename the column/);
  });
});

describe("what is remembered", () => {
  const reused = () => new UpdateSchema().renameColumn("a", "b").addColumn("a", long().optional());

  test("is remembered for the same columns: names can have changed hands since", async () => {
    let table = await create(optional(["k", "a"]));
    table = await table.append([{ k: 1n, a: 10n }]);
    const old = table.currentSnapshot?.snapshotId;
    table = await table.update([reused()]);
    const question = (at: string, is: string) => `select k from ${table.name} ${at} where a is ${is}`;
    for (let round = 0; round < 2; round++) {
      expect(await sql(question(`for version as of ${old}`, "null"))).toEqual([]);
      expect(await sql(question("", "null"))).toEqual([{ k: 1n }]);
      expect(await sql(question("", "not null"))).toEqual([]);
      expect(await sql(question(`for version as of ${old}`, "not null"))).toEqual([{ k: 1n }]);
    }
  });

  test("is not the table's for a transaction, nor the other way round", async () => {
    let table = await create(optional(["k", "a"]));
    table = await table.append([{ k: 1n, a: 10n }]);
    const filter = isNull("a");
    const count = async (of: Table) => (await (await engine.scan(of, of.scan({ filter }))).rows()).length;
    expect(await count(table)).toBe(0);
    const transaction = table.begin();
    await transaction.update(reused());
    expect(await count(transaction.table as Table)).toBe(1);
    expect(await count(table)).toBe(0);
    await transaction.rollback();
  });

  test("tells infinities apart, which JSON has one word for", async () => {
    let table = await create(defineSchema({ x: double() }));
    table = await table.append([{ x: 1 }, { x: 2 }]);
    const greater = async (value: number) => {
      const filter = { type: "gt", term: "x", value } as const;
      return (await (await engine.scan(table, table.scan({ filter }))).rows()).length;
    };
    expect(await greater(Number.POSITIVE_INFINITY)).toBe(0);
    expect(await greater(Number.NEGATIVE_INFINITY)).toBe(2);
    expect(await greater(Number.POSITIVE_INFINITY)).toBe(0);
  });

  test("of files without ids is remembered for the mapping that gives them theirs", async () => {
    const schemas = new FileSchemas();
    const uri = `${store.root}/no-ids.parquet`;
    const batch = new arrow.Table({ a: arrow.vectorFromArray([1n]), b: arrow.vectorFromArray([2n]) });
    const { fileSizeInBytes } = await writeParquet(store, uri, batch.schema, batch.batches);
    const file = { filePath: uri, fileFormat: "parquet", fileSizeInBytes } as DataFile;
    const idsBy = async (names: readonly string[] | undefined) => {
      const mapping = names?.map((name, i) => ({ "field-id": i + 5, names: [name] }));
      const [found] = await schemas.of(store, [file], {
        paths: new Map(),
        nameMapping: mapping && JSON.stringify(mapping),
        fieldPath: (id) => [{ id, name: "x", required: false, type: { type: "long" } }],
      });
      return found?.root.children.map(({ fieldId }) => fieldId);
    };
    expect(await idsBy(["a", "b"])).toEqual([5, 6]);
    expect(await idsBy(["b", "a"])).toEqual([6, 5]);
    expect(await idsBy(undefined)).toEqual([1, 2]);
    expect(await idsBy(["a", "b"])).toEqual([5, 6]);
  });
});
