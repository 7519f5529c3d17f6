import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  day as byDay,
  date,
  defineSchema,
  eq,
  int,
  type Lakehouse,
  long,
  openLakehouse,
  type Table,
  updateProperties,
} from "sololakehouse";
import { append, replace, type Task, type TaskInit, task, upsert } from "sololakehouse/pipeline";
import { contract, range } from "sololakehouse/quality";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const SOURCE = defineSchema({ id: int(), day: date(), v: int() });
const LATEST = contract({
  name: "n.latest",
  schema: SOURCE,
  keys: ["id"],
  owner: "test",
  checks: [range("v", { max: 9 })],
});
const DAYS = contract({ name: "n.days", schema: defineSchema({ day: date(), rows: long() }), owner: "test" });

let root: string;
let lake: Lakehouse;
let events: Table<{ id: number; day: string; v: number }>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pipeline-"));
  lake = await openLakehouse({ root });
  events = (await lake.createTable("n.events", { schema: SOURCE })) as never;
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const latest = (init: Partial<TaskInit<never>> = {}): Task =>
  task({
    into: LATEST,
    changes: { events: "n.events" },
    sql: "SELECT * FROM events",
    write: upsert({ newest: "v", slice: "day" }),
    ...(init as object),
  });
const days = task({
  into: DAYS,
  changes: { latest: LATEST },
  sql: "SELECT day, count(*) AS rows FROM latest GROUP BY day",
  write: replace("day"),
});

const valuesOf = async (sql: string) => (await lake.sql(sql).rows()).map((row) => Object.values(row));

describe("a run", () => {
  test("takes in what has changed and says so, and does nothing where nothing has", async () => {
    events = await events.append([
      { id: 1, day: "2001-01-01", v: 1 },
      { id: 2, day: "2001-01-02", v: 1 },
    ]);
    const first = await lake.pipeline.run([days, latest()]);
    expect(first.map(({ task: name, outcome }) => [name, outcome])).toEqual([
      ["n.latest", "written"],
      ["n.days", "written"],
    ]);
    const seen = events.currentSnapshot?.snapshotId;
    expect(first[0]?.inputs).toEqual({ events: { table: "n.events", from: undefined, to: seen } });
    const head = await lake.hash();
    const again = await lake.pipeline.run([days, latest()]);
    expect(again.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged"]);
    expect(await lake.hash()).toBe(head);

    events = await events.append([{ id: 3, day: "2001-01-02", v: 1 }]);
    const [, third] = await lake.pipeline.run([days, latest()]);
    expect(third?.slices).toEqual(["2001-01-02"]);
    expect(await valuesOf("select day, rows from n.days order by day")).toEqual([
      ["2001-01-01", 1n],
      ["2001-01-02", 2n],
    ]);
  });

  test("leaves files of other slices as they are", async () => {
    const filesOf = async (day: string) =>
      valuesOf(`select distinct _file from n.parted where day = date '${day}'`);
    const parted = contract({
      name: "n.parted",
      schema: DAYS.schema,
      owner: "test",
      partitionSpec: [byDay("day")],
    });
    const tasks = [
      latest(),
      task({
        into: parted,
        changes: { latest: LATEST },
        sql: "SELECT day, count(*) AS rows FROM latest GROUP BY day",
        write: replace("day"),
      }),
    ];
    await events.append([
      { id: 1, day: "2001-01-01", v: 1 },
      { id: 2, day: "2001-01-02", v: 1 },
    ]);
    await lake.pipeline.run(tasks);
    const [first, second] = [await filesOf("2001-01-01"), await filesOf("2001-01-02")];
    await lake.pipeline.run(tasks, { slices: ["2001-01-02"] });
    expect(await filesOf("2001-01-01")).toEqual(first);
    expect(await filesOf("2001-01-02")).not.toEqual(second);
  });

  test("keeps what the table's checks block off the branch, and goes on once it is right", async () => {
    await events.append([{ id: 1, day: "2001-01-01", v: 1 }]);
    await lake.pipeline.run([latest(), days]);
    const bad = await events.append([{ id: 2, day: "2001-01-01", v: 10 }]);
    await expect(lake.pipeline.run([latest(), days])).rejects.toMatchObject({ code: "CHECK_FAILED" });
    expect(await valuesOf("select id, v from n.latest")).toEqual([[1, 1]]);
    expect(await valuesOf("select rows from n.days")).toEqual([[1n]]);
    expect(bad.name).toBe("n.events");
    const lenient = latest({ sql: "SELECT id, day, CAST(least(v, 9) AS INT) AS v FROM events" });
    await lake.pipeline.run([lenient, days]);
    expect(await valuesOf("select id, v from n.latest order by id")).toEqual([
      [1, 1],
      [2, 9],
    ]);
  });

  test("on a branch changes that branch alone", async () => {
    await events.append([{ id: 1, day: "2001-01-01", v: 1 }]);
    const etl = await lake.branch("etl");
    await etl.pipeline.run([latest()]);
    expect(await valuesOf('select id from n.latest@"etl"')).toEqual([[1]]);
    await expect(lake.table("n.latest")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  });

  test("goes back with a table that is rolled back, and takes in anew what went", async () => {
    await events.append([{ id: 1, day: "2001-01-01", v: 1 }]);
    await lake.pipeline.run([latest()]);
    await events.append([{ id: 2, day: "2001-01-01", v: 1 }]);
    await lake.pipeline.run([latest()]);
    const table = await lake.table("n.latest");
    await table.rollback(table.currentSnapshot?.parentSnapshotId as bigint);
    expect(await valuesOf("select id from n.latest")).toEqual([[1]]);
    await lake.pipeline.run([latest()]);
    expect(await valuesOf("select id from n.latest order by id")).toEqual([[1], [2]]);
  });

  test("writes nothing of inputs that never had a row, and everything once they have", async () => {
    await lake.pipeline.run([latest(), days]);
    expect(await valuesOf("select * from n.latest")).toEqual([]);
    const again = await lake.pipeline.run([latest(), days]);
    expect(again.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged"]);
    await events.append([{ id: 1, day: "2001-01-01", v: 1 }]);
    await lake.pipeline.run([latest(), days]);
    expect(await valuesOf("select rows from n.days")).toEqual([[1n]]);
  });
});

test("what was committed long ago is taken in, though its snapshots have expired since", async () => {
  const bound = { "history.expire.max-snapshots": "2", "write.metadata.previous-versions-max": "3" };
  await events.update([updateProperties({ set: bound })]);
  const added = task({
    into: contract({ name: "n.added", schema: SOURCE, owner: "test" }),
    changes: { events: "n.events" },
    sql: "SELECT * FROM events",
    write: append(),
  });
  const ids: number[] = [];
  for (const many of [1, 9, 25]) {
    for (let i = 0; i < many; i++) {
      ids.push(ids.length);
      await (await lake.table("n.events")).append([{ id: ids.length - 1, day: "2001-01-01", v: 1 }] as never);
    }
    await lake.pipeline.run([added, latest(), days]);
    expect((await valuesOf("select id from n.added order by id")).flat()).toEqual(ids);
    expect(await valuesOf("select rows from n.days")).toEqual([[BigInt(ids.length)]]);
  }
});

test("a day that is made anew gets back what it lost, and what is new once", async () => {
  const added = task({
    into: contract({ name: "n.added", schema: SOURCE, owner: "test" }),
    changes: { events: "n.events" },
    sql: "SELECT * FROM events",
    write: append({ slice: "day" }),
  });
  const ids = async () => (await valuesOf("select id from n.added order by id")).flat();
  events = await events.append([
    { id: 1, day: "2001-01-01", v: 1 },
    { id: 2, day: "2001-01-02", v: 1 },
  ]);
  await lake.pipeline.run([added]);
  await (await lake.table("n.added")).truncate();
  events = await events.append([{ id: 3, day: "2001-01-01", v: 1 }]);
  const [run] = await lake.pipeline.run([added], { slices: ["2001-01-01"] });
  expect(await ids()).toEqual([1, 3]);
  expect(run?.inputs.events?.to).toBe(events.currentSnapshot?.snapshotId);
  await lake.pipeline.run([added], { slices: ["2001-01-02"] });
  expect(await ids()).toEqual([1, 2, 3]);
});

describe("where it cannot be told what is new", () => {
  beforeEach(async () => {
    events = await events.append([{ id: 1, day: "2001-01-01", v: 1 }]);
    await lake.pipeline.run([latest()]);
  });

  const rebuilt = async () => {
    await lake.pipeline.run([latest()], { rebuild: true });
    return valuesOf("select id, v from n.latest order by id");
  };

  test("an input that lost rows is refused, until the table is made anew", async () => {
    await (await events.append([{ id: 2, day: "2001-01-01", v: 1 }])).deleteRows(eq("id", 1));
    await expect(lake.pipeline.run([latest()])).rejects.toMatchObject({ code: "NOT_APPEND_ONLY" });
    expect(await rebuilt()).toEqual([[2, 1]]);
  });

  test("so are one that was rolled back, one that says nothing of its past, and another of its name", async () => {
    const more = await events.append([{ id: 2, day: "2001-01-01", v: 2 }]);
    await lake.pipeline.run([latest()]);
    const back = await more.rollback(events.currentSnapshot?.snapshotId as bigint);
    await expect(lake.pipeline.run([latest()])).rejects.toMatchObject({ code: "POSITION_LOST" });
    expect(await rebuilt()).toEqual([[1, 1]]);

    let now = await back.update([updateProperties({ set: { "write.metadata.previous-versions-max": "1" } })]);
    now = await now.append([{ id: 3, day: "2001-01-01", v: 3 }]);
    const all = { olderThan: new Date(Date.now() + 60_000), retainLast: 1 };
    now = await now.expireSnapshots(all);
    await now.update([updateProperties({ set: { a: "b" } })]);
    for (const { metadataFile } of now.metadata.metadataLog) await lake.store.delete([metadataFile]);
    await expect(lake.pipeline.run([latest()])).rejects.toMatchObject({ code: "POSITION_LOST" });
    expect(await rebuilt()).toEqual([
      [1, 1],
      [3, 3],
    ]);

    const other = await lake.createTable("n.events", { schema: SOURCE, ifExists: "replace" });
    await other.append([{ id: 4, day: "2001-01-01", v: 4 }]);
    await expect(lake.pipeline.run([latest()])).rejects.toMatchObject({ code: "POSITION_LOST" });
    expect(await rebuilt()).toEqual([[4, 4]]);
  });

  test("made anew of an input without a row, it has none", async () => {
    await lake.createTable("n.events", { schema: SOURCE, ifExists: "replace" });
    expect(await rebuilt()).toEqual([]);
    expect((await lake.pipeline.run([latest()]))[0]?.outcome).toBe("unchanged");
  });

  test("so is a table with rows that no task wrote", async () => {
    const foreign = contract({ name: "n.foreign", schema: SOURCE, owner: "test" });
    await (await lake.quality.createTable(foreign)).append([{ id: 9, day: "2001-01-01", v: 9 }]);
    const given = task({
      into: foreign,
      changes: { events: "n.events" },
      sql: "SELECT * FROM events",
      write: append(),
    });
    await expect(lake.pipeline.run([given])).rejects.toMatchObject({ code: "POSITION_LOST" });
    expect(await valuesOf("select id from n.foreign")).toEqual([[9]]);
  });
});

describe("what makes no sense is refused:", () => {
  const refused = { code: "INVALID_ARGUMENT" };

  test("a task without a key, a required slice, an input, or days to look back from", () => {
    const other = (init: object) => () => latest(init);
    const noKey = contract({ name: "n.x", schema: SOURCE, owner: "test" });
    expect(other({ into: noKey })).toThrow(expect.objectContaining(refused));
    expect(other({ changes: {} })).toThrow(expect.objectContaining(refused));
    expect(other({ changes: { a: "n.a", b: "n.b" } })).toThrow(expect.objectContaining(refused));
    expect(other({ reads: { events: "n.a" } })).toThrow(expect.objectContaining(refused));
    expect(other({ write: replace("nope") })).toThrow(expect.objectContaining(refused));
    expect(other({ write: replace("id", { lookback: 1 }) })).toThrow(expect.objectContaining(refused));
    expect(other({ write: replace("day", { lookback: -1 }) })).toThrow(expect.objectContaining(refused));
  });

  test("two tasks of one table, tasks in a circle, and slices of what has none", async () => {
    await expect(lake.pipeline.run([latest(), latest()])).rejects.toMatchObject(refused);
    const back = latest({ changes: { events: DAYS } });
    await expect(lake.pipeline.run([back, days])).rejects.toMatchObject(refused);
    const plain = latest({ write: upsert({ newest: "v" }) });
    await expect(lake.pipeline.run([plain], { slices: ["2001-01-01"] })).rejects.toMatchObject(refused);
  });
});
