import { beforeAll, describe, expect, test } from "vitest";
import {
  defineSchema,
  eq,
  identity,
  long,
  string,
  struct,
  type Table,
  UpdateSchema,
} from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine, newName } from "../support/lake.js";
import {
  create,
  message,
  modes,
  optional,
  type Row,
  read,
  row,
  sorted,
  sql,
} from "../support/named-tables.js";

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

  test.each([
    ["A IS DISTINCT FROM 100", [{ A: 5n }]],
    ['"a" IS NOT DISTINCT FROM 10', [{ A: 100n }]],
    ["substring(A::VARCHAR FROM 2) = '00'", [{ A: 100n }]],
    ["A IN (SELECT 5)", [{ A: 5n }]],
    ["A IN (VALUES (5))", [{ A: 5n }]],
    ["A IN (FROM range(6))", [{ A: 5n }]],
  ])("are told apart beside queries and other uses of FROM: %s", async (where, expected) => {
    const table = await catalog.loadTable(t);
    const found = await engine.scan(table, table.scan({ select: ["A"] }), { where });
    expect(await found.rows()).toEqual(expected);
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
    const name = newName();
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
