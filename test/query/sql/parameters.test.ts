import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as duckdb from "@duckdb/node-api";
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBValue,
  listValue,
  timestampTZValue,
} from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  boolean,
  date,
  defineSchema,
  double,
  identifier,
  identity,
  int,
  type Lakehouse,
  long,
  openLakehouse,
  type SqlParams,
  type SqlPart,
  sql,
  string,
  timestamp,
  timestamptz,
} from "../../../lib/lakehouse/index.js";
import { runs } from "../../support/runs.js";

let dir: string;
let lake: Lakehouse;
let native: DuckDBConnection;

const DAYS = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"];
const NAMES = ["O'Hare", 'say "hi"', "", "naïve ☃", "$1", "?", "--", "b\\c"];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "parameters-"));
  lake = await openLakehouse({ root: dir, profile: "embedded" });
  const schema = defineSchema({
    id: int(),
    n: long(),
    x: double(),
    ok: boolean(),
    name: string(),
    day: date(),
    ts: timestamp(),
    moment: timestamptz(),
  });
  const table = await lake.createTable("n.t", { schema, partitionSpec: [identity("id")] });
  await table.append(
    Array.from({ length: 8 }, (_, i) => ({
      id: i,
      n: BigInt(i) * 1_000_000_000_000n,
      x: i / 8,
      ok: i % 2 === 0,
      name: NAMES[i] as string,
      day: DAYS[i % 4] as string,
      ts: `${DAYS[i % 4]}T12:00:00`,
      moment: `${DAYS[i % 4]}T00:00:00Z`,
    })),
  );
  native = await (await DuckDBInstance.create(":memory:")).connect();
  await native.run("SET TimeZone = 'UTC'; CREATE SCHEMA n");
  await native.run(`CREATE TABLE n.t AS SELECT i::INTEGER AS id, i * 1000000000000 AS n, i / 8 AS x, i % 2 = 0 AS ok,
    ['O''Hare', 'say "hi"', '', 'naïve ☃', '$1', '?', '--', 'b\\c'][i + 1] AS name,
    DATE '2024-01-01' + (i % 4)::INTEGER AS day, (DATE '2024-01-01' + (i % 4)::INTEGER) + INTERVAL 12 HOUR AS ts,
    (DATE '2024-01-01' + (i % 4)::INTEGER)::TIMESTAMPTZ AS moment FROM range(8) AS r(i)`);
});
afterAll(async () => {
  native.closeSync();
  await lake.close();
  await rm(dir, { recursive: true });
});

/** The ids that a statement gives, and how many files it read. */
async function found(text: string, params: SqlParams) {
  const result = await lake.sql(text, { params });
  const ids = (await result.rows()).map(({ id }) => Number(id));
  return { ids, files: result.tables.reduce((sum, { dataFiles }) => sum + dataFiles, 0) };
}

const day = new Date("2024-01-02T00:00:00Z");
const instant = timestampTZValue(BigInt(day.getTime()) * 1000n);

/** Statement, our values, DuckDB's for the same, and how many of the eight files are read. */
const CASES: readonly [string, SqlParams, DuckDBValue[] | Record<string, DuckDBValue>, number][] = [
  ["select id from n.t where id = ? order by 1", [3], [3], 1],
  ["select id from n.t where id = $1 or id = $2 or id = $1 order by 1", [3, 5], [3, 5], 2],
  [
    "select id from n.t where id between $low and $high order by 1",
    { high: 5, low: 3 },
    { low: 3, high: 5 },
    3,
  ],
  ["select id from n.t where id > -?  and id<?", [1, 2], [1, 2], 2],
  ["select id from n.t where id - ? = 7 and id=?", [0, 7], [0, 7], 1],
  ["select id from n.t where id - ? = 7", [-2], [-2], 8],
  ["select id from n.t where n > $n order by 1", { n: 5_000_000_000_000n }, { n: 5_000_000_000_000n }, 2],
  ["select id from n.t where n > $n order by 1", { n: 5_000_000_000_000 }, { n: 5_000_000_000_000n }, 2],
  ["select id from n.t where n < ? order by 1", [2n ** 100n], [2n ** 100n], 8],
  ["select id from n.t where x <= ? order by 1", [0.25], [0.25], 3],
  ["select id from n.t where x < ? order by 1", [Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY], 8],
  ["select id from n.t where ok = ? and id < ? order by 1", [true, 4], [true, 4], 2],
  ...NAMES.map((name) => ["select id from n.t where name = ?", [name], [name], 1] as (typeof CASES)[number]),
  ["select id from n.t where name like ? || '%' order by 1", ["O'"], ["O'"], 8],
  ["select id from n.t where day = ? order by 1", ["2024-01-02"], ["2024-01-02"], 2],
  ["select id from n.t where day = ? order by 1", [day], [instant], 2],
  ["select id from n.t where ts > ? order by 1", [day], [instant], 6],
  ["select id from n.t where ts >= ? order by 1", ["2024-01-04 12:00:00"], ["2024-01-04 12:00:00"], 2],
  ["select id from n.t where moment >= ? order by 1", [day], [instant], 6],
  [
    "select id from n.t where id in (select unnest($ids)) order by 1",
    { ids: [1, 6, 99] },
    { ids: listValue([1, 6, 99]) },
    2,
  ],
  [
    "select id from n.t where id = any($ids) order by 1",
    { ids: [1, null, 6] },
    { ids: listValue([1, null, 6]) },
    2,
  ],
  ["select id from n.t where id in $ids order by 1", { ids: [1, 6] }, { ids: listValue([1, 6]) }, 2],
  ["select id from n.t where name = any(?) order by 1", [["O'Hare", "?"]], [listValue(["O'Hare", "?"])], 2],
  [
    "select id from n.t where n in (select unnest(?)) order by 1",
    [[7_000_000_000_000n]],
    [listValue([7_000_000_000_000n])],
    1,
  ],
  [
    "select id from n.t where not (id = any($ids)) order by 1",
    { ids: [1, 6] },
    { ids: listValue([1, 6]) },
    8,
  ],
  ["select id from n.t where id = ? order by 1", [null], [null], 8],
  ["with w as (select ? as k) select id from n.t, w where id = k and id >= ?", [6, 5], [6, 5], 8],
  ["select id from n.t order by id limit ? offset ?", [2, 3], [2, 3], 8],
  [
    "select octet_length(?) as id",
    [Buffer.from([0, 255, 39])],
    [duckdb.blobValue(new Uint8Array([0, 255, 39]))],
    0,
  ],
  [
    'select ($s).a + ($s)."b c" as id',
    { s: { a: 1, "b c": 2 } },
    { s: duckdb.structValue({ a: 1, "b c": 2 }) },
    0,
  ],
  ["select sum(u)::int as id from unnest(?) as v(u)", [[1, 2, 3]], [listValue([1, 2, 3])], 0],
];

describe("a statement with parameters gives the rows that DuckDB gives from a table of its own", () => {
  test.each(CASES)("%s %o", async (text, params, values, files) => {
    const reader = await native.runAndReadAll(text, values as DuckDBValue[]);
    const expected = reader.getRows().map(([id]) => Number(id));
    expect(await found(text, params)).toEqual({ ids: expected, files });
  });
});

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 127n) + 1n, max: 2n ** 127n - 1n }),
  fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
);

describe("a value comes back as it went in:", () => {
  test("one alone", async () => {
    await fc.assert(
      fc.asyncProperty(scalar, async (value) => {
        const [row] = await (await lake.sql("select $v as v, 1 as one", { params: { v: value } })).rows();
        // What SQL reads as a 64-bit number is a bigint.
        const expected =
          typeof value === "number" && Number.isSafeInteger(value) && value !== (value | 0)
            ? BigInt(value)
            : value;
        expect(typeof row?.v === "bigint" && typeof expected === "number" ? Number(row.v) : row?.v).toEqual(
          expected,
        );
      }),
      { numRuns: runs(150) },
    );
  });

  test("lists, and structs in them", async () => {
    const lists = fc.oneof(
      fc.array(fc.option(fc.string({ unit: "binary" }).filter((text) => text.isWellFormed())), {
        minLength: 1,
      }),
      fc.array(fc.option(fc.double()), { minLength: 1 }),
      fc.array(fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), { minLength: 1 }),
      fc.array(fc.option(fc.boolean()), { minLength: 1 }),
      fc.array(fc.record({ a: fc.string(), 'b"c': fc.double() }, { noNullPrototype: true }), {
        minLength: 1,
      }),
    );
    await fc.assert(
      fc.asyncProperty(lists, async (value) => {
        fc.pre(value.some((item) => item !== null));
        const [row] = await (await lake.sql("select $v as v", { params: { v: value } })).rows();
        // A list of whole and other numbers is one of doubles.
        expect(JSON.parse(text(row?.v))).toEqual(JSON.parse(text(value)));
      }),
      { numRuns: runs(100) },
    );
  });
});

function text(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === "bigint" || (typeof inner === "number" && !Number.isFinite(inner))
      ? String(inner)
      : Object.is(inner, -0)
        ? 0
        : inner,
  );
}

test("a query with parameters gives the rows and reads the files of the same with constants", async () => {
  const values = fc.oneof(
    fc.integer({ min: -1, max: 9 }).map((v) => ({ column: "id", v, constant: String(v) })),
    fc
      .bigInt({ min: -1n, max: 9n })
      .map((k) => ({ column: "n", v: k * 10n ** 12n, constant: String(k * 10n ** 12n) })),
    fc.integer({ min: -1, max: 9 }).map((k) => ({ column: "x", v: k / 8, constant: `${k / 8}::DOUBLE` })),
    fc
      .constantFrom(...NAMES, "zz")
      .map((v) => ({ column: "name", v, constant: `'${v.replaceAll("'", "''")}'` })),
    fc.constantFrom(...DAYS).map((v) => ({ column: "day", v, constant: `'${v}'` })),
    fc
      .constantFrom(...DAYS)
      .map((v) => ({ column: "moment", v: new Date(v), constant: `TIMESTAMPTZ '${v} 00:00:00+00'` })),
  );
  const operator = fc.constantFrom("=", "<>", "<", "<=", ">", ">=", "is distinct from");
  await fc.assert(
    fc.asyncProperty(values, operator, values, fc.boolean(), async (a, op, b, or) => {
      const where = (left: string, right: string) =>
        `select id from n.t where ${a.column} ${op} ${left} ${or ? "or" : "and"} not (${b.column} > ${right}) order by id`;
      const bound = await found(where("$a", "$b"), { a: a.v, b: b.v });
      const constant = await found(where(a.constant, b.constant), {});
      expect(bound.ids).toEqual(constant.ids);
      expect(bound.files).toBeLessThanOrEqual(constant.files);
    }),
    { numRuns: runs(100) },
  );
});

describe("a template", () => {
  const rows = async (fragment: ReturnType<typeof sql>) => (await lake.sql(fragment)).rows();

  test("takes what stands in it for values, and fragments for text", async () => {
    const name = "O'Hare";
    expect(await (await lake.sql`select id from n.t where name = ${name}`).rows()).toEqual([{ id: 0 }]);
    const filter = sql`${identifier("id")} > ${4} and name <> ${"--"}`;
    const query = sql`select ${identifier("t", "id")} from ${identifier("n", "t")} where ${filter} and id < ${7} order by 1`;
    expect(await rows(query)).toEqual([{ id: 5 }]);
  });

  test("keeps backslashes as they are written", async () => {
    expect(await rows(sql`select regexp_matches(${"a1"}, '^\w\d$') as ok, '\`\${' as t`)).toEqual([
      { ok: true, t: "`${" },
    ]);
  });

  test("can be any nesting of fragments", async () => {
    const tree = fc.letrec<{ node: { text: string; values: SqlPart[]; fragment: ReturnType<typeof sql> } }>(
      (tie) => ({
        node: fc.oneof(
          { depthSize: "small" },
          fc.integer({ min: 0, max: 99 }).map((v) => ({ text: String(v), values: [v], fragment: sql`${v}` })),
          fc.tuple(tie("node"), tie("node")).map(([a, b]) => ({
            text: `(${a.text} + ${b.text})`,
            values: [...a.values, ...b.values],
            fragment: sql`(${a.fragment} + ${b.fragment})`,
          })),
        ),
      }),
    );
    await fc.assert(
      fc.property(tree.node, ({ text: plain, values, fragment }) => {
        expect(fragment.values).toEqual(values);
        let i = 0;
        expect(fragment.text).toBe(plain.replace(/\d+/g, () => `$${++i}`));
      }),
      { numRuns: runs(100) },
    );
  });

  test.each([
    ["in quotes", () => sql`select '${1}'`],
    ["in a name", () => sql`select a${1}`],
    ["in a comment", () => sql`select 1 -- ${1}`],
    ["beside a parameter", () => sql`select $1 + ${1}`],
    ["beside a digit", () => sql`select ${1}5`],
  ])("is refused with a value %s", async (_, make) => {
    await expect(rows(make())).rejects.toMatchObject({ code: "INVALID_ARGUMENT", subject: "template" });
  });

  test("is refused a name that is none", () => {
    expect(() => identifier()).toThrow("A name in SQL is not empty");
    expect(() => identifier("a", "")).toThrow("A name in SQL is not empty");
  });
});

test.each<[string, unknown, string]>([
  ["select ?", undefined, "The statement has the parameter ?, and no values came with it."],
  ["select $a + $b", undefined, "The statement has the parameters $a, $b, and no values came with it."],
  ["select ?, ?", [1], "2 parameters, and 1 value came with it. It has no value 2."],
  ["select ?", [1, 2], "1 parameter, and 2 values came with it. Nothing in it stands for value 2."],
  ["select $2", [1, 2], "Nothing in it stands for value 1"],
  ["select '?'", [1], "The statement has 0 parameters, and 1 value came"],
  ["select $a, ?", [1], "parameters of several kinds: $name, ?"],
  ["select $1, ?", [1], "parameters of several kinds: $1, ?"],
  ["select $origin", { orgin: 1 }, "There is no value for the parameter $origin. The values have orgin"],
  [
    "select $a",
    { a: 1, b: 2 },
    "The statement has no parameter $b, and a value for it came along. It has $a.",
  ],
  ["select $toString", {}, "There is no value for the parameter $toString."],
  ["select $a", [1], "parameters with names ($a), and its values came without"],
  ["select ?", { a: 1 }, "parameters without names, and its values came by name"],
  ["select $1", 5, "an array, or an object by name"],
  ["select $a", { a: undefined }, "$a is undefined, which SQL has no type for. Write null"],
  ["select ?", [() => 1], "params[0] is a function"],
  ["select ?", [new Date("x")], "a Date that is no point in time"],
  ["select ?", [new URL("http://a")], "an object of the class URL"],
  ["select ?", [{}], "an object without members"],
  ["select ?", [[1, "a"]], "values of several kinds: whole, text"],
  ["select ?", [[1n, 0.5]], "no type holds both exactly"],
  ["select ?", [Array.of(1, undefined, 2)], "params[0][1] is undefined"],
  ["select ?", [2n ** 127n], "a bigint of more than 128 bits"],
  ["select ?", ["\ud800"], "half a surrogate pair"],
])("%s with %o is refused", async (statement, params, message) => {
  const refused = lake.sql(statement, { params: params as SqlParams });
  await expect(refused).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(message),
  });
});

test("a value that holds itself is refused", async () => {
  const loop: unknown[] = [];
  loop.push(loop);
  await expect(lake.sql("select ?", { params: [loop as never] })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

test("no value is ever a name, or a statement's other words", async () => {
  for (const name of ["n.t", join(dir, "any.parquet"), "'; select 1"]) {
    await expect(lake.sql("select * from $name", { params: { name } })).rejects.toMatchObject({
      code: "INVALID_SQL",
    });
    await expect(lake.sql("select 1 as $name", { params: { name } })).rejects.toMatchObject({
      code: "INVALID_SQL",
    });
  }
});

test("an error shows the statement as it was written", async () => {
  const failing = lake.sql("select id from n.t where name = $name and day = $day", {
    params: { name: "O'Hare", day: "noday" },
  });
  await expect(failing).rejects.toMatchObject({
    code: "INVALID_SQL",
    message: expect.stringContaining("line 1: select id from n.t where name = $name and day = $day"),
  });
});

test("a parameter chooses a snapshot and a time", async () => {
  const table = await lake.table("n.t");
  const { snapshotId, timestampMs } = table.currentSnapshot as { snapshotId: bigint; timestampMs: bigint };
  const count = async (text: string, params: SqlParams) =>
    (await (await lake.sql(text, { params })).rows())[0]?.c;
  expect(await count("select count(*) as c from n.t for version as of $v", { v: snapshotId })).toBe(8n);
  expect(await count("select count(*) as c from n.t for version as of ?", ["main"])).toBe(8n);
  expect(await count("select count(*) as c from n.t at (version => ?)", [snapshotId])).toBe(8n);
  const at = new Date(Number(timestampMs) + 1);
  expect(
    await count("select count(*) as c from n.t for timestamp as of $at where id < $id", { at, id: 4 }),
  ).toBe(4n);
  await expect(
    count("select count(*) as c from n.t for version as of $v", { v: snapshotId + 1n }),
  ).rejects.toMatchObject({
    code: "NO_SUCH_SNAPSHOT",
  });
});
