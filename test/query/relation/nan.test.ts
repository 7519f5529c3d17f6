import { expect, test } from "vitest";
import {
  defineSchema,
  double,
  float,
  gt,
  int,
  struct,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine } from "../support/lake.js";

const schema = defineSchema({
  k: int(),
  f: float().optional(),
  d: double().optional(),
  s: struct({ d: double().optional() }).optional(),
});
const VALUES = [1.5, Number.NaN, -0, null, 2];
const ROWS = VALUES.map((value, k) => ({ k, f: value, d: value, s: value === null ? null : { d: value } }));

// The bounds in a file's footer leave NaN out: a reader that takes them for bounds of all values finds other rows.
test.each(["none", "counts", "full"])("NaN is above every number, with metrics %s", async (metrics) => {
  const properties = { "write.metadata.metrics.default": metrics };
  const created = await catalog.createTable(`n.${metrics}`, { schema, properties });
  const table = (await created.append(ROWS)).withEngine(engine) as unknown as Table;
  const keys = async (where: string) => {
    const result = await engine.sql(`select k from n.${metrics} where ${where} order by k`);
    return (await result.rows()).map((row) => row.k);
  };
  for (const column of ["f", "d", "s.d"]) {
    expect([column, await keys(`${column} > 1e30`)]).toEqual([column, [1]]);
    expect([column, await keys(`${column} < 1e30`)]).toEqual([column, [0, 2, 4]]);
    expect([column, await keys(`${column} = 'nan'::double`)]).toEqual([column, [1]]);
    expect([column, await keys(`${column} between -5 and 5`)]).toEqual([column, [0, 2, 4]]);
  }
  const found = await (await engine.scan(table, table.scan({ filter: gt("s.d", 1e30) }))).rows();
  expect(found).toEqual([ROWS[1]]);
  const [zero] = await (await engine.scan(table, table.scan({ filter: gt("k", 1), limit: 1 }))).rows();
  expect(zero).toEqual(ROWS[2]);
  await table.deleteRows(gt("d", 1e30));
  expect(await keys("true")).toEqual([0, 2, 3, 4]);
});

// DuckDB drops such nulls when it pushes the filter down (1.5.6), even where it reads a table of its own.
test("null is distinct from every value, beside other conditions too", async () => {
  const nulls = defineSchema({ k: int(), v: int().optional() });
  const created = await catalog.createTable("n.nulls", { schema: nulls });
  const one = await created.append([{ k: 0, v: null }]);
  const table = (await one.append([0, null, 5].map((v, i) => ({ k: i + 1, v })))) as unknown as Table;
  for (const where of [
    "v = 5 or v is distinct from 0",
    "not (v is distinct from 5 and v is not distinct from 0)",
    "(v > 4 or v is distinct from 0) and k < 9",
    "v is distinct from 0 or v is distinct from 0",
  ]) {
    const inside = await engine.sql(`select k from n.nulls where ${where} order by k`);
    const outside = await engine.sql(`select k from (select * from n.nulls) where ${where} order by k`);
    const read = await engine.scan(table, table.scan({ select: ["k"] }), { where });
    for (const result of [inside, outside, read]) {
      expect([where, (await result.rows()).map(({ k }) => k).sort()]).toEqual([where, [0, 2, 3]]);
    }
  }
});
