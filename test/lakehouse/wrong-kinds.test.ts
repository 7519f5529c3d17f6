import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineSchema,
  int,
  isLakehouseError,
  type Lakehouse,
  openLakehouse,
  type Table,
} from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";

/** Types do not hold in plain JavaScript: what they would refuse is refused at run time, in words. */

let root: string;
let lake: Lakehouse;
let table: Table;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wrong-kinds-"));
  lake = await openLakehouse({ root, profile: "embedded" });
  table = (await lake.createTable("a.b", { schema: defineSchema({ x: int() }) })) as Table;
});

afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript calls.
type Call = (lake: any, table: any) => unknown;

const schema = defineSchema({ x: int() });

test.each<[string, Call]>([
  ["a number for a table", (l) => l.table(1)],
  ["nothing for a table", (l) => l.table()],
  ["an object without a namespace for a table", (l) => l.table({ name: "b" })],
  ["a number for a new table", (l) => l.createTable(1, { schema })],
  ["a number for a namespace", (l) => l.createNamespace(1)],
  ["a number for a namespace to drop", (l) => l.dropNamespace(null)],
  ["a number for a table to drop", (l) => l.dropTable(1)],
  ["a number for a table to rename", (l) => l.renameTable("a.b", 1)],
  ["no options for a new table", (l) => l.createTable("a.c")],
  ["text for a schema", (l) => l.createTable("a.c", { schema: "x int" })],
  ["columns for a schema", (l) => l.createTable("a.c", { schema: { x: int() } })],
  ["text for a schema that replaces another", (l) => l.createOrReplaceTable("a.b", { schema: "x int" })],
  ["a misspelled option of a new table", (l) => l.createTable("a.c", { schema, partitionSpecs: [] })],
  ["text for options", (l) => l.dropTable("a.b", "purge")],
  ["a number for SQL", (l) => l.sql(1)],
  ["a misspelled option of SQL", (l) => l.sql("select 1", { reff: "main" })],
  ["a misspelled option of a table's source", (l) => l.createTableAs("a.c", "select 1 as x", { casts: {} })],
  ["a number for a source", (l) => l.createTableAs("a.c", 1)],
  ["nothing for a source", (l) => l.inferSchema()],
  ["a number for rows", (_, t) => t.append(1)],
  ["a misspelled option of an append", (_, t) => t.append([{ x: 1 }], { brunch: "etl" })],
  ["null for options", (_, t) => t.append([{ x: 1 }], null)],
  ["a misspelled option of a source", (_, t) => t.appendFrom([{ x: 1 }], { extraField: "ignore" })],
  ["a cast that is a name", (_, t) => t.appendFrom([{ x: 1 }], { cast: { x: "int" } })],
  ["text for a cast of all", (_, t) => t.appendFrom([{ x: 1 }], { cast: "int" })],
  ["a wrong word for an option", (_, t) => t.appendFrom([{ x: 1 }], { extraFields: "drop" })],
  ["a misspelled mode", (_, t) => t.deleteRows({ type: "true" }, { mod: "merge-on-read" })],
  ["text for a filter", (_, t) => t.deleteRows("x = 1")],
  ["nothing for a filter", (_, t) => t.deleteRows()],
  ["text for the filter of an overwrite", (_, t) => t.overwrite([{ x: 1 }], { where: "x = 1" })],
  ["no options for an overwrite", (_, t) => t.overwrite([{ x: 1 }])],
  ["text for the filter of a scan", (l, t) => l.read(t, t.scan({ filter: "x = 1" }))],
  ["a misspelled option of a scan", (_, t) => t.scan({ selct: ["x"] })],
  ["a misspelled option of a merge", (_, t) => t.merge([{ x: 1 }], { on: ["x"], whenMatch: "delete" })],
  ["text for the key of a merge", (_, t) => t.merge([{ x: 1 }], { on: "x" })],
])("%s is INVALID_ARGUMENT, or a code that says more", async (_, call) => {
  const error = await (async () => call(lake, table))().then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!isLakehouseError(error)) throw error ?? new Error("It was taken.");
  expect(["INVALID_ARGUMENT", "INVALID_EXPRESSION"]).toContain(error.code);
  expect((await table.refresh()).currentSnapshot).toBeUndefined();
});

test("a misspelled option is told the one that is near", async () => {
  await expect(table.append([{ x: 1 }], { brunch: "etl" } as never)).rejects.toThrow(
    'Did you mean "branch"?',
  );
});

test("a misspelled option of a lakehouse does not open another one", async () => {
  await expect(openLakehouse({ rooot: root } as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(openLakehouse("lake" as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
