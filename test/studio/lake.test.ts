import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { expect, test } from "vitest";
import { notebookOf } from "../notebook/support/notebooks.js";
import { studio } from "./support/studio.js";

test("before there is a lakehouse there is nothing to see, and looking makes none", async () => {
  const { ask } = await studio(notebookOf("1"));
  for (let again = 0; again < 2; again++)
    expect((await ask("GET", "/studio/lake")).json).toEqual({
      exists: false,
      folder: ".lake",
      ref: "main",
      refs: [],
      tables: [],
    });
  expect((await ask("GET", "/studio/lake/commits")).json).toEqual({ commits: [], isCut: false });
  expect((await ask("GET", "/studio/lake/log")).json).toEqual({ topics: [] });
});

test("what cells have done to it is seen while they hold it open", async () => {
  const { ask, root } = await studio(notebookOf("1"));
  // As a kernel has it: open all the while.
  const lake = await openLakehouse({ root: join(root, ".lake") });
  const schema = defineSchema({ a: int(), b: int() });
  const table = await lake.createTable("s.t", { schema, properties: { owner: "ada" } });
  await table.append([{ a: 1, b: 2 }]);
  await (await lake.table("s.t")).append([{ a: 100, b: 2 }]);
  await lake.branch("etl");
  await lake.log.createTopic("events", { partitions: 1 });
  const events = lake.log.topic("events");
  await events.append([{ value: new Uint8Array([1]) }]);
  await lake.log.flush();

  const { json: state } = await ask("GET", "/studio/lake");
  expect(state).toMatchObject({
    exists: true,
    tables: [{ name: "s.t", rows: "2", files: "2", snapshots: 2 }],
  });
  expect(state.refs.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(["main", "etl"]),
  );

  const { json: commits } = await ask("GET", "/studio/lake/commits");
  expect(commits.commits[0].refs).toEqual(expect.arrayContaining(["main", "etl"]));
  expect(commits.commits.length).toBeGreaterThan(2);

  const { json: detail } = await ask("GET", "/studio/lake/tables/s.t");
  expect(detail).toMatchObject({
    schema: [{ name: "a", type: "int" }, { name: "b" }],
    properties: { owner: "ada" },
    snapshots: [{ operation: "append", isCurrent: true }, { isCurrent: false }],
    files: [
      { content: "data", rows: 1 },
      { content: "data", rows: 1 },
    ],
  });
  expect(JSON.parse(detail.metadata)["format-version"]).toBeGreaterThan(1);

  const { json: log } = await ask("GET", "/studio/lake/log");
  expect(log).toMatchObject({
    topics: [
      { name: "events", partitions: [{ partition: 0, start: "0", end: "1", segments: [{ records: 1 }] }] },
    ],
  });

  const file = await ask("GET", `/studio/lake/file?path=${encodeURIComponent(detail.files[0].path)}`);
  expect([file.status, file.text.slice(0, 4)]).toEqual([200, "PAR1"]);
  await writeFile(join(root, "secret.txt"), "secret");
  for (const path of [
    join(root, "secret.txt"),
    `file://${join(root, "secret.txt")}`,
    `${detail.files[0].path}/../../../../../../secret.txt`,
    detail.files[0].path.replace("/s", "/..%2fs"),
    "",
    "/etc/passwd",
  ]) {
    const refused = await ask("GET", `/studio/lake/file?path=${encodeURIComponent(path)}`);
    expect([path, refused.status >= 400, refused.text.includes('"secret"')]).toEqual([path, true, false]);
  }

  const { json: result } = await ask("POST", "/studio/sql", { sql: "select * from s.t where a > 50;" });
  expect(result).toMatchObject({
    columns: [{ name: "a" }, { name: "b" }],
    rows: [[100, 2]],
    isCut: false,
    plan: [{ table: "s.t", filesRead: 1, filesSkipped: 1 }],
  });
  const many = await ask("POST", "/studio/sql", {
    sql: "select r::bigint as n from range(5000) t(r) order by 1",
  });
  expect([many.json.rows.length, many.json.isCut, many.json.rows[0]]).toEqual([1000, true, ["0"]]);
  for (const sql of [
    "drop table s.t",
    "insert into s.t values (1, 2)",
    "select 1); drop table s.t; select (2",
    "nonsense",
  ])
    expect([sql, (await ask("POST", "/studio/sql", { sql })).status]).toEqual([sql, 400]);
  await events.append([{ value: new Uint8Array([2]) }]);
  expect(await lake.sql("select count(*) as n from s.t").rows()).toEqual([{ n: 2n }]);
  await lake.close();
});
