import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  boolean,
  type Column,
  date,
  decimal,
  defineSchema,
  double,
  int,
  type Lakehouse,
  long,
  openLakehouse,
  string,
  timestamp,
} from "sololakehouse";
import { append, replace, type Spark, task } from "sololakehouse/pipeline";
import { contract } from "sololakehouse/quality";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sparkHere } from "./spark-here.js";

/** What lib/lakehouse/pipeline/spark/dialect.ts lists, by DuckDB and by Spark over the same random rows. */
let root: string;
let lake: Lakehouse;
let spark: Spark;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "spark-dialect-"));
  lake = await openLakehouse({ root });
  spark = lake.pipeline.spark(sparkHere);
});
afterAll(async () => {
  await lake?.close();
  await rm(root, { recursive: true, force: true });
});

const rows = contract({
  name: "n.rows",
  owner: "test",
  schema: defineSchema({
    id: int(),
    s: string().optional(),
    o: string().optional(),
    i: int().optional(),
    l: long().optional(),
    x: double().optional(),
    y: double().optional(),
    c: decimal(10, 2).optional(),
    d: date().optional(),
    t: timestamp().optional(),
    b: boolean().optional(),
  }),
});

const NUMBER = "case when regexp_extract(s, '-?[0-9]{1,9}', 0) = s then s end";
const DAY = "case when regexp_extract(s, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}', 0) = s then s end";
const TIME =
  "case when regexp_extract(s, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]', 0) = s then s end";

type Type = "int" | "long" | "double" | "string" | "boolean" | "date" | "timestamp" | "decimal";
const BUILDERS: Readonly<Record<Type, () => Column<unknown, boolean>>> = {
  int: () => int().optional(),
  long: () => long().optional(),
  double: () => double().optional(),
  string: () => string().optional(),
  boolean: () => boolean().optional(),
  date: () => date().optional(),
  timestamp: () => timestamp().optional(),
  decimal: () => decimal(38, 2).optional(),
};

/** Of one row. */
const SCALARS: readonly (readonly [Type, string])[] = [
  ["int", "i % 1000 + 1"],
  ["int", "i % 1000 - 7"],
  ["int", "i % 1000 * 3"],
  ["int", "i % 7"],
  ["int", "abs(i % 1000)"],
  ["long", "l % 1000 + i % 1000"],
  ["double", "x + 1"],
  ["double", "x * y"],
  ["double", "x - y"],
  ["double", "x / 3"],
  ["double", "i / 7"],
  ["double", "abs(x)"],
  ["double", "cast(l as double)"],
  ["decimal", "c + c"],
  ["decimal", "-c"],
  ["string", "s || 'x'"],
  ["string", "s || o"],
  ["string", "cast(i as string)"],
  ["string", "cast(l as string)"],
  ["string", "coalesce(s, o, 'none')"],
  ["string", "nullif(s, o)"],
  ["string", "regexp_extract(s, '[0-9]{2}', 0)"],
  ["string", "regexp_extract(s, '(a|ab)(c|bcd)?', 0)"],
  ["long", "length(s)"],
  ["boolean", "s like 'a%'"],
  ["boolean", "s not like '_b%'"],
  ["boolean", "s like '%1_'"],
  ["boolean", "s < o"],
  ["boolean", "s in ('a', 'b', '')"],
  ["boolean", "s not in ('a', o)"],
  ["boolean", "x < y"],
  ["boolean", "x = y"],
  ["boolean", "i between -1 and 100"],
  ["boolean", "i < l"],
  ["boolean", "i = x"],
  ["boolean", "b and i > 0"],
  ["boolean", "b or i > 0"],
  ["boolean", "not b"],
  ["boolean", "i is distinct from l"],
  ["boolean", "s is null"],
  ["boolean", "d < t"],
  ["boolean", "d >= date '2001-01-07'"],
  ["boolean", "t < timestamp '2001-01-07T10:00:00'"],
  ["int", `try_cast(${NUMBER} as int)`],
  ["date", `try_cast(${DAY} as date)`],
  ["timestamp", `try_cast(${TIME} as timestamp)`],
  ["date", "d + 31"],
  ["date", "d - 400"],
  ["date", "cast(d - interval 7 day as date)"],
  ["date", "cast(t as date)"],
  ["timestamp", "cast(d as timestamp)"],
  ["timestamp", "t + interval 3 day"],
  ["long", "extract(year from t)"],
  ["long", "extract(quarter from d)"],
  ["long", "extract(month from t)"],
  ["long", "extract(day from d)"],
  ["long", "extract(hour from t)"],
  ["long", "extract(minute from t)"],
  ["long", "year(d) + month(t) + day(d) + hour(t) + minute(t)"],
  ["long", "extract(dayofweek from d) - extract(dayofweek from date '2001-01-07')"],
  ["string", "case when i > 0 then 'more' when i < 0 then 'less' else s end"],
  ["double", "case when b then i else x end"],
];

/** Of groups. */
const AGGREGATES: readonly (readonly [Type, string])[] = [
  ["long", "count(*)"],
  ["long", "count(i)"],
  ["long", "count(distinct s)"],
  ["long", "cast(sum(i) as bigint)"],
  ["long", "cast(sum(l % 1000) filter (where b) as bigint)"],
  ["decimal", "sum(c)"],
  ["double", "avg(i)"],
  ["int", "min(i)"],
  ["string", "max(s)"],
  ["double", "min(x)"],
  ["double", "max(x)"],
  ["date", "max(d)"],
  ["timestamp", "min(t)"],
  ["boolean", "bool_and(b)"],
  ["boolean", "bool_or(b)"],
];

function outOf(
  name: string,
  given: readonly (readonly [Type, string])[],
  key: Column<unknown, boolean> = int(),
) {
  const columns = given.map(([type], i) => [`v${i}`, BUILDERS[type]()]);
  return contract({
    name: `n.${name}`,
    owner: "test",
    schema: defineSchema({ id: key, ...Object.fromEntries(columns) } as Record<
      string,
      Column<unknown, boolean>
    >),
  });
}
const listed = (given: readonly (readonly [Type, string])[]) =>
  given.map(([, expression], i) => `${expression} AS v${i}`).join(", ");

const WINDOWS: readonly (readonly [Type, string])[] = [
  ["long", "rank() over (partition by i % 3 order by s nulls last, x desc nulls first)"],
  ["long", "dense_rank() over (order by d nulls first)"],
  ["long", "cast(sum(i) over (partition by b order by id nulls last) as bigint)"],
  ["long", "count(*) over (partition by s)"],
];
const changes = { rows };
const tasks = [
  task({
    into: outOf("scalars", SCALARS),
    changes,
    sql: `SELECT id, ${listed(SCALARS)} FROM rows`,
    write: append(),
  }),
  task({
    into: outOf("groups", AGGREGATES, string()),
    changes,
    sql: `SELECT coalesce(s, 'null') AS id, ${listed(AGGREGATES)} FROM rows GROUP BY s`,
    write: append(),
  }),
  task({
    into: outOf("windows", WINDOWS),
    changes,
    sql: `SELECT id, ${listed(WINDOWS)} FROM rows`,
    write: append(),
  }),
  task({
    into: outOf("joins", [["string", ""]]),
    changes,
    sql: `SELECT a.id, b.s AS v0 FROM rows AS a LEFT JOIN rows AS b ON a.i = b.i AND a.d >= b.d - INTERVAL 7 DAY
      UNION ALL SELECT id, s FROM rows WHERE EXISTS (SELECT 1 FROM rows AS o WHERE o.o = rows.s)
      UNION ALL (SELECT id, s FROM rows EXCEPT SELECT id, o FROM rows)
      UNION ALL (SELECT id, s FROM rows INTERSECT SELECT id, o FROM rows)
      UNION ALL SELECT DISTINCT 0, s FROM rows
      UNION ALL SELECT id, s FROM rows WHERE i NOT IN (SELECT i FROM rows WHERE x > 1)
      UNION ALL SELECT id, (SELECT max(o) FROM rows AS o WHERE o.s = rows.s) FROM rows`,
    write: append(),
  }),
  // Slices of texts that would break out of a constant.
  task({
    into: contract({ name: "n.slices", owner: "test", schema: defineSchema({ s: string(), n: long() }) }),
    changes,
    sql: "SELECT s, count(*) AS n FROM rows WHERE s IS NOT NULL GROUP BY s",
    write: replace("s"),
  }),
];

const texts = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "ab",
    "abcd",
    "B",
    "é",
    "Ａ",
    "😀",
    "it's",
    "\\",
    "%",
    "`",
    "'); --",
    "1e3",
    "12",
    "-7",
    "0x1",
    " 1",
  ),
  fc.constantFrom(
    "2001-01-07",
    "2001-02-29",
    "2001-01-07T10:00:00",
    "2001-02-30T10:00:00",
    "2001-01-07T23:59:59",
  ),
  fc.string({ maxLength: 4 }),
);
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null, freq: 6 });
const ints = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer());
const doubles = fc.oneof(
  fc.constantFrom(0, -0, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-300),
  fc.double(),
);
const days = fc
  .integer({ min: Date.UTC(1900, 0, 1) / 86_400_000, max: Date.UTC(2100, 0, 1) / 86_400_000 })
  .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
const row = fc.record({
  s: orNull(texts),
  o: orNull(texts),
  i: orNull(ints),
  l: orNull(fc.oneof(ints.map(BigInt), fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }))),
  x: orNull(doubles),
  y: orNull(doubles),
  c: orNull(fc.integer({ min: -99_999_999, max: 99_999_999 }).map((c) => (c / 100).toFixed(2))),
  d: orNull(days),
  t: orNull(
    fc
      .tuple(days, fc.nat(86_399))
      .map(([day, s]) => `${day}T${new Date(s * 1000).toISOString().slice(11, 19)}`),
  ),
  b: orNull(fc.boolean()),
});

async function answersOf(on: Lakehouse): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name, into } of tasks) {
    const { fields } = into.schema;
    const [columns, ...rest] = [
      fields.map((field) => field.name),
      await on.sql(`select * from ${name}`).rows(),
    ];
    // By column, so that a difference names its expression; -0 and 0 are equal, and either may be the least.
    found[name] = rest[0]
      ?.map((each) => columns.map((column) => String(each[column]).replace(/^-0$/, "0")).join(" | "))
      .sort();
  }
  return found;
}

test("all that is known of both dialects gives the same of random rows", async () => {
  const given = fc.array(row, { minLength: 30, maxLength: 60 });
  let branches = 0;
  await fc.assert(
    fc.asyncProperty(given, async (all) => {
      const base = await lake.branch(`rows-${branches++}`);
      const numbered = all.map((each, id) => ({ id, ...each }));
      await base.quality.createTable(rows);
      const [ours, theirs] = [await base.branch(`${base.ref}-ours`), await base.branch(`${base.ref}-theirs`)];
      for (const on of [ours, theirs]) await (await on.table(rows.name)).append(numbered as never);
      await ours.pipeline.run(tasks, { record: false });
      await theirs.pipeline.run(tasks, { record: false, engine: spark });
      expect(await answersOf(theirs)).toEqual(await answersOf(ours));
    }),
    { numRuns: 1, endOnFailure: true },
  );
});
