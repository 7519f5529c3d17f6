import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { defineSchema, type Lakehouse, long, openLakehouse } from "sololakehouse";
import { afterEach, beforeEach, expect, test } from "vitest";

// What is stopped before its commit has changed nothing, and says why; what is stopped too late has been done whole.

let root: string;
let lake: Lakehouse;
/** Commits of the branch, oldest first, as expressions. */
let commits: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "aborted-"));
  lake = await openLakehouse({ root, profile: "embedded" });
  const schema = defineSchema({ id: long() });
  for (const name of ["a", "b"]) await lake.createTable(`n.${name}`, { schema });
  const etl = await lake.branch("etl");
  commits = [];
  for (const name of ["a", "b"]) {
    await (await etl.table(`n.${name}`)).append([{ id: 1n }]);
    commits.push(`@${await etl.hash()}`);
  }
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true });
});

type Call = (signal: AbortSignal) => Promise<unknown>;

const CHANGES: Readonly<Record<string, Call>> = {
  merge: (signal) => lake.merge("etl", { signal }),
  transplant: (signal) => lake.transplant(commits, { signal }),
  revert: (signal) => lake.revert(commits, { into: "etl", signal }),
};

const heads = () => Promise.all([lake.hash(), lake.on("etl").hash()]);

test.each(Object.entries(CHANGES))("%s that is stopped is done, or has changed nothing", async (_, call) => {
  const before = await heads();
  await expect(call(AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
  expect(await heads()).toEqual(before);
  for (const turns of [1, 4, 16, 10_000]) {
    const now = await heads();
    const controller = new AbortController();
    let isOver = false;
    const outcome = call(controller.signal)
      .then(
        () => "done",
        (error: { code?: string }) => error.code,
      )
      .finally(() => {
        isOver = true;
      });
    for (let i = 0; i < turns && !isOver; i++) await turn();
    controller.abort();
    if ((await outcome) === "done") {
      expect(await heads()).not.toEqual(now);
      return;
    }
    expect(await outcome).toBe("ABORTED");
    expect(await heads()).toEqual(now);
  }
  expect.unreachable("one of so many turns is enough");
});

test("gc that is stopped deletes nothing", async () => {
  await lake.deleteRef("etl");
  // What happened in the very millisecond of a collection is recent to it, whatever the grace period.
  await sleep(5);
  const wanted = await lake.gc({ gracePeriodMs: 0, dryRun: true });
  await expect(lake.gc({ gracePeriodMs: 0, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "ABORTED",
  });
  expect(await lake.gc({ gracePeriodMs: 0, dryRun: true })).toEqual(wanted);
  expect(wanted.commits).toHaveLength(commits.length);
  expect((await lake.gc({ gracePeriodMs: 0, signal: new AbortController().signal })).commits).toHaveLength(
    commits.length,
  );
});

test("reads of counts and differences stop", async () => {
  const signal = AbortSignal.abort();
  await expect(lake.countRows(await lake.table("n.a"), { signal })).rejects.toMatchObject({
    code: "ABORTED",
  });
  await expect(lake.diff("main", "etl", { signal })).rejects.toMatchObject({ code: "ABORTED" });
  expect(await lake.diff("main", "etl", { signal: new AbortController().signal })).toHaveLength(2);
});
