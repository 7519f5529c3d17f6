import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  type Column,
  type DataFile,
  defineSchema,
  double,
  eq,
  type FormatVersion,
  identity,
  isNull,
  long,
  type NestedField,
  newTableMetadata,
  POSITION,
  ROW_ID,
  type Schema,
  serializeTableMetadata,
  string,
  struct,
  type Table,
  UpdateSchema,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { writeParquet } from "../../../lib/lakehouse/parquet/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { FileSchemas } from "../../../lib/lakehouse/query/relation/file-schemas.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

type Row = Record<string, unknown>;

let directory: string;
let engine: QueryEngine;
let catalog: BranchingCatalog;
let store: LocalStore;
let tables = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "query-names-"));
  store = new LocalStore(directory, { durable: false });
  catalog = await openCatalog({ backend: ":memory:", store });
  engine = await openQueryEngine({
    resolve: (name) =>
      catalog
        .loadTable({ namespace: name.slice(0, -1), name: name.at(-1) ?? "" })
        .catch((error: unknown) =>
          isLakehouseError(error, "NO_SUCH_TABLE") ? undefined : Promise.reject(error),
        ),
  });
  await catalog.createNamespace("n");
});

afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

interface Options {
  readonly formatVersion?: FormatVersion;
  readonly mode?: WriteMode;
  readonly partitionedBy?: string | undefined;
  readonly name?: string;
}

async function create(schema: Schema, options: Options = {}): Promise<Table> {
  const { formatVersion = 2, mode = "copy-on-write", partitionedBy, name = `n.t${tables++}` } = options;
  const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
  const partitionSpec = partitionedBy === undefined ? undefined : [identity(partitionedBy)];
  const table = await catalog.createTable(name, { schema, formatVersion, properties, partitionSpec });
  return table.withEngine(engine) as Table;
}

const optional = (names: readonly string[]) =>
  defineSchema(
    Object.fromEntries(names.map((name) => [name, long().optional()])) as Record<
      string,
      Column<bigint, true>
    >,
  );

const row = (names: readonly string[], values: readonly (bigint | null)[]): Row =>
  Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]));

const text = (value: unknown) =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));

/** Rows as texts, their columns in one order, the rows sorted. */
const sorted = (rows: readonly Row[]) =>
  rows.map((each) => text(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

async function read(table: Table): Promise<Row[]> {
  return (await engine.scan(table, table.scan())).rows();
}

const sql = async (query: string): Promise<Row[]> => (await engine.sql(query)).rows();

const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

const modes: readonly [FormatVersion, WriteMode][] = [
  [1, "copy-on-write"],
  [2, "copy-on-write"],
  [2, "merge-on-read"],
  [3, "copy-on-write"],
  [3, "merge-on-read"],
];

describe.each(modes)("in v%i, %s, columns that differ by case alone", (formatVersion, mode) => {
  const rows = [
    { k: 1n, a: 10n, A: 100n },
    { k: 2n, a: 20n, A: 200n },
    { k: 3n, a: 30n, A: null },
  ];
  const make = async () => {
    const table = await create(optional(["k", "a", "A"]), { formatVersion, mode });
    return table.append(rows);
  };

  test("keep their values when a neighbour is deleted", async () => {
    const table = await (await make()).deleteRows(eq("k", 1n));
    expect(await read(table)).toEqual(rows.slice(1));
  });

  test("are told apart by filters", async () => {
    const table = await (await make()).deleteRows(eq("A", 20n));
    expect(await read(table)).toEqual(rows);
    expect(await read(await table.deleteRows(eq("A", 200n)))).toEqual([rows[0], rows[2]]);
  });

  test("are told apart by assignments, as values and in SQL", async () => {
    const table = await (await make()).updateRows(eq("k", 3n), { A: { sql: 'a + 1 + "k"' }, a: 5n });
    expect(sorted(await read(table))).toEqual(sorted([...rows.slice(0, 2), { k: 3n, a: 5n, A: 34n }]));
    const next = await table.updateRows(eq("A", 34n), (each) => ({ a: each.A, A: each.a }));
    expect(sorted(await read(next))).toEqual(sorted([...rows.slice(0, 2), { k: 3n, a: 34n, A: 5n }]));
  });

  test("are told apart as keys of an upsert", async () => {
    const table = await (await make()).merge([{ k: 7n, a: 1n, A: 200n }], { on: ["A"] });
    expect(sorted(await read(table))).toEqual(
      sorted([rows[0] as Row, { k: 7n, a: 1n, A: 200n }, rows[2] as Row]),
    );
  });

  test("are told apart by changes", async () => {
    const table = await (await make()).updateRows(eq("A", 100n), { A: 101n });
    const changes = await (await engine.changes(table, { on: ["k"], filter: eq("k", 1n) })).rows();
    expect(changes.map(({ a, A, _change_type }) => [a, A, _change_type])).toEqual([
      [10n, 100n, "INSERT"],
      [10n, 100n, "UPDATE_BEFORE"],
      [10n, 101n, "UPDATE_AFTER"],
    ]);
    const inSql = await sql(`select "A", a, _change_type from ${table.name}.changes where "A" = 101`);
    expect(inSql).toEqual([{ A: 101n, a: 10n, _change_type: expect.any(String) }]);
  });
});

describe("in lake.sql, columns that differ by case alone", () => {
  let t: string;
  beforeAll(async () => {
    const table = await create(optional(["k", "a", "A"]));
    await table.append([
      { k: 1n, a: 10n, A: 100n },
      { k: 2n, a: 20n, A: 5n },
    ]);
    t = table.name;
    const other = await create(optional(["k", "a"]), { name: "n.other" });
    await other.append([{ k: 1n, a: -1n }]);
  });

  test("are all in a result, under their names", async () => {
    const result = await engine.sql(`select * from ${t} order by k`);
    expect(result.columns).toEqual(["k", "a", "A"]);
    expect(await result.rows()).toEqual([
      { k: 1n, a: 10n, A: 100n },
      { k: 2n, a: 20n, A: 5n },
    ]);
  });

  test.each([
    ["where", `select k from T where A = 5`, [{ k: 2n }]],
    ["quoted", `select k from T where "a" = 10`, [{ k: 1n }]],
    ["in a list", `select A, a from T where k = 1`, [{ A: 100n, a: 10n }]],
    ["in order", `select k from T order by A`, [{ k: 2n }, { k: 1n }]],
    ["grouped", `select A, count(*) as n from T group by A having A > 5`, [{ A: 100n, n: 1n }]],
    ["qualified", `select T1.A from T as T1 join n.other as o on T1.k = o.k`, [{ A: 100n }]],
    ["qualified in full", `select max(T.A) as m from T`, [{ m: 100n }]],
    ["beside another table's", `select x.A, o.a from T x join n.other o on x.k = o.k`, [{ A: 100n, a: -1n }]],
    ["by what SQL calls them", `select "A#3" as m from T where "a#2" = 20`, [{ m: 5n }]],
    ["an alias in ORDER BY", `select -k as a from T order by a`, [{ a: -2n }, { a: -1n }]],
    ["in a query inside", `select (select max(A) from T) as m`, [{ m: 100n }]],
    ["in a CTE", `with c as (select A as big from T) select sum(big)::BIGINT as s from c`, [{ s: 105n }]],
    ["with column aliases", `select z from T as q(x, y, z) where y = 10`, [{ z: 100n }]],
  ])("are meant by their exact spelling: %s", async (_, query, expected) => {
    expect(await sql(query.replaceAll(/\bT\b(?!\.)/g, t).replaceAll("T.", `${t}.`))).toEqual(expected);
  });

  test("have their own names in an expression that is called by its text", async () => {
    const { columns } = await engine.sql(`select count(a), max(A + k) from ${t}`);
    expect(columns).toEqual(['count("a")', 'max(("A" + k))']);
  });

  test("are refused where a name could mean either", async () => {
    const table = await create(optional(["Aa", "aA"]));
    await table.append([{ Aa: 1n, aA: 2n }]);
    const expected = 'Write "Aa#1" or "aA#2".';
    expect(await message(sql(`select aa from ${table.name}`))).toContain(expected);
    expect(await message(sql(`select x.AA from ${table.name} x`))).toContain(expected);
    expect(await message(sql(`select a from ${t} join n.other o on ${t}.k = o.k`))).toContain(
      'Write "a#2" or "A#3".',
    );
    expect(await message(sql(`select a from ${t} natural join n.other`))).toMatch(/NATURAL JOIN/);
    const where = engine.scan(table, table.scan(), { where: "aa = 1" });
    expect(await message(where)).toContain(expected);
  });

  test("are told apart by a filter in SQL", async () => {
    const table = await catalog.loadTable(t);
    const found = await engine.scan(table, table.scan({ select: ["A"] }), {
      where: 'A = 5 and "a" = 20 -- a',
    });
    expect(await found.rows()).toEqual([{ A: 5n }]);
  });
});

describe("names of any kind", () => {
  test("that every object inherits are no values of a row that leaves them out", async () => {
    const table = await create(optional(["k", "constructor", "toString", "__proto__"]));
    const rows = await read(await table.append([{ k: 1n }, { k: 2n, toString: 5n } as unknown as Row]));
    expect(rows.map((each) => Object.entries(each))).toEqual([
      Object.entries(row(["k", "constructor", "toString", "__proto__"], [1n])),
      Object.entries(row(["k", "constructor", "toString", "__proto__"], [2n, null, 5n])),
    ]);
  });

  test("partition a table, also where Avro has one name for two", async () => {
    const names = ["a b", "a_x20b", "É", "é", "__proto__"];
    const name = `n.t${tables++}`;
    const partitionSpec = names.map((each) => identity(each));
    const made = await catalog.createTable(name, { schema: optional(["k", ...names]), partitionSpec });
    let table = made.withEngine(engine) as Table;
    const rows = [1n, 2n].map((k) => row(["k", ...names], [k, k * 10n, k * 11n, k * 12n, k * 13n, k * 14n]));
    table = await table.append(rows);
    expect(sorted(await read(table))).toEqual(sorted(rows));
    for (const [i, each] of names.entries()) {
      const scan = table.scan({ filter: eq(each, 20n + 2n * BigInt(i)) });
      expect(await (await engine.scan(table, scan)).rows()).toEqual([rows[1]]);
      expect((await scan.planAll()).tasks).toHaveLength(1);
    }
    const partitions = await sql(`select * from ${name}.partitions order by 1`);
    expect(
      partitions.map(({ partition }) => (partition as Map<string, string>).get("a_x20b")).sort(),
    ).toEqual(["11", "22"]);
  });

  test("that are half a character are refused", async () => {
    expect(await message(create(optional(["k", "a\ud800"])))).toMatch(/half a surrogate pair/);
  });

  test("do not end a statement", async () => {
    const table = await (await create(optional(["k"]))).append([{ k: 1n }]);
    expect(await message(sql(`select k from ${table.name} \0 where false`))).toMatch(/NUL/);
    expect(await message(engine.scan(table, table.scan(), { where: "k = 1 \0 and false" }))).toMatch(/NUL/);
    const strings = await create(defineSchema({ s: string() }));
    const found = await strings.append([{ s: "a\0b" }, { s: "a" }]);
    expect(await (await engine.scan(found, found.scan({ filter: eq("s", "a\0b") }))).rows()).toEqual([
      { s: "a\0b" },
    ]);
  });
});

describe("tables and namespaces that differ by case alone", () => {
  test("are two", async () => {
    await catalog.createNamespace("N");
    for (const [name, value] of [
      ["n.c", 1n],
      ["n.C", 2n],
      ["N.c", 3n],
    ] as const) {
      await (await create(optional(["v"]), { name })).append([{ v: value }]);
    }
    expect(await sql("select v from n.c")).toEqual([{ v: 1n }]);
    expect(await sql("select v from n.C")).toEqual([{ v: 2n }]);
    expect(await sql('select v from "N".c')).toEqual([{ v: 3n }]);
    expect(await sql("select x.v, y.v as w from n.c x, n.C y")).toEqual([{ v: 1n, w: 2n }]);
    const both = await message(sql("select n.c.v, n.C.v from n.c, n.C"));
    expect(both).toMatch(/Ambiguous|uplicate/);
    expect(await sql("table n.C")).toEqual([{ v: 2n }]);
    expect(
      await sql("select * from \"lakehouse reference 1\", n.c for version as of 'main'").catch(() => []),
    ).toEqual([]);
  });
});

describe("names that the spec reserves", () => {
  test.each(["_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id", "_change_type"])(
    "%s is refused with the reason",
    async (name) => {
      expect(await message(create(optional(["k", name])))).toMatch(/the Iceberg spec reserves the name for/);
      const table = await create(optional(["k"]));
      const added = table.update([new UpdateSchema().addColumn(name, long().optional())]);
      expect(await message(added)).toMatch(/reserves/);
      const renamed = table.update([new UpdateSchema().renameColumn("k", name)]);
      expect(await message(renamed)).toMatch(/reserves/);
    },
  );

  test("are free inside of structs, in another case, and where only delete files have them", async () => {
    const schema = defineSchema({
      s: struct({ _pos: long() }),
      _POS: long(),
      pos: long(),
      file_path: long(),
      row: long(),
    });
    const table = await create(schema);
    const rows = [{ s: { _pos: 1n }, _POS: 2n, pos: 3n, file_path: 4n, row: 5n }];
    expect(await read(await table.append(rows))).toEqual(rows);
  });

  test("a name with a dot is refused where it would be two fields'", async () => {
    const schema = defineSchema({ a: struct({ b: long() }), "a.b": long() });
    expect(await message(create(schema))).toMatch(/the name of two fields/);
  });
});

const HOSTILE = [
  "a",
  "A",
  "É",
  "é",
  "ß",
  "SS",
  "_POS",
  "_Task",
  "_task",
  "task",
  "deleted",
  "DELETED",
  "_FILE",
  "p0",
  "c1",
  "C1",
  "c2",
  "m_pos",
  "m_task",
  "m_row_id",
  "f",
  "k0",
  "d0",
  "t",
  "s",
  "m",
  "file_index",
  "file_row_number",
  "filename",
  "FILE_ROW_NUMBER",
  "rowid",
  "row_id",
  "file",
  "pos",
  "source",
  "changed",
  "type",
  "ord",
  "sign",
  "n",
  "select",
  "a#1",
  "A#2",
  "a.b",
  'q"q',
  "it's",
  "",
  " ",
  "-- x",
  ";",
  "x\ny",
  "\u0000",
  "\u2028",
  "constructor",
  "__proto__",
  "toString",
  "key",
  "value",
  "element",
  "x".repeat(3000),
];

const value = fc.option(fc.bigInt({ min: 0n, max: 3n }), { nil: null });
const world = fc.record({
  names: fc.uniqueArray(fc.constantFrom(...HOSTILE), { minLength: 2, maxLength: 7 }),
  nested: fc.uniqueArray(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 4 }),
  partitioned: fc.boolean(),
  version: fc.constantFrom(...modes),
  files: fc.array(
    fc.array(fc.array(value, { minLength: 11, maxLength: 11 }), { minLength: 1, maxLength: 4 }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom("delete", "set", "map", "sql", "overwrite", "merge"),
      at: fc.nat(6),
      to: fc.nat(6),
      is: fc.bigInt({ min: 0n, max: 3n }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

describe("whatever columns are called", () => {
  test("rows are what a list of rows would be", async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        async ({ names, nested, partitioned, version: [formatVersion, mode], files, steps }) => {
          const struct0 = "the struct";
          const members = Object.fromEntries(nested.map((name) => [name, long().optional()]));
          const schema = defineSchema({
            ...Object.fromEntries(names.map((name) => [name, long().optional()])),
            [struct0]: struct(members).optional(),
          } as Record<string, Column<unknown, true>>);
          const partitionedBy = partitioned ? names.find((name) => name !== "") : undefined;
          let table = await create(schema, { formatVersion, mode, partitionedBy });
          let model: Row[] = [];
          const toRow = (cells: readonly (bigint | null)[]): Row => ({
            ...row(names, cells),
            [struct0]: cells[7] === null ? null : row(nested, cells.slice(7)),
          });
          for (const cells of files) {
            table = await table.append(cells.map(toRow));
            model.push(...cells.map(toRow));
          }
          for (const { kind, at, to, is } of steps) {
            const column = names[at % names.length] as string;
            const target = names[to % names.length] as string;
            const matches = (each: Row) => each[column] === is;
            if (kind === "delete") {
              table = await table.deleteRows(eq(column, is));
              model = model.filter((each) => !matches(each));
            } else if (kind === "set") {
              table = await table.updateRows(eq(column, is), Object.fromEntries([[target, 2n]]));
              model = model.map((each) => (matches(each) ? { ...each, ...row([target], [2n]) } : each));
            } else if (kind === "map") {
              const change = (each: Row) => row([target], [(each[column] as bigint) + 1n]);
              table = await table.updateRows(eq(column, is), change);
              model = model.map((each) => (matches(each) ? { ...each, ...change(each) } : each));
            } else if (kind === "sql") {
              // SQL has no word for some names; those that it has are meant just so.
              if (column === "" || column.includes("\0")) continue;
              const expression = { sql: `"${column.replaceAll('"', '""')}" + 1` };
              table = await table.updateRows(eq(column, is), Object.fromEntries([[target, expression]]));
              const next = (each: Row) => row([target], [(each[column] as bigint) + 1n]);
              model = model.map((each) => (matches(each) ? { ...each, ...next(each) } : each));
            } else if (kind === "overwrite") {
              const fresh = toRow([is, is, is, is, is, is, is, null]);
              table = await table.overwrite([fresh], { where: eq(column, is) });
              model = [...model.filter((each) => !matches(each)), fresh];
            } else {
              const fresh = toRow([is, is, is, is, is, is, is, is, is, is, is]);
              const keyed = model.filter(matches);
              table = await table.merge([fresh], { on: [column] });
              model =
                keyed.length === 0 ? [...model, fresh] : model.map((each) => (matches(each) ? fresh : each));
            }
          }
          expect(sorted(await read(table))).toEqual(sorted(model));
          for (const name of names) {
            const scan = table.scan({ filter: eq(name, 1n), select: [name] });
            const found = await (await engine.scan(table, scan)).rows();
            expect(found).toEqual(
              model.filter((each) => each[name] === 1n).map((each) => row([name], [each[name] as bigint])),
            );
          }
          for (const name of nested) {
            const member = `${struct0}.${name}`;
            const found = await (await engine.scan(table, table.scan({ filter: eq(member, 1n) }))).rows();
            const inModel = model.filter((each) => (each[struct0] as Row | null)?.[name] === 1n);
            expect(sorted(found)).toEqual(sorted(inModel));
          }
          const inSql = await sql(`select * from ${table.name}`);
          expect(sorted(inSql.map((each) => ({ ...each, [struct0]: null })))).toEqual(
            sorted(model.map((each) => ({ ...each, [struct0]: null }))),
          );
          for (const name of names) {
            if (name === "" || name.includes("\0")) continue;
            const quoted = `"${name.replaceAll('"', '""')}"`;
            const counted = await sql(`select count(*) as n from ${table.name} where ${quoted} = 1`);
            expect(counted).toEqual([{ n: BigInt(model.filter((each) => each[name] === 1n).length) }]);
            const sums = await sql(`select sum(x.${quoted})::BIGINT as n from ${table.name} as x`);
            const present = model.map((each) => each[name]).filter((each) => each !== null) as bigint[];
            expect(sums).toEqual([
              { n: present.length === 0 ? null : present.reduce((sum, each) => sum + each, 0n) },
            ]);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** Metadata that only others would make: names and field ids that the spec reserves. */
describe("a table of others", () => {
  async function register(
    formatVersion: FormatVersion,
    mode: WriteMode,
    change: (field: NestedField) => NestedField,
  ): Promise<Table> {
    const location = `${store.root}/foreign-${tables++}`;
    const fresh = newTableMetadata({ schema: optional(["k", "a", "b"]), formatVersion, location });
    const schemas = fresh.schemas.map((schema) => ({ ...schema, fields: schema.fields.map(change) }));
    const ids = schemas.flatMap((schema) => schema.fields.map(({ id }) => id));
    const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
    const metadata = { ...fresh, schemas, properties, lastColumnId: Math.max(...ids) };
    const uri = `${location}/metadata/00000-foreign.metadata.json`;
    await store.put(uri, Buffer.from(serializeTableMetadata(metadata)));
    return (await catalog.registerTable(`n.foreign${tables}`, uri)).withEngine(engine) as Table;
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
