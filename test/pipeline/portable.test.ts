import { describe, expect, test } from "vitest";
import {
  date,
  decimal,
  defineSchema,
  double,
  int,
  long,
  string,
  timestamp,
} from "../../lib/lakehouse/iceberg/index.js";
import { append, type Task, task } from "../../lib/lakehouse/pipeline/index.js";
import { sparkQuery } from "../../lib/lakehouse/pipeline/spark/portable.js";
import { contract } from "../../lib/lakehouse/quality/index.js";
import { contracts, tasks } from "../../pipelines/flights/index.js";

/** What is of the dialect that DuckDB and Spark have in common. */
const input = defineSchema({
  s: string(),
  i: int(),
  l: long(),
  x: double(),
  c: decimal(10, 2),
  d: date(),
  t: timestamp(),
});
const into = contract({ name: "n.out", schema: defineSchema({ v: int() }), owner: "test" });
const of = (sql: string, spark?: string): Task =>
  task({ into, changes: { rows: "n.rows" }, sql, spark, write: append() });
const check = (given: Task) => sparkQuery(given, new Map([["rows", input]]));

describe("a query for both engines", () => {
  test("is any of the flights pipeline", async () => {
    const schemas = new Map(contracts.map(({ name, schema }) => [name, schema]));
    for (const each of tasks) {
      const tables = Object.entries({ ...each.changes, ...each.reads });
      const inputs = new Map(tables.map(([name, table]) => [name, schemas.get(table) as typeof input]));
      expect(await sparkQuery(each, inputs)).toBe(each.sql);
    }
  });

  test.each([
    "select i + 1 as v from rows where s in ('a', 'b') and l between 1 and 9",
    "select i, count(*) as n, sum(l) as total, avg(i) as mean, min(x) as low from rows group by all having count(*) > 1",
    "select rank() over (partition by s order by i desc nulls last) as v from rows",
    "with few as (select distinct s from rows) select s from few union all (select s from rows except select s from few)",
    "select a.i from rows as a left join rows as b on a.i = b.i and a.d >= b.d - interval 7 day",
    "select case when regexp_extract(s, '-?[0-9]{1,9}', 0) = s then s end :: int as v from rows",
    "select try_cast(case when regexp_extract(s, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}', 0) = s then s end as date) as v from rows",
    "select extract(hour from t) as v, coalesce(s, 'none'), nullif(i, 0), s || 'x', d + 1 from rows",
    "select extract(dayofweek from d) - extract(dayofweek from date '2001-01-07') as v from rows",
    "select i from rows where exists (select 1 from rows as o where o.s = rows.s) and i not in (select i from rows where l > 1)",
  ])("may be %s", async (sql) => {
    expect(await check(of(sql))).toBe(sql);
  });

  test.each([
    ["select extract(dayofweek from d) as v from rows", "date_part(VARCHAR, DATE)"],
    ["select dayofweek(d) as v from rows", "dayofweek(DATE)"],
    ["select extract(dayofweek from d) - extract(year from d) as v from rows", "date_part(VARCHAR, DATE)"],
    ["select cast(s as int) as v from rows", "a cast of text to INTEGER"],
    ["select s = 1 as v from rows", "a cast of text to INTEGER"],
    [
      "select try_cast(case when regexp_extract(s, '[0-9]+', 0) = s then s end as int) as v from rows",
      "a cast of text",
    ],
    [
      "select try_cast(case when regexp_extract(s, '[0-9]{1,9}', 0) = s then upper(s) end as int) as v from rows",
      "a cast of text",
    ],
    [
      "select try_cast(case when regexp_extract(s, '([0-9]{1,9})', 1) = s then s end as int) as v from rows",
      "a cast of text",
    ],
    ["select cast(x as int) as v from rows", "a cast of DOUBLE to INTEGER"],
    ["select c / 3 as v from rows", "a cast of DECIMAL to DOUBLE"],
    ["select avg(c) as v from rows", "avg(DECIMAL)"],
    ["select sum(x) as v from rows", "sum(DOUBLE)"],
    ["select avg(l) as v from rows", "avg(BIGINT)"],
    ["select any_value(i) as v from rows", "any_value(INTEGER)"],
    ["select string_agg(s, ',') as v from rows", "string_agg"],
    ["select concat(s, s) as v from rows", "concat("],
    ["select upper(s) as v from rows", "upper(VARCHAR)"],
    ["select s like 'a\\_' as v from rows", "~~("],
    ["select 'it''s' as v from rows", "a text with a quote"],
    ["select i from rows order by i limit 3", "LIMIT"],
    ["select distinct on (s) s, i from rows", "DISTINCT_ON"],
    ["select rank() over (order by i) as v from rows", "NULLS FIRST or NULLS LAST"],
    ["select row_number() over (order by i nulls last) as v from rows", "ROW_NUMBER"],
    ["select unnest([1, 2]) as v from rows", "UNNEST"],
    ["select random() as v from rows", "random()"],
    ["select now() as v from rows", "now()"],
    ["select i ** 2 as v from rows", "**("],
    ["select i & 3 as v from rows", "&("],
    ["select regexp_extract(s, '\\d+', 0) as v from rows", "regexp_extract("],
    ["select regexp_extract(s, '^a$', 0) as v from rows", "regexp_extract("],
    ["select i from range(3) as r(i)", "GET"],
    ["select t - interval 1 month as v from rows", "to_months"],
    ["select d - d as v from rows", "-(DATE, DATE)"],
    ["select i from rows asof join rows as b using (s, i)", "ASOF_JOIN"],
  ])("is not %s", async (sql, problem) => {
    const refusal = check(of(sql));
    await expect(refusal).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE", subject: "n.out" });
    await expect(refusal).rejects.toThrow(problem);
  });

  test("is not asked for where the task has one for Spark", async () => {
    const own = "select int(s) as v from rows;";
    expect(await check(of("select cast(s as int) as v from rows", own))).toBe(own.slice(0, -1));
  });

  test("reads what the task names alone, and no file", async () => {
    for (const from of ["elsewhere", "read_csv('/etc/hosts')", "'/etc/hosts'"])
      await expect(check(of(`select * from ${from}`))).rejects.toMatchObject({ code: "INVALID_SQL" });
  });
});
