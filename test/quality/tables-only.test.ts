import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineSchema, long, string } from "sololakehouse";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Check,
  drift,
  expression,
  notNull,
  references,
  sqlCheck,
} from "../../lib/lakehouse/quality/index.js";
import { lake, root } from "./support/lake.js";

const SCHEMA = defineSchema({ id: long(), name: string().optional() });

/** A file that no check may tell of. */
let secret: string;

beforeAll(async () => {
  secret = join(root, "secret.csv");
  await writeFile(secret, "id,word\n1,hunter2\n");
  const table = await lake.createTable("o.t", { schema: SCHEMA });
  await table.append([{ id: 1, name: "a" }]);
  await lake.sql("create view o.fine as select id from o.t");
  await lake.sql(`create view o.leaky as select id from read_csv('${secret}')`);
});

const run = (check: Check) => lake.quality.check("o.t", { checks: [notNull("id"), check], record: false });

/** Each reads the file at FILE, or something else that is no table. */
const QUERIES: readonly string[] = [
  "select * from 'FILE'",
  "select * from E'FILE'",
  `select * from "FILE"`,
  "select * from read_csv('FILE')",
  "select * from read_text('FILE')",
  "select * from sniff_csv('FILE')",
  "select * from glob('FILE')",
  "from read_blob('FILE') select 1",
  "select * from query('select * from ''FILE''')",
  "select * from query_table('FILE')",
  "select (select word from 'FILE') from rows",
  "select * from rows where exists (from read_csv('FILE'))",
  "select * from rows, lateral (select * from read_csv('FILE'))",
  "with x as (from 'FILE') select * from x",
  `with "FILE" as (select * from "FILE") select * from "FILE"`,
  `with recursive "FILE" as (select * from "FILE" union all select * from "FILE") select * from "FILE"`,
  `select * from rows union all (with "FILE" as (select 1) select 1, word from rows) union all from "FILE"`,
  "select * from (describe 'FILE')",
  "select * from (summarize 'FILE')",
  "select * from (show databases)",
  "select * from duckdb_settings()",
  "pivot 'FILE' on id in (1) using count(*)",
  "select * from o.t for timestamp as of (select max(word) from 'FILE')",
  "select * from o.t for timestamp as of (select max(content) from read_text('FILE'))",
  "select * from o.leaky",
  "select * from o.t where id in (select id from o.leaky)",
];

describe("a check, which may come with a table of somebody else's, reads tables alone", () => {
  test.each(QUERIES)("%s", async (query) => {
    const refused = run(sqlCheck(query.replaceAll("FILE", secret), { name: "it" }));
    await expect(refused).rejects.toMatchObject({ code: "INVALID_CHECK", subject: "it" });
    await expect(refused).rejects.not.toThrow("hunter2");
  });

  test("wherever its SQL stands", async () => {
    const reads = `exists (from read_csv('${secret}'))`;
    const checks: readonly Check[] = [
      expression(reads, { name: "it" }),
      notNull("name", { name: "it", where: reads }),
      references("id", "o.leaky", "id", { name: "it" }),
      drift("id", { name: "it", against: "main", where: reads }),
    ];
    for (const check of checks)
      await expect(run(check)).rejects.toMatchObject({ code: "INVALID_CHECK", subject: "it" });
    const publish = lake.quality.publish("o.t", [{ id: 2 }], {
      checks: [expression(reads, { name: "it" })],
      quarantine: true,
    });
    await expect(publish).rejects.toMatchObject({ code: "INVALID_CHECK" });
  });

  test("and views of tables, names that it gives itself, and rows that functions make", async () => {
    const passes = [
      "select * from o.fine where id > 1",
      "with x as (select id from rows) select * from x where id is null",
      "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select * from n where i > 3",
      "select * from range(3) as r(i) where i > 3",
      "select unnest([id]) from rows where false",
      "select * from rows, unnest([id]) as u(i) where i <> id",
      "select * from o.t for timestamp as of (now() + interval 1 hour) where id > 1",
    ];
    for (const query of passes) expect((await run(sqlCheck(query))).passed).toBe(true);
  });
});
