import { beforeAll, describe, expect, test } from "vitest";
import {
  defineSchema,
  eq,
  type FormatVersion,
  long,
  string,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine } from "../support/lake.js";

// `_file`, `_pos`, `_spec_id`, `_row_id` and `_last_updated_sequence_number` in SQL.

const first = new Map<FormatVersion, bigint>();

beforeAll(async () => {
  for (const version of [2, 3] as const) {
    const schema = defineSchema({ k: long(), city: string() });
    const made = (await catalog.createTable(`n.t${version}`, { schema, formatVersion: version })) as Table;
    const one = await made.append([10n, 11n, 12n].map((k) => ({ k, city: "ATL" })));
    first.set(version, one.currentSnapshot?.snapshotId as bigint);
    const two = await one.append([{ k: 20n, city: "ORD" }]);
    await two.withEngine(engine).deleteRows(eq("k", 11), { mode: "merge-on-read" });
  }
  const own = defineSchema({ k: long(), city: string() });
  await (await catalog.createTable("n.other", { schema: own })).append([{ k: 10n, city: "JFK" }]);
});

const rows = async (sql: string) => [...(await (await engine.sql(sql)).rows())].map((row) => ({ ...row }));
const columns = async (sql: string) => (await engine.sql(sql)).schema.fields.map(({ name }) => name);

describe.each([2, 3] as const)("in v%i", (version) => {
  const t = `n.t${version}`;
  const ids = version === 3 ? [0n, 2n, 3n] : [null, null, null];

  test("they are selected by name, filtered and grouped by", async () => {
    expect(
      await rows(
        `select k, _pos, _row_id, _spec_id, _last_updated_sequence_number as s from ${t} order by k`,
      ),
    ).toEqual([
      { k: 10n, _pos: 0n, _row_id: ids[0], _spec_id: 0, s: 1n },
      { k: 12n, _pos: 2n, _row_id: ids[1], _spec_id: 0, s: 1n },
      { k: 20n, _pos: 0n, _row_id: ids[2], _spec_id: 0, s: 2n },
    ]);
    expect(await rows(`select k from ${t} where _pos = 2`)).toEqual([{ k: 12n }]);
    expect(await rows(`select count(*) as n, count(distinct _file) as f from ${t}`)).toEqual([
      { n: 3n, f: 2n },
    ]);
    expect(await rows(`select _FILE like '%parquet' as p, count(*) as n from ${t} group by all`)).toEqual([
      { p: true, n: 3n },
    ]);
    expect(await rows(`select sum(_pos)::bigint as p from ${t} where k > 10 and _spec_id = 0`)).toEqual([
      { p: 2n },
    ]);
  });

  test.each([
    [`select _pos as p, * from T`, ["p", "k", "city"]],
    [`select * from T where _pos = 0`, ["k", "city"]],
    [`from T where _pos = 0`, ["k", "city"]],
    [`(from T where _pos = 0) union all (from T)`, ["k", "city"]],
    [`select * from (from T where _pos = 0) as s`, ["k", "city"]],
    [
      `with c as (from (T as a join n.other as o using (k)) where a._pos = 0) from c`,
      ["k", "city", "city_1"],
    ],
    [
      `from n.other as o join T as a on o.k is not distinct from a.k join T as b on a._pos is not distinct from b._pos`,
      ["k", "city", "k:1", "city:1", "k:2", "city:2"],
    ],
    [`select x.*, x._row_id from T as x`, ["k", "city", "_row_id"]],
    [`select * exclude (city) from T where _pos = 0`, ["k"]],
    [`select * exclude city from T where _pos = 0`, ["k"]],
    [`select * exclude (_pos) from T where _pos = 0`, ["k", "city"]],
    [`select * replace (1 as k) from T where _pos = 0`, ["k", "city"]],
    [`select columns(*) from T where _pos = 0`, ["k", "city"]],
    [`select * like 'k%' from T where _pos = 0`, []],
    [`with c as (select * from T where _pos = 0) select * from c`, ["k", "city"]],
    [`with c as (select *, _pos from T) select * from c where _pos = 0`, ["k", "city", "_pos"]],
    [`select * from (select *, _row_id from T) as s where s._row_id is null`, ["k", "city", "_row_id"]],
    [`select * from T as a join T as b on a._pos = b._pos`, ["k", "city", "k:1", "city:1"]],
    [`select b.* from T as a join T as b using (k) where a._pos = 0`, ["k", "city"]],
    [
      `select * from T as a where exists (select 1 from n.other as o where o.k = a.k and a._pos = 0)`,
      ["k", "city"],
    ],
    [`select _pos as p, count(*) as n from T group by all order by all`, ["p", "n"]],
    [`from T where _pos = 0 order by all`, ["k", "city"]],
    [`select T._pos, * from T order by _pos desc limit 1`, ["_pos", "k", "city"]],
  ])("%s has only the columns that it names, or a star's", async (sql, expected) => {
    const text = sql.replaceAll(/\bT\b/g, t);
    if (expected.length > 0) expect(await columns(text)).toEqual(expected);
    else expect((await columns(text)).every((name) => !name.startsWith("_"))).toBe(true);
    await rows(text);
  });

  test("a name that does not say whose it is, is that of each table that has it", async () => {
    await expect(rows(`select _pos from ${t} as a, n.other as b`)).rejects.toThrow(/Ambiguous/);
    const both = `select a._pos as x, b._pos as y from ${t} as a join n.other as b using (k)`;
    expect(await rows(both)).toEqual([{ x: 0n, y: 0n }]);
  });

  test("the past and branches have theirs", async () => {
    const past = `${t} for version as of ${first.get(version)}`;
    expect(await rows(`select list(_pos order by _pos) as p from ${past}`)).toEqual([{ p: [0n, 1n, 2n] }]);
    await catalog.createBranch(`b${version}`);
    expect(await rows(`select count(_file) as n from ${t}@b${version} as x where x._pos = 2`)).toEqual([
      { n: 1n },
    ]);
  });

  test("what would take them in silently is refused", async () => {
    for (const sql of [
      `select x from ${t} as x where x._pos = 0`,
      `select columns('.*') from ${t} where _pos = 0`,
      `select a._pos from ${t} as a natural join n.other as b`,
    ]) {
      await expect(rows(sql)).rejects.toMatchObject({ code: "INVALID_SQL", message: /metadata columns/ });
    }
  });
});

test("without their names a statement is the same as ever", async () => {
  expect(await columns("select * from n.t3")).toEqual(["k", "city"]);
  expect(await rows("select x.k from n.t3 as x natural join n.other")).toEqual([]);
  expect(await columns("select columns('.*') from n.t3")).toEqual(["k", "city"]);
});
