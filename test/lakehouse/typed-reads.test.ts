import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  alwaysTrue,
  and,
  asc,
  bucket,
  day,
  defineSchema,
  desc,
  type Expression,
  eq,
  gt,
  identity,
  int,
  isNull,
  type Lakehouse,
  list,
  long,
  not,
  notNull,
  openLakehouse,
  or,
  type RowOf,
  type Schema,
  startsWith,
  string,
  struct,
} from "sololakehouse";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";

const schema = defineSchema({
  id: long(),
  state: string().as<"open" | "closed">(),
  place: struct({ city: string().optional() }).optional(),
  tags: list(string()).optional(),
});
type Case = RowOf<typeof schema>;

let root: string;
let lake: Lakehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "typed-"));
  lake = await openLakehouse({ root, profile: "embedded" });
  const table = await lake.createTable("a.cases", { schema });
  await table.append([
    { id: 1n, state: "open", place: { city: "Ulm" } },
    { id: 2n, state: "closed", tags: ["x"] },
  ]);
});

afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

test("rows are those of the schema, and of the columns that are selected", async () => {
  const table = await lake.table("a.cases", { schema });
  const rows = await table.rows();
  expectTypeOf(rows).toEqualTypeOf<Case[]>();
  expect(rows).toEqual([
    { id: 1n, state: "open", place: { city: "Ulm" }, tags: null },
    { id: 2n, state: "closed", place: null, tags: ["x"] },
  ]);
  const some = await table.rows({ filter: gt("id", 1n), select: ["state", "id"], limit: 5 });
  expectTypeOf(some).toEqualTypeOf<Pick<Case, "state" | "id">[]>();
  expect(some).toEqual([{ state: "closed", id: 2n }]);
  expect(await table.rows({ limit: 1 })).toHaveLength(1);
  await expect(
    // @ts-expect-error there is no such column
    table.rows({ select: ["nope"] }),
  ).rejects.toMatchObject({ code: "INVALID_SCHEMA" });
});

test("rows of an earlier snapshot, and after deletes", async () => {
  const table = await lake.createTable("a.past", { schema });
  const first = await table.append([{ id: 1n, state: "open" }]);
  const then = await first.deleteRows(gt("id", 0n));
  expect(await then.rows()).toEqual([]);
  const { snapshotId } = first.currentSnapshot ?? {};
  expect(await then.rows({ snapshotId, select: ["id"] })).toEqual([{ id: 1n }]);
});

test("of a table whose rows are not known, any column can be selected", async () => {
  const table = await lake.table("a.cases");
  expectTypeOf(await table.rows()).toEqualTypeOf<Record<string, unknown>[]>();
  expect(await table.rows({ select: ["id"], limit: 1 })).toEqual([{ id: 1n }]);
});

test("a literal union is what the compiler lets in", async () => {
  expectTypeOf<Case["state"]>().toEqualTypeOf<"open" | "closed">();
  const table = await lake.createTable("a.union", { schema });
  // @ts-expect-error no such state
  const after = await table.append([{ id: 1n, state: "ajar" }]);
  expect(await after.rows({ select: ["state"] })).toEqual([{ state: "ajar" }]);
});

test("a key names columns of the row", async () => {
  const table = await lake.createTable("a.keyed", { schema });
  const after = await table.upsert([{ id: 1n, state: "open" }], { on: ["id"] });
  expect(await after.rows({ select: ["id"] })).toEqual([{ id: 1n }]);
  // @ts-expect-error there is no such column
  await expect(after.upsert([], { on: ["ident"] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("partitioning and order name columns of the schema, or what is inside one", async () => {
  const table = await lake.createTable("a.laid_out", {
    schema,
    partitionSpec: [identity("state"), bucket("place.city", 4)],
    sortOrder: [asc("id"), desc(bucket("id", 2))],
  });
  expectTypeOf(await table.rows()).toEqualTypeOf<Case[]>();
  expect(table.spec.fields.map(({ name }) => name)).toEqual(["state", "place.city_bucket"]);
  const refused = { code: "INVALID_ARGUMENT" };
  // @ts-expect-error there is no such column
  await expect(lake.createTable("a.b", { schema, partitionSpec: [day("att")] })).rejects.toMatchObject(
    refused,
  );
  // @ts-expect-error there is no such column
  await expect(lake.createTable("a.b", { schema, sortOrder: [asc("idd")] })).rejects.toMatchObject(refused);
  await expect(
    // @ts-expect-error there is no such column
    lake.createOrReplaceTable("a.b", { schema, partitionSpec: [identity("stat")] }),
  ).rejects.toMatchObject(refused);
});

test("filters name columns of the row, or what is inside one", async () => {
  const empty = await lake.createTable("a.filtered", { schema });
  const table = await empty.append([{ id: 1n, state: "open", place: { city: "Ulm" } }]);
  const filter = and(gt("id", 0n), or(not(eq("state", "closed")), startsWith("place.city", "U")));
  expect(await table.rows({ filter, select: ["id"] })).toEqual([{ id: 1n }]);
  const refused = { code: "INVALID_EXPRESSION" };
  const slip = and(eq("state", "open"), isNull("ident"));
  // @ts-expect-error there is no such column
  await expect(table.scan({ filter: slip }).planAll()).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(table.rows({ filter: gt(bucket("ident", 4), 1) })).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(table.deleteRows(not(slip))).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(table.updateRows(slip, { state: "open" })).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(table.overwrite([], { where: or(slip, gt("id", 1n)) })).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(table.incrementalAppends({}, { filter: slip })).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(lake.changes(table, { filter: slip }).rows()).rejects.toMatchObject(refused);
  // @ts-expect-error there is no such column
  await expect(lake.changes(table, { on: ["ident"] }).rows()).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  const came = await lake.changes(table, { filter: and(eq("_change_type", "INSERT"), filter) }).rows();
  expect(came).toMatchObject([{ id: 1n }]);
  await expect(table.rowDelta({ on: ["ident"], deletes: [] })).rejects.toMatchObject({ subject: "on" });
});

test("names that are made at run time are looked up there", async () => {
  const names: string[] = ["state", "id"];
  const partitionSpec = names.map((name) => identity(name));
  const sortOrder = names.map((name) => asc(name));
  const table = await lake.createTable("a.computed", { schema, partitionSpec, sortOrder });
  const filter: Expression = and(...names.map((name) => notNull(name)));
  expect(await table.rows({ filter })).toEqual([]);
  expect(await table.rows({ filter: and(alwaysTrue, filter, gt("id", 1n)) })).toEqual([]);
});

test("where the compiler does not know the columns, any name will do", async () => {
  const columns: Schema = schema;
  const name = String("state");
  const table = await lake.createTable("a.untyped", { schema: columns, partitionSpec: [identity(name)] });
  expectTypeOf(await table.rows()).toEqualTypeOf<Record<string, unknown>[]>();
  expect(table.scan({ select: [name] }).schema.fields).toHaveLength(1);
});

test("a scan selects columns of the row, what is inside one, and metadata columns", async () => {
  const table = await lake.table("a.cases", { schema });
  const scan = table.scan({ select: ["id", "place.city", "_file"] });
  expect(scan.schema.fields.map((field) => field.name)).toEqual(["id", "place"]);
  expect(() =>
    table.scan({
      // @ts-expect-error there is no such column
      select: ["ident"],
    }),
  ).toThrow(expect.objectContaining({ code: "INVALID_SCHEMA" }));
});

test("a query's rows are of an interface that the caller names", async () => {
  interface Count {
    n: bigint;
  }
  const rows = await (await lake.sql("select count(*) as n from a.cases")).rows<Count>();
  expectTypeOf(rows).toEqualTypeOf<Count[]>();
  expect(rows).toEqual([{ n: 2n }]);
});

test("a declared schema is held against the table, and all that differs is told", async () => {
  const table = await lake.table("a.cases", { schema });
  expectTypeOf(await table.rows()).toEqualTypeOf<Case[]>();
  const other = defineSchema({
    id: int(),
    state: string().optional(),
    place: struct({ city: string(), zip: string() }).optional(),
  });
  await expect(lake.table("a.cases", { schema: other })).rejects.toMatchObject({
    code: "SCHEMA_MISMATCH",
    message: expect.stringContaining(
      [
        "id is long in the table, and int in the schema",
        "state is required in the table, and optional in the schema",
        "place.city is optional in the table, and required in the schema",
        "the table has no place.zip",
        "the schema has no tags",
      ].join("; "),
    ),
  });
  await expect(lake.table("a.cases", { schema: "id long" as never })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});
