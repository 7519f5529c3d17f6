import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { defineSchema, int, string, type Table, UpdateSchema } from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { fileUri, LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

/*
 * Files without field ids, adopted by a table whose columns are renamed, dropped and added again under names that others had
 * before. In the model a column is what it is, whatever it is called: so no value may change its column.
 */

let directory: string;
let engine: QueryEngine;
let catalog: Awaited<ReturnType<typeof openCatalog>>;
let instance: DuckDBInstance;
let duckdb: DuckDBConnection;
let made = 0;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "query-renamed-"));
  const store = new LocalStore(directory, { durable: false });
  engine = await openQueryEngine({ resolve: async () => undefined });
  catalog = await openCatalog({ backend: ":memory:", store });
  await catalog.createNamespace("n");
  instance = await DuckDBInstance.create(":memory:");
  duckdb = await instance.connect();
});
afterAll(async () => {
  duckdb.closeSync();
  instance.closeSync();
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

/** Writes a row as an engine that knows nothing of Iceberg does. */
async function write(id: number, row: Readonly<Record<string, string>>): Promise<string> {
  const file = path.join(directory, `${++made}.parquet`);
  const cells = Object.entries(row).map(([name, value]) => `'${value}' AS ${name}`);
  await duckdb.run(`COPY (SELECT ${[`${id}::INTEGER AS id`, ...cells].join(", ")}) TO '${file}'`);
  return fileUri(file);
}

const name = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  fc.record({ kind: fc.constant("rename" as const), from: name, to: name }),
  fc.record({ kind: fc.constant("drop" as const), name }),
  fc.record({ kind: fc.constant("add" as const), name }),
  /** The file's columns, in its order. */
  fc.record({ kind: fc.constant("adopt" as const), names: fc.shuffledSubarray(["a", "b", "c"]) }),
);

interface Model {
  readonly rows: Map<number, Row>;
  /** The columns that there are, by name. */
  readonly columns: Map<string, object>;
  /** All names that columns have had, in that order, each with the column that had it first. */
  readonly owners: Map<string, object>;
}
interface Row {
  /** The value of each column, by the column itself. */
  readonly cells: Map<object, string>;
  /** What was passed over in its file, by name. */
  readonly others: Map<string, string>;
}

/** A column gets a name. Where none had it before, it has what was passed over under it, as `ignoreExtraColumns` says. */
function call({ rows, columns, owners }: Model, column: object, name: string): void {
  columns.set(name, column);
  if (owners.has(name)) return;
  owners.set(name, column);
  for (const { cells, others } of rows.values()) {
    const other = others.get(name);
    if (other !== undefined && !cells.has(column)) cells.set(column, other);
  }
}

async function take(table: Table, each: Step, model: Model): Promise<Table> {
  const { columns } = model;
  switch (each.kind) {
    case "rename": {
      const column = columns.get(each.from);
      if (column === undefined || columns.has(each.to)) return table;
      columns.delete(each.from);
      call(model, column, each.to);
      return table.update([new UpdateSchema().renameColumn(each.from, each.to)]);
    }
    case "drop":
      if (!columns.delete(each.name)) return table;
      return table.update([new UpdateSchema().dropColumn(each.name)]);
    case "add":
      if (columns.has(each.name)) return table;
      call(model, {}, each.name);
      return table.update([new UpdateSchema().addColumn(each.name, string().optional())]);
    case "adopt":
      return adopt(table, each.names, model);
  }
}

async function adopt(table: Table, names: readonly string[], { rows, owners }: Model): Promise<Table> {
  const id = rows.size;
  const values = new Map(names.map((name) => [name, `${name} of ${id}`]));
  const uri = await write(id, Object.fromEntries(values));
  let adopted: Table;
  try {
    adopted = await table.addFiles([uri], { ignoreExtraColumns: true });
  } catch (error) {
    // Where a name means another column by now, a file is refused.
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH" });
    return table;
  }
  const cells = new Map<object, string>();
  for (const [name, column] of owners) {
    const value = values.get(name);
    if (value !== undefined && !cells.has(column)) cells.set(column, value);
  }
  rows.set(id, { cells, others: new Map([...values].filter(([name]) => !owners.has(name))) });
  return adopted;
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test("columns of adopted files keep their values, whatever they and others are called", async () => {
  const initial = defineSchema({ id: int(), a: string().optional(), b: string().optional() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
      const created = await catalog.createTable(`n.t${++made}`, { schema: initial });
      let table = created.withEngine(engine) as Table;
      const columns = new Map<string, object>([
        ["a", {}],
        ["b", {}],
      ]);
      const model: Model = { rows: new Map(), columns, owners: new Map(columns) };
      const first: Step = { kind: "adopt", names: ["b", "a"] };
      for (const each of [first, ...steps]) table = await take(table, each, model);
      const found = await (await engine.scan(table, table.scan())).rows();
      const expected = [...model.rows].map(([id, { cells }]) => ({
        id,
        ...Object.fromEntries([...model.columns].map(([of, column]) => [of, cells.get(column) ?? null])),
      }));
      expect(found.toSorted((x, y) => Number(x.id) - Number(y.id))).toEqual(expected);
    }),
    { numRuns: runs(25) },
  );
});

/** A table with a file of `a`, whose column that was called so is called `c` now, and another one `a`. */
async function reused(): Promise<Table> {
  const schema = defineSchema({ id: int(), a: string().optional() });
  const created = (await catalog.createTable(`n.t${++made}`, { schema })).withEngine(engine) as Table;
  const adopted = await created.addFiles([await write(0, { a: "first" })]);
  const renamed = await adopted.update([new UpdateSchema().renameColumn("a", "c")]);
  return renamed.update([new UpdateSchema().addColumn("a", string().optional())]);
}

test("a file without ids is refused where the name of its column is another one's now, extra or not", async () => {
  const table = await reused();
  const uri = await write(1, { a: "which?" });
  for (const ignoreExtraColumns of [false, true])
    await expect(table.addFiles([uri], { ignoreExtraColumns })).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringContaining("is not the table's column of that name"),
    });
});

test("a file with ids is taken by them, whatever its columns are called", async () => {
  const table = await reused();
  const file = path.join(directory, `${++made}.parquet`);
  await duckdb.run(
    `COPY (SELECT 1::INTEGER AS id, 'by id' AS a) TO '${file}' (FIELD_IDS {id: 1, a: ${table.schema.fields[1]?.id}})`,
  );
  const found = await table.addFiles([fileUri(file)]);
  expect(await (await engine.scan(found, found.scan())).rows()).toContainEqual({
    id: 1,
    c: "by id",
    a: null,
  });
});

test("a file that has only a later name of a column is taken by that", async () => {
  const table = await reused();
  const found = await table.addFiles([await write(1, { c: "later" })]);
  expect(await (await engine.scan(found, found.scan())).rows()).toContainEqual({
    id: 1,
    c: "later",
    a: null,
  });
});
