import { defineSchema, double, int, long, string, struct, type Table, timestamp } from "sololakehouse";
import { beforeAll, describe, expect, test } from "vitest";
import {
  acceptedValues,
  type Check,
  type CheckReport,
  contract,
  drift,
  expression,
  freshness,
  length,
  notNull,
  pattern,
  range,
  references,
  rowCount,
  sqlCheck,
  types,
  unique,
} from "../../lib/lakehouse/quality/index.js";
import { isOver } from "../../lib/lakehouse/quality/run/judge.js";
import { lake } from "./support/lake.js";

const SCHEMA = defineSchema({
  id: long().optional(),
  origin: string().optional(),
  delay: int().optional(),
  score: double().optional(),
  at: timestamp().optional(),
  place: struct({ zip: string().optional() }).optional(),
});

const NOW = new Date("2001-01-04T01:00:00Z");
let table: Table<Record<string, unknown>>;

beforeAll(async () => {
  const parents = await lake.createTable("a.airports", {
    schema: defineSchema({ code: string().optional() }),
  });
  await parents.append([{ code: "ATL" }, { code: "ORD" }, { code: null }]);
  table = (await lake.createTable("a.t", { schema: SCHEMA })) as unknown as typeof table;
  table = await table.append([
    { id: 1, origin: "ATL", delay: 1, score: 0, at: "2001-01-01T00:00:00", place: { zip: "30320" } },
    { id: 1, origin: "ORD", delay: 2000, score: Number.NaN, at: "2001-01-02T00:00:00", place: { zip: null } },
    { id: 2, origin: "xx", delay: null, score: -0, at: "2001-01-03T00:00:00", place: null },
    { id: null, origin: null, delay: -5, score: 2, at: null },
  ]);
});

const run = (checks: readonly Check[], more = {}): Promise<CheckReport> =>
  lake.quality.check("a.t", { checks, now: NOW, record: false, ...more });

const CASES: readonly (readonly [string, Check, number, readonly object[]])[] = [
  ["a NULL", notNull("id"), 1, [{ id: null, origin: null, delay: -5, score: 2, at: null, place: null }]],
  ["a NULL inside a struct, and one around it", notNull("place.zip"), 3, expect.anything() as never],
  ["each row of a key after its first", unique("id"), 1, [{ id: 1, "(copies)": 2 }]],
  ["keys of several columns", unique(["id", "origin"]), 0, []],
  ["zero of either sign as one key", unique("score"), 1, [{ score: 0, "(copies)": 2 }]],
  [
    "what is outside, bounds between whole numbers too",
    range("delay", { min: -5, max: 1.5 }),
    1,
    expect.anything() as never,
  ],
  [
    "bounds themselves, where they are exclusive",
    range("delay", { min: -5, exclusive: true }),
    1,
    expect.anything() as never,
  ],
  ["NaN in any range", range("score", { min: -1 }), 1, expect.anything() as never],
  ["values that are none of those", acceptedValues("origin", ["ATL", "ord"]), 2, expect.anything() as never],
  ["text without the pattern", pattern("origin", "^[A-Z]{3}$"), 1, expect.anything() as never],
  [
    "text with a pattern that may not be",
    pattern("origin", "T", { not: true }),
    1,
    expect.anything() as never,
  ],
  ["text too short", length("origin", { min: 3 }), 1, expect.anything() as never],
  [
    "columns of another type, or that are not there",
    types({ id: "long", delay: "long", x: "int", place: "struct<6: zip: optional string>" }),
    3,
    [
      { column: "delay", expected: "long", found: "int" },
      { column: "x", expected: "int", found: null },
    ],
  ],
  [
    "keys that the other table lacks",
    references("origin", "a.airports", "code"),
    1,
    expect.anything() as never,
  ],
  [
    "what is not true, and not what is unknown",
    expression("delay < 1000 -- always"),
    1,
    expect.anything() as never,
  ],
  ["rows of a query", sqlCheck("select origin from rows where delay > 100;"), 1, [{ origin: "ORD" }]],
  ["too few rows", rowCount({ min: 5 }), 1, []],
  ["an age", freshness("at", "24h"), 1, []],
];

test.each(CASES)("finds %s", async (_, check, failing, samples) => {
  const [result] = (await run([check])).results;
  expect(result).toMatchObject({ failing: check.kind === "types" ? expect.any(Number) : failing });
  if (Array.isArray(samples) && check.kind !== "types") expect(result?.samples).toEqual(samples);
  if (check.kind === "types") expect(result?.samples).toEqual(expect.arrayContaining([...samples]));
});

test("all checks of a table share a query, and say the same as alone", async () => {
  const checks = CASES.map(([, check]) => check);
  const together = await run(checks);
  const alone = [];
  for (const check of checks) alone.push(...(await run([check])).results);
  expect(together.results).toEqual(alone);
});

test("a where keeps a check to some rows, of which fractions are reckoned", async () => {
  const where = "origin is not null -- not all";
  const [result] = (await run([notNull("delay", { where, allow: { fraction: 0.3 } })])).results;
  expect(result).toMatchObject({ failing: 1, rows: 3, outcome: "fail" });
  const [more] = (await run([notNull("delay", { where, allow: { fraction: 0.34 } })])).results;
  expect(more?.outcome).toBe("pass");
});

test("severity and allowances tell what a finding means", async () => {
  const outcomes = async (...checks: readonly Check[]) =>
    (await run(checks.map((check, i) => ({ ...check, name: `${i}` })))).results.map(({ outcome }) => outcome);
  const [warns, lets] = [{ severity: "warn" } as const, { allow: { rows: 1 } }];
  expect(
    await outcomes(
      notNull("id"),
      notNull("id", warns),
      notNull("id", lets),
      notNull("id", { ...lets, warnOver: { rows: 0 } }),
      notNull("place.zip", lets),
    ),
  ).toEqual(["fail", "warn", "pass", "warn", "fail"]);
  expect((await run([notNull("id", warns)])).passed).toBe(true);
});

describe("of new rows", () => {
  test("keys are held against the whole table, and checks of all rows are about all", async () => {
    const since = table.currentSnapshot?.snapshotId;
    const more = await table.append([
      { id: 2, delay: 7 },
      { id: 9, delay: 1 },
      { id: 9, delay: 1 },
    ]);
    const checks = [
      unique("id"),
      notNull("origin"),
      rowCount({ min: 1 }),
      rowCount({ min: 1, of: "new", name: "new" }),
    ];
    const { results, scope } = await run(checks, { since });
    expect({ scope, found: results.map(({ failing, rows }) => [failing, rows]) }).toEqual({
      scope: "new",
      found: [
        [2, 3],
        [3, 3],
        [0, 7],
        [0, 3],
      ],
    });
    expect(results[0]?.samples).toEqual([
      { id: 2, "(copies)": 2 },
      { id: 9, "(copies)": 2 },
    ]);
    // Set back, the table has nothing that it had not; the rows that a rollback brings back it had.
    await more.rollback(since as bigint);
    expect((await run(checks, { since })).results.map(({ rows }) => rows)).toEqual([0, 0, 4, 0]);
    const other = { since: more.currentSnapshot?.snapshotId };
    expect((await run([notNull("id")], other)).results[0]?.rows).toBe(0);
    // On its new line it gets a row that the old one had as well, and one that it had not.
    await (await table.refresh()).append([{ id: 9, delay: 1 }, { id: 77 }]);
    const { results: since77 } = await run([acceptedValues("id", [9])], other);
    expect(since77).toMatchObject([{ rows: 1, failing: 1, samples: [{ id: 77 }] }]);
    await (await table.refresh()).rollback(since as bigint);
  });

  test("rows in a batch are looked at by themselves, and keys are new to the table that they are for", async () => {
    const rows = [{ id: 2, origin: "zz" }, { id: 10, origin: "ATL" }, { id: 10 }];
    const checks = [unique("id"), references("origin", "a.airports", "code"), rowCount({ max: 2 })];
    const found = async (into?: string) =>
      (await lake.quality.checkRows(rows, "a.t", { checks, into })).results.map(({ failing }) => failing);
    expect(await found()).toEqual([1, 1, 1]);
    expect(await found("a.t")).toEqual([2, 1, 1]);
    const silver = contract({
      name: "a.silver",
      schema: defineSchema({ id: long(), n: long().optional() }),
      keys: ["id"],
      owner: "data@example.org",
    });
    const lacking = await lake.quality.checkRows([{ id: null as never }], silver);
    expect(lacking.results.map(({ check, failing }) => [check.name, failing])).toEqual([
      ["id not null", 1],
      ["id unique", 0],
    ]);
  });
});

test("a count that moves by just what is allowed passes, and one that warned is nothing to compare with", async () => {
  const steady = await lake.createTable("a.steady", { schema: defineSchema({ id: long() }) });
  const check = rowCount({ change: { min: -0.1, max: 0.1 }, severity: "warn" });
  const outcome = async () => (await lake.quality.check("a.steady", { checks: [check] })).results[0]?.outcome;
  const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }));
  let now = await steady.append(rows(100));
  expect(await outcome()).toBe("pass");
  now = await now.append(rows(10));
  expect(await outcome()).toBe("pass");
  await now.append(rows(110));
  expect([await outcome(), await outcome()]).toEqual(["warn", "warn"]);
});

test("new rows of a snapshot that has expired are an error, and not none", async () => {
  const short = await lake.createTable("a.short", {
    schema: defineSchema({ id: long().optional() }),
    properties: { "history.expire.max-snapshots": "2" },
  });
  let now = await short.append([{ id: 1 }]);
  const since = now.currentSnapshot?.snapshotId as bigint;
  for (let i = 0; i < 4; i++) now = await now.append([{ id: null }]);
  const kept = now.metadata.snapshots.map(({ snapshotId }) => snapshotId);
  expect(kept).not.toContain(since);
  await expect(
    lake.quality.check("a.short", { checks: [notNull("id")], since, record: false }),
  ).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
});

test("what would let all failures through is refused, however a check was made", async () => {
  for (const wrong of [{ severity: "Block" }, { allow: {} }, { allow: { fraction: 2 } }])
    await expect(run([{ ...notNull("id"), ...wrong } as Check])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
});

test("rows are those that are checked: no other state of a table can be meant by their name", async () => {
  for (const other of ['rows@"main"', "rows for version as of 1", "rows for timestamp as of now()"]) {
    const check = sqlCheck(`select id from ${other} except select id from rows`, { name: "other" });
    await expect(run([check])).rejects.toMatchObject({ code: "INVALID_CHECK", subject: "other" });
  }
  await expect(run([sqlCheck("select * from constructor", { name: "none" })])).rejects.toMatchObject({
    code: "INVALID_CHECK",
  });
});

test("a comment takes no check out of the query", async () => {
  const checks = [
    expression("true /*", { name: "opens" }),
    notNull("id"),
    expression("*/ AND true", { name: "closes" }),
  ];
  await expect(run(checks)).rejects.toMatchObject({ code: "INVALID_CHECK", subject: "opens" });
});

test("of many rows a fraction of none lets none through", () => {
  expect(isOver({ fraction: 0 }, { failing: 1, rows: 2e9 })).toBe(true);
  expect(isOver({ fraction: 0.01 }, { failing: 3, rows: 300 })).toBe(false);
});

test("numbers without end have a distribution, and a bound written as 5.0 can be excluded", async () => {
  const far = await lake.createTable("a.far", { schema: defineSchema({ n: long(), x: double() }) });
  await far.append(
    [Number.NEGATIVE_INFINITY, 0, 1, Number.POSITIVE_INFINITY].map((x, i) => ({ n: 4 + i, x })),
  );
  const before = await lake.quality.distribution("a.far", "x");
  const checks = [
    drift("x", { against: before }),
    range("n", { min: "5.0", exclusive: true }),
    range("n", { max: "4.5", exclusive: true, name: "between" }),
  ];
  const { results } = await lake.quality.check("a.far", { checks, record: false });
  expect(results.map(({ failing }) => failing)).toEqual([0, 2, 3]);
});

test("a count is held against the runs before, on the same branch", async () => {
  const grown = await lake.createTable("a.grown", { schema: defineSchema({ id: long() }) });
  const check = rowCount({ change: { min: -0.1, max: 0.5 } });
  const outcome = async () => (await lake.quality.check("a.grown", { checks: [check] })).results[0];
  let now = await grown.append(Array.from({ length: 10 }, (_, id) => ({ id })));
  expect(await outcome()).toMatchObject({
    outcome: "pass",
    message: "10 rows, no earlier run to compare with",
  });
  now = await now.append([{ id: 10 }]);
  expect(await outcome()).toMatchObject({ outcome: "pass", message: "11 rows" });
  await now.append(Array.from({ length: 9 }, (_, id) => ({ id: 20 + id })));
  expect(await outcome()).toMatchObject({ outcome: "fail", message: "20 rows, +81.8 % against 11" });
  // What failed is nothing to compare with.
  expect(await outcome()).toMatchObject({ message: "20 rows, +81.8 % against 11" });
  const past = await lake.quality.history("a.grown");
  expect(past.map(({ rows, outcome }) => [rows, outcome])).toEqual([
    [20, "fail"],
    [20, "fail"],
    [11, "pass"],
    [10, "pass"],
  ]);
  expect(await lake.refs()).toMatchObject([{ name: "main" }, { name: "quality-history" }]);
});

describe("drift", () => {
  test("is none against the same rows, and much where they moved", async () => {
    const schema = defineSchema({ n: int().optional(), word: string().optional(), x: double().optional() });
    const rows = (shift: number) =>
      Array.from({ length: 500 }, (_, i) => ({
        n: (i % 50) + shift,
        word: `w${i % 5}`,
        x: i % 7 === 0 ? Number.NaN : i,
      }));
    const drifting = await lake.createTable("a.drifting", { schema });
    await drifting.append(rows(0));
    await lake.tag("before");
    const checks = [
      drift("n", { against: "before" }),
      drift("word", { against: "before" }),
      drift("x", { against: "before" }),
    ];
    const indexes = async () => {
      const { results } = await lake.quality.check("a.drifting", { checks, record: false });
      return results.map(({ outcome, measured }) => [outcome, Math.round((measured ?? 0) * 1000) / 1000]);
    };
    expect(await indexes()).toEqual([
      ["pass", 0],
      ["pass", 0],
      ["pass", 0],
    ]);
    const taken = await lake.quality.distribution("a.drifting", "n");
    expect(taken.counts.reduce((sum, count) => sum + count)).toBe(500);
    expect(taken.bounds).toEqual(
      ["5", "10", "15", "20", "25", "30", "35", "40", "45"].map((bound) => String(Number(bound) - 1)),
    );
    await (await lake.table("a.drifting")).append(rows(1000));
    const [[outcome, index] = []] = await indexes();
    expect([outcome, Number(index) > 0.5]).toEqual(["fail", true]);
    const against = async (max?: number) => {
      const check = drift("n", { against: taken, max });
      const { results } = await lake.quality.check("a.drifting", { checks: [check], record: false });
      return results[0];
    };
    const found = await against();
    expect(found?.outcome).toBe("fail");
    // It fails from just its bound on.
    const measured = found?.measured ?? 0;
    const outcomes = [await against(measured), await against(measured + 1e-9)].map((each) => each?.outcome);
    expect(outcomes).toEqual(["fail", "pass"]);
  });
});

describe("a check that cannot be run is named", () => {
  const WRONG: readonly (readonly [Check, RegExp])[] = [
    [notNull("nope"), /names the column "nope"/],
    [range("delay", { min: "many" }), /compares delay, of type int, with "many"/],
    [acceptedValues("delay", [1.5]), /with 1.5, which is no value of it/],
    [range("delay", { min: 2 ** 40 }), /^never$/],
    [pattern("delay", "x"), /which is no text/],
    [length("delay", { min: 1 }), /which has none/],
    [freshness("delay", "1h"), /no date or timestamp/],
    [expression("nope > 1"), /"nope > 1" cannot be run.*nope/s],
    [expression("cast(origin as int) > 0"), /cannot be run.*Could not convert/s],
    [sqlCheck("select * from rows where"), /cannot be run/],
    [references("origin", "a.nowhere", "code"), /cannot be run: There is no table a.nowhere/],
    [drift("delay", { against: "nowhere" }), /cannot be run/],
  ];

  test.each(WRONG)("%j", async (check, message) => {
    if (message.source === "^never$") return expect((await run([check])).results[0]?.failing).toBe(3);
    // Beside others, of which none is to blame.
    await expect(run([notNull("id"), check, unique("id")])).rejects.toMatchObject({
      code: "INVALID_CHECK",
      message: expect.stringMatching(message),
    });
  });

  test("options that would be passed over are refused", () => {
    expect(() => notNull("a", { wher: "x" } as never)).toThrow(/no option "wher"/);
    expect(() => rowCount({ min: 1, allow: { rows: 1 } })).toThrow(/as a whole/);
    expect(() => sqlCheck("select 1", { where: "x" })).toThrow(/has no where/);
    expect(() => notNull("a", { of: "new" } as never)).toThrow(/single rows/);
    expect(() => notNull("a", { allow: { fraction: 2 } })).toThrow(/allow is/);
    expect(() => range("a", {})).toThrow(/needs a min or a max/);
    expect(() => freshness("a", "soon")).toThrow(/no span of time/);
  });

  test("two of one name are", async () => {
    await expect(run([notNull("id"), notNull("id")])).rejects.toThrow(/Two checks are called "id not null"/);
    await expect(run([])).rejects.toThrow(/has no checks/);
  });
});
