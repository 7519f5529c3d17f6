import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { runs } from "../../support/runs.js";
import { duckdb, expectSame, lake, runBoth } from "../support/statements.js";

// A query around a view leaves out files of the view's tables, and has the rows that it has in DuckDB.

/** Five files for each table, of ten ids each. */
const FILES = 5;

beforeAll(async () => {
  for (const [name, step] of [
    ["a", 1],
    ["b", 2],
  ] as const) {
    await runBoth(
      lake,
      `CREATE TABLE n.${name} (id BIGINT, x INTEGER, s VARCHAR, st STRUCT(m INTEGER), d DOUBLE)`,
    );
    for (let file = 0; file < FILES; file++) {
      await runBoth(
        lake,
        `INSERT INTO n.${name} SELECT i, CASE WHEN i % 7 = 3 THEN NULL ELSE i / ${step} END, 's' || lpad(i::VARCHAR, 3, '0'), {'m': i}, CASE WHEN i % 9 = 0 THEN 'nan'::DOUBLE ELSE i END FROM range(${file * 10}, ${file * 10 + 10}, ${step}) r(i)`,
      );
    }
  }
});

let views = 0;
async function viewOf(query: string, columns = ""): Promise<string> {
  const name = `n.v${views++}`;
  for (const run of [(text: string) => lake.sql(text), (text: string) => duckdb.run(text)]) {
    await run(`CREATE VIEW ${name}${columns} AS ${query}`);
  }
  return name;
}

async function filesOf(query: string): Promise<readonly number[]> {
  const { tables } = await lake.sql(query);
  return tables.map(({ dataFiles }) => dataFiles);
}

test.each<[view: string, where: string, files: readonly number[]]>([
  ["select * from n.a", "id = 12", [1]],
  ["from n.a", "id BETWEEN 12 AND 25", [2]],
  ["select id, s as label from n.a", "label LIKE 's01%'", [1]],
  ["select st.m as m, id from n.a", "m IN (3, 44)", [2]],
  ["select * exclude (s) from n.a where id > 5", "id < 12", [2]],
  ["select * from n.a where id < 22", "st.m > 18", [2]],
  ["select distinct x, s from n.a order by s", "s = 's012'", [1]],
  ["select id, count(*) as c, max(s) as s from n.a group by id having count(*) > 0", "id = 12", [1]],
  ["select id, count(*) from n.a group by all", "id = 12", [1]],
  ["select q.id, q.s, b.x from n.a q join n.b on q.id = b.id", "id = 12 and x < 10", [1, 2]],
  ["select q.id, b.x from n.a q left join n.b on q.id = b.id", "id = 12 and x = 6", [1, 5]],
  ["select q.id as i, b.id as j from n.a q left join n.b on q.id = b.id", "j is null and i < 10", [1, 5]],
  ["select id, upper(s) as s from n.a", "s = 'S012' and id >= 40", [1]],
  // What a column is made by, or looks at rows beside its own.
  ["select id + 1 as id from n.a", "id = 12", [5]],
  ["select id, row_number() over (order by id) as n from n.a", "id = 12", [5]],
  ["select id, s from n.a qualify row_number() over (order by id desc) < 30", "id = 22", [5]],
  ["select id from n.a order by id desc limit 12", "id = 48", [5]],
  ["select distinct on (x % 2) id, s from n.a order by id", "id = 1", [5]],
  ["select count(*) as id from n.a", "id = 50", [5]],
  ["select id, count(*) as c from n.a group by rollup (id)", "id is null", [5]],
  ["select * replace (id + 1 as id) from n.a", "id = 12", [5]],
  ["select * from n.a union all select * from n.b", "id = 12", [5, 5]],
  ["select q.id, b.x from n.a q full join n.b on q.id = b.id", "id is null", [5, 5]],
  ["select id, s from (select id + 1 as id, s from n.a)", "id = 12", [5]],
  ["with a as (select id + 1 as id from n.a) select id from a", "id = 12", [5]],
])("%s, where %s", async (view, where, files) => {
  const name = await viewOf(view);
  const query = `SELECT * FROM ${name} WHERE ${where}`;
  await expectSame(lake, query);
  expect(await filesOf(query)).toEqual(files);
  // Through a view of the view, by other names and by joins.
  const outer = await viewOf(`select * from ${name}`);
  expect(await filesOf(`SELECT * FROM ${outer} WHERE ${where}`)).toEqual(files);
});

test("names its columns anew, and has tables of other branches and times", async () => {
  const name = await viewOf("select s, id from n.a", " (id, s)");
  await expectSame(lake, `SELECT * FROM ${name} WHERE id = 's012'`);
  await expectSame(lake, `SELECT * FROM ${name} WHERE s = 12`);
  const plain = await viewOf("select id as s, s as id from n.a");
  expect(await filesOf(`SELECT * FROM ${plain} AS v WHERE v.id = 's012' AND v.s < 40`)).toEqual([1]);
  const branch = await lake.branch("pruned");
  await branch.sql("INSERT INTO n.a (id) VALUES (12)");
  const query = `SELECT count(*) AS c FROM ${plain}@pruned WHERE s = 12`;
  expect(await lake.sql(query).rows()).toEqual([{ c: 2n }]);
  expect(await filesOf(query)).toEqual([2]);
});

test("reads a column by the type that its table has now", async () => {
  await lake.sql("CREATE TABLE n.typed AS SELECT i::VARCHAR AS c FROM range(5, 15) r(i)");
  await lake.sql("CREATE VIEW n.of_typed AS SELECT * FROM n.typed");
  expect(await lake.sql("SELECT count(*) AS n FROM n.of_typed WHERE c > '10'").rows()).toEqual([{ n: 9n }]);
  await lake.sql("CREATE OR REPLACE TABLE n.typed AS SELECT i AS c FROM range(5, 15) r(i)");
  expect(await lake.sql("SELECT count(*) AS n FROM n.of_typed WHERE c > '10'").rows()).toEqual([{ n: 4n }]);
  const typeOf = async (query: string) => (await lake.sql(query).rows())[0];
  expect(await typeOf("DESCRIBE n.of_typed")).toMatchObject({ column_type: "BIGINT" });
  // As of when it was made: to know better, each view would have to be bound for a list.
  expect(
    await typeOf("SELECT data_type FROM information_schema.columns WHERE table_name = 'of_typed'"),
  ).toEqual({ data_type: "VARCHAR" });
});

const columns = fc.constantFrom("id", "x", "s", "d", "st.m");
const conditions = fc
  .tuple(
    columns,
    fc.constantFrom("=", "<>", "<", ">=", "IS DISTINCT FROM"),
    fc.integer({ min: -1, max: 51 }),
    fc.constantFrom("", "NOT "),
  )
  .map(
    ([column, operator, value, not]) =>
      (say: (name: string) => string) =>
        `${not}${say(column)} ${operator} ${column === "s" ? `'s${String(value).padStart(3, "0")}'` : value}`,
  );
const sources = fc.constantFrom(
  "n.a AS q",
  "n.a AS q JOIN n.b AS p ON q.id = p.id",
  "n.b AS p LEFT JOIN n.a AS q ON q.id = p.x",
  "n.a AS q LEFT JOIN n.b AS p ON q.id = p.id",
  "n.a AS q FULL JOIN n.b AS p ON q.id = p.id + 1",
  "n.b AS p RIGHT JOIN n.a AS q ON q.id = p.id",
);
const said = fc.constantFrom(
  ["q.id", "q.x", "q.s", "q.d", "q.st"],
  ["q.id AS x", "q.x AS id", "q.s", "q.d", "q.st"],
  ["q.id + 1 AS id", "coalesce(q.x, 3) AS x", "q.s", "q.d", "q.st"],
  ["max(q.id) AS id", "q.x", "q.s", "any_value(q.d) AS d", "q.st"],
);
const ends = fc.constantFrom(
  "",
  " ORDER BY 1 LIMIT 20",
  " QUALIFY row_number() OVER (ORDER BY q.id, q.s) % 3 > 0",
  "",
);

test("any filter of any view has the rows that it has in DuckDB", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sources, said, ends),
      fc.option(conditions),
      fc.array(conditions, { minLength: 1, maxLength: 3 }),
      async ([source, list, end], inner, outer) => {
        const where = inner === null ? "" : ` WHERE ${inner((name) => `q.${name}`)}`;
        const grouped = list.some((item) => item.startsWith("max(")) ? " GROUP BY q.x, q.s, q.st" : "";
        const view = await viewOf(
          `SELECT ${list.join(", ")} FROM ${source}${where}${grouped}${grouped === "" ? end : ""}`,
        );
        const filter = outer.map((condition) => condition((name) => `v.${name}`)).join(" AND ");
        if (end.includes("LIMIT")) return;
        await expectSame(lake, `SELECT v.* FROM ${view} AS v WHERE ${filter}`);
        await expectSame(
          lake,
          `SELECT v.id FROM ${view} AS v LEFT JOIN n.b AS o ON o.id = v.id AND ${filter}`,
        );
        await expectSame(
          lake,
          `SELECT o.id FROM n.b AS o LEFT JOIN ${view} AS v ON o.id = v.id WHERE ${filter}`,
        );
      },
    ),
    { numRuns: runs(40) },
  );
});
