import { defineSchema, int, long, string, timestamp, uuid } from "sololakehouse";
import { expect, test } from "vitest";
import {
  acceptedValues,
  CheckFailedError,
  contract,
  dictionary,
  drift,
  expression,
  notNull,
  references,
  rowCount,
  sqlCheck,
  unique,
} from "../../../lib/lakehouse/quality/index.js";
import { lake } from "../support/lake.js";

const SCHEMA = defineSchema({
  id: long().doc("From the source | as it is"),
  origin: string().optional(),
  delay: int().optional(),
  tail: uuid().optional(),
  at: timestamp().optional(),
});

const terms = (name: string) =>
  contract({
    name,
    schema: SCHEMA,
    keys: ["id"],
    owner: "data@example.org",
    description: "Flights, cleaned.",
    checks: [acceptedValues("origin", ["ATL", "ORD"])],
  });

const ids = async (table: string, ref?: string) =>
  (await lake.sql(`select id from ${table} order by id`, { ref }).rows()).map(({ id }) => Number(id));
const branches = async (table = "") =>
  (await lake.refs()).map(({ name }) => name).filter((name) => name.startsWith(`publish/${table}`));

test("rows that pass come to main by one commit, and a token is published once", async () => {
  const silver = terms("p.once");
  const first = await lake.quality.publish(silver, [{ id: 1, origin: "ATL" }], {
    token: "one",
    message: "The first",
  });
  expect(first).toMatchObject({ outcome: "published", report: { passed: true, ref: "main" } });
  expect(first.hash).toBe(await lake.hash());
  expect((await lake.commits({ limit: 1 }))[0]?.message).toBe("The first");
  expect(await lake.quality.publish(silver, [{ id: 1, origin: "ATL" }], { token: "one" })).toEqual({
    outcome: "before",
    hash: first.hash,
  });
  expect(await ids("p.once")).toEqual([1]);
  expect(await branches()).toEqual([]);
  // The table carries its checks.
  expect((await lake.quality.check("p.once", { record: false })).results).toHaveLength(2);
});

test("rows that fail stay on a branch, main is as it was, and they can be published once they are right", async () => {
  const silver = terms("p.fail");
  await lake.quality.publish(silver, [{ id: 1, origin: "ATL" }]);
  const before = await lake.hash();
  const refused = await lake.quality
    .publish(silver, [{ id: 1, origin: "xx" }], { token: "bad" })
    .catch((error) => error);
  expect(refused).toBeInstanceOf(CheckFailedError);
  expect(refused).toMatchObject({ code: "CHECK_FAILED", branch: "publish/p.fail/bad/blocked" });
  expect(refused.report.results.map((result: { failing: number }) => result.failing)).toEqual([1, 1]);
  expect(await lake.hash()).toBe(before);
  expect(await ids("p.fail", refused.branch)).toEqual([1, 1]);
  await lake.quality.publish(silver, [{ id: 2, origin: "ORD" }], { token: "bad" });
  expect(await ids("p.fail")).toEqual([1, 2]);
  expect(await branches()).toEqual([]);
});

test("of two with the same key at once one is published, of different ones both are", async () => {
  const silver = terms("p.race");
  await lake.quality.publish(silver, [{ id: 0 }]);
  const ended = await Promise.allSettled([1, 1, 2, 3].map((id) => lake.quality.publish(silver, [{ id }])));
  expect(ended.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(await ids("p.race")).toEqual([0, 1, 2, 3]);
});

test("a function writes as it likes, again where others were in its way, and to no other table", async () => {
  const silver = terms("p.written");
  await lake.quality.publish(silver, [{ id: 1, origin: "ATL" }, { id: 2 }]);
  let calls = 0;
  await lake.quality.publish("p.written", async ({ branch, table }) => {
    calls += 1;
    // Somebody else changes the same rows meanwhile.
    if (calls === 1) await lake.sql("update p.written set delay = 5 where id = 1");
    expect(table.name).toBe("p.written");
    await lake.sql("update p.written set delay = coalesce(delay, 0) + 1", { ref: branch });
  });
  expect(calls).toBe(2);
  expect(await lake.sql("select delay from p.written order by id").rows()).toEqual([
    { delay: 6 },
    { delay: 1 },
  ]);
  await expect(
    lake.quality.publish("p.written", async ({ branch }) => {
      await lake.sql("delete from p.once", { ref: branch });
    }),
  ).rejects.toThrow(/also changed p.once/);
  expect(await ids("p.once")).toEqual([1]);
  await lake.createTable("p.unchecked", { schema: SCHEMA });
  await expect(lake.quality.publish("p.unchecked", [{ id: 1 }])).rejects.toThrow(/carries no checks/);
  expect(await lake.quality.publish("p.unchecked", [{ id: 1 }], { checks: [] })).toMatchObject({
    outcome: "published",
  });
  const nothing = await lake.quality.publish("p.written", async () => {});
  expect(nothing.outcome).toBe("unchanged");
  // What may not shrink is held to that when rows are deleted, too.
  await expect(
    lake.quality.publish(
      "p.written",
      async ({ branch }) => void (await lake.sql("delete from p.written", { ref: branch })),
      { checks: [rowCount({ min: 1 })] },
    ),
  ).rejects.toMatchObject({ code: "CHECK_FAILED" });
});

test("a table that is made anew is looked at as a whole", async () => {
  const silver = terms("p.anew");
  await lake.quality.publish(silver, [{ id: 1, origin: "ATL" }]);
  const anew = (origin: string) =>
    lake.quality.publish("p.anew", async ({ branch }) => {
      await lake.sql("drop table p.anew", { ref: branch });
      await lake.sql(`create table p.anew as select 7::bigint as id, '${origin}' as origin`, { ref: branch });
    });
  await expect(anew("xx")).rejects.toMatchObject({ code: "CHECK_FAILED" });
  expect((await anew("ORD")).report?.scope).toBe("table");
  expect(await ids("p.anew")).toEqual([7]);
});

test.each([
  ["integer", "1", 1],
  ["bigint", "1", 1],
  ["smallint", "1", 1],
  ["varchar", "'1'", 2],
  ["struct(a integer)", "{'a': 1}", 2],
])("rows of a table that is replaced by one with a column of type %s", async (type, value, rows) => {
  const name = `p.replaced_${type.slice(0, 3)}`;
  await lake.sql("create schema if not exists p");
  await lake.sql(`create table ${name} as select 1 as id, 1::integer as v union all select 2, NULL`);
  const checks = [notNull("v", { severity: "warn" })];
  const { report } = await lake.quality.publish(
    name,
    async ({ branch }) => {
      const query = `select 1 as id, ${value}::${type} as v union all select 3, NULL`;
      await lake.sql(`create or replace table ${name} as ${query}`, { ref: branch });
    },
    { checks },
  );
  // Of other types, none is one that was there.
  expect(report).toMatchObject({ scope: "new", results: [{ failing: 1, rows }] });
});

test("batches are held against the first, which made the table, and the whole table against none of them", async () => {
  const steady = rowCount({ change: { min: -0.5, max: 0.5 }, of: "new" });
  const weeks = contract({
    name: "p.weeks",
    schema: SCHEMA,
    owner: "a",
    description: "Weeks.",
    checks: [steady],
  });
  const week = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ id: from + i }));
  await lake.quality.publish(weeks, week(0, 10));
  await expect(lake.quality.publish(weeks, week(100, 20))).rejects.toMatchObject({ code: "CHECK_FAILED" });
  for (const from of [200, 300, 400]) await lake.quality.publish(weeks, week(from, 11));
  expect((await lake.quality.check("p.weeks")).passed).toBe(true);
});

test("what a crash left goes after a day, but not what has landed under a token, nor what was blocked", async () => {
  const silver = terms("p.left");
  const old = Date.now() - 24 * 3_600_000;
  const rest = "0123456789ab";
  const [past, future] = [old - 60_000, old + 60_000];
  const gone = [
    `once-${past}-${rest}/landed-${rest}`,
    `t/audit-${past}-${rest}`,
    `t/landing-${past}-${rest}`,
  ];
  const kept = [
    `once-${future}-${rest}/landed-${rest}`,
    `t/audit-${future}-${rest}`,
    `t/landed-${rest}`,
    `once-${past}-${rest}/blocked`,
  ];
  for (const name of [...gone, ...kept]) await lake.branch(`publish/p.left/${name}`);
  await lake.quality.publish(silver, [{ id: 1 }]);
  const there = await branches("p.left/");
  expect(there.sort()).toEqual(kept.map((name) => `publish/p.left/${name}`).sort());
});

test("what is set back while it is published does not come back with it", async () => {
  const silver = terms("p.back");
  await lake.quality.publish(silver, [{ id: 1 }]);
  const kept = await lake.hash();
  await lake.quality.publish(silver, [{ id: 2 }]);
  let calls = 0;
  await lake.quality.publish("p.back", async ({ table }) => {
    calls += 1;
    if (calls === 1) await lake.rollback(`@${kept}`);
    await table.append([{ id: 3 }]);
  });
  expect(await ids("p.back")).toEqual([1, 3]);
});

test("how rows are to be taken in holds for rows at hand as it does for a query", async () => {
  const query = "select 1::bigint as id, 7 as more";
  const result = await lake.sql(query).toArrow();
  const options = { cast: { id: { sql: "id + 100" } }, extraFields: "ignore" } as const;
  const sources = { query, rows: [{ id: 1n, more: 7 }], result: lake.sql(query), arrow: result };
  for (const [name, source] of Object.entries(sources)) {
    for (const quarantine of [false, true]) {
      const table = `p.taken_${name}_${quarantine}`;
      await lake.createTable(table, { schema: defineSchema({ id: long() }) });
      const given = source instanceof Object && "then" in source ? lake.sql(query) : source;
      await lake.quality.publish(table, given as never, { ...options, quarantine, checks: [notNull("id")] });
      expect(await ids(table), table).toEqual([101]);
    }
  }
});

test("in quarantine good rows go on and bad ones are set aside with their reasons, by one commit", async () => {
  const silver = terms("p.aside");
  await lake.quality.publish(silver, [{ id: 1, origin: "ATL" }]);
  const tail = "123e4567-e89b-12d3-a456-426614174000";
  const rows = [
    { id: 1, origin: "ATL" },
    { id: 7, origin: "bad", tail },
    { id: 7, origin: "ORD", at: "2001-01-01T00:00:00", tail },
    { id: 7, origin: "ATL" },
    { id: null as never, origin: "no" },
    { id: 8 },
  ];
  const commits = (await lake.commits()).length;
  const published = await lake.quality.publish(silver, rows, { quarantine: true, token: "q" });
  expect(published).toMatchObject({ outcome: "published", rejected: 4 });
  expect((await lake.commits()).length).toBe(commits + 1);
  expect(await lake.sql("select id, origin, tail from p.aside order by id").rows()).toEqual([
    { id: 1n, origin: "ATL", tail: null },
    { id: 7n, origin: "ORD", tail },
    { id: 8n, origin: null, tail: null },
  ]);
  const aside =
    "select id, origin, rejected_because as why, rejected_from from p.aside_rejected order by id, origin";
  expect(await lake.sql(aside).rows()).toEqual([
    { id: 1n, origin: "ATL", why: ["id unique"], rejected_from: "q" },
    { id: 7n, origin: "ATL", why: ["id unique"], rejected_from: "q" },
    { id: 7n, origin: "bad", why: ["origin accepted values"], rejected_from: "q" },
    { id: null, origin: "no", why: ["id not null", "origin accepted values"], rejected_from: "q" },
  ]);
  // The table has got a column since: the rejected rows get it, too.
  await lake.sql("alter table p.aside add column note varchar");
  await lake.quality.publish("p.aside", [{ id: 20, origin: "bad", note: "late" }], { quarantine: true });
  expect(await lake.sql("select note from p.aside_rejected where id = 20").rows()).toEqual([
    { note: "late" },
  ]);
  await expect(
    lake.quality.publish("p.aside", [{ id: 21 }, { id: 22, origin: "bad" }], {
      quarantine: true,
      maxRejected: { fraction: 0.1 },
    }),
  ).rejects.toThrow(/1 of 2 rows for p.aside would be rejected/);
  expect(await ids("p.aside")).toEqual([1, 7, 8]);
  // Checks of rows as a whole block all of it.
  const checks = [sqlCheck("select 1 from rows having count(*) < 100", { name: "many" })];
  await expect(
    lake.quality.publish("p.aside", [{ id: 30 }], { quarantine: true, checks }),
  ).rejects.toMatchObject({ code: "CHECK_FAILED" });
  expect(await branches("p.aside/")).toHaveLength(1);
});

test("in quarantine rows that a check of keys is not about take no key, and checks of all rows part none", async () => {
  const flights = terms("p.some");
  await lake.quality.publish(flights, [{ id: 1 }], { checks: [] });
  const before = await lake.quality.distribution("p.some", "delay");
  const checks = [
    unique("origin", { where: "delay > 0" }),
    drift("delay", { against: before, max: 100 }),
    rowCount({ min: 1 }),
  ];
  const rows = [
    { id: 2, origin: "ATL", delay: 0 },
    { id: 3, origin: "ATL", delay: 1 },
    { id: 4, origin: "ATL", delay: 2 },
  ];
  expect(await lake.quality.publish("p.some", rows, { quarantine: true, checks })).toMatchObject({
    rejected: 1,
  });
  expect(await ids("p.some")).toEqual([1, 2, 3]);
});

test("in quarantine a check that changes its mind loses and doubles no row", async () => {
  await lake.quality.publish(terms("p.mood"), [{ id: 1 }], { checks: [] });
  const hash = await lake.hash();
  const rows = Array.from({ length: 2000 }, (_, i) => ({ id: i + 2 }));
  const checks = [expression("random() < 0.5", { name: "mood" })];
  const refused = await lake.quality
    .publish("p.mood", rows, { quarantine: true, checks })
    .catch((error) => error);
  // The audit asks again.
  expect(refused).toMatchObject({ code: "CHECK_FAILED" });
  expect(await lake.hash()).toBe(hash);
  const [kept, rejected] = [
    await ids("p.mood", refused.branch),
    await ids("p.mood_rejected", refused.branch),
  ];
  expect(rejected.length).toBeGreaterThan(0);
  expect([...kept, ...rejected].sort((a, b) => a - b)).toEqual([1, ...rows.map(({ id }) => id)]);
});

test("in quarantine keys that do not go together are an error, and nothing is published", async () => {
  const keys = await lake.createTable("p.keys", { schema: defineSchema({ k: string() }) });
  await keys.append([{ k: "1" }, { k: "01" }]);
  await lake.quality.createTable(terms("p.refers"));
  const checks = [references("id", "p.keys", "k")];
  await expect(
    lake.quality.publish("p.refers", [{ id: 1 }], { quarantine: true, checks }),
  ).rejects.toMatchObject({ code: "INVALID_CHECK", subject: "p.refers" });
  expect(await ids("p.refers")).toEqual([]);
});

test("in quarantine nothing is published of no rows, and all rows may be set aside", async () => {
  await lake.quality.createTable(terms("p.none"));
  expect(await lake.quality.publish("p.none", [], { quarantine: true })).toEqual({ outcome: "unchanged" });
  const all = await lake.quality.publish("p.none", [{ id: 1, origin: "xx" }], { quarantine: true });
  expect(all).toMatchObject({ outcome: "published", rejected: 1 });
  expect([await ids("p.none"), await ids("p.none_rejected")]).toEqual([[], [1]]);
});

test("what another call has tidied away, and cannot be written again, is no success", async () => {
  await lake.quality.createTable(terms("p.swept"));
  const rows = async function* (meanwhile: () => Promise<unknown>) {
    yield { id: 1 };
    await meanwhile();
  };
  // What is blocked takes all with it that its token has landed.
  const blocked = () =>
    lake.quality
      .publish("p.swept", [{ id: 1, origin: "xx" }], { token: "t" })
      .catch((error: unknown) => expect(error).toBeInstanceOf(CheckFailedError));
  await expect(lake.quality.publish("p.swept", rows(blocked), { token: "t" })).rejects.toMatchObject({
    code: "NO_SUCH_REF",
  });
  // A token that begins as those that are made up is its user's all the same.
  const others = () => lake.quality.publish("p.swept", [{ id: 2 }]);
  expect(await lake.quality.publish("p.swept", rows(others), { token: "once-2026-11-29" })).toMatchObject({
    outcome: "published",
  });
  expect(await ids("p.swept")).toEqual([1, 2]);
});

test("what a query gives is published, and files as appendFrom takes them", async () => {
  await lake.quality.createTable(terms("p.query"));
  await lake.quality.publish("p.query", 'select id, origin, delay, tail, "at" from p.once');
  await lake.quality.publish("p.query", { sql: "select 5 as id" }, { missingFields: "fill" });
  expect(await ids("p.query")).toEqual([1, 5]);
  await expect(lake.quality.publish(terms("p.query"), [{ id: "x" as never }])).rejects.toMatchObject({
    code: "SCHEMA_MISMATCH",
  });
  expect(await branches("p.query/")).toEqual([]);
});

test("a branch is published to as main is", async () => {
  const etl = await lake.branch("etl");
  await etl.quality.publish(terms("p.etl"), [{ id: 1 }]);
  expect(await ids("p.etl", "etl")).toEqual([1]);
  await expect(lake.table("p.etl")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  const tagged = await lake.tag("v1");
  await expect(tagged.quality.publish(terms("p.etl"), [{ id: 1 }])).rejects.toMatchObject({
    name: "LakehouseError",
  });
});

test("a contract says all that is to be said once", async () => {
  expect(dictionary([terms("p.once")])).toBe(`## p.once

Flights, cleaned.

- Owner: data@example.org
- Key: \`id\`

| Column | Type | Null | What it is |
|---|---|---|---|
| \`id\` | long | no | From the source \\| as it is |
| \`origin\` | string | yes |  |
| \`delay\` | int | yes |  |
| \`tail\` | uuid | yes |  |
| \`at\` | timestamp | yes |  |

| Check | Severity | What it holds |
|---|---|---|
| id unique | block | no two rows have the same id |
| origin accepted values | block | one of ATL, ORD |
`);
  const other = contract({ name: "p.once", schema: defineSchema({ id: int() }), owner: "x" });
  await expect(lake.quality.check(other)).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
  expect(() => contract({ name: "p.x", schema: SCHEMA, keys: ["nope" as never], owner: "x" })).toThrow(
    /"nope"/,
  );
});
