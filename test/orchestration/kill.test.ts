/** Processes that are killed in the middle of a run, and what is left of it. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineSchema, int, type Lakehouse, openLakehouse } from "sololakehouse";
import { branchingOf } from "sololakehouse/catalog";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runs } from "../support/runs.js";

const script = join(import.meta.dirname, "support/killed.mjs");
const ROWS = 20;

let root: string;
let lake: Lakehouse;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "killed-"));
  lake = await openLakehouse({ root });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

interface Report {
  readonly status: string;
  readonly isResumed: boolean;
  readonly tries: Readonly<Record<string, number>>;
  /** Of what was due. */
  readonly outcomes: readonly string[];
}

interface Ended {
  readonly ms: number;
  readonly report: Report;
}

/**
 * Runs the pipeline in a process of its own.
 *
 * @param kill after so many milliseconds of the run, or in the middle of a step that waits for good.
 * @param of `due`: runs what a sensor of the table n.raw asks for.
 */
function runProcess(kill?: number | "waits", of?: "due"): Promise<Ended> {
  return new Promise((done, fail) => {
    const args = [script, root, ...(kill === "waits" ? ["600000"] : []), ...(of === undefined ? [] : [of])];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err, began] = ["", "", 0];
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (began === 0) {
        began = performance.now();
        if (typeof kill === "number") setTimeout(() => child.kill("SIGKILL"), kill);
      }
      out += text;
      if (kill === "waits" && out.includes("waits")) child.kill("SIGKILL");
    });
    child.on("close", (_, signal) => {
      if (signal === null && began === 0) fail(new Error(`The process did not start: ${err}`));
      else {
        const last = out.trimEnd().split("\n").at(-1) ?? "";
        done({ ms: performance.now() - began, report: last.startsWith("{") ? JSON.parse(last) : undefined });
      }
    });
  });
}

/** What the branch shows, at one commit: whole batches, in every table the same. Answers with how many there are. */
async function batches(): Promise<number> {
  const { hash } = await branchingOf(lake.catalog).reference("main");
  const at = lake.on(`@${hash}`);
  if ((await at.tables()).length < 2) return 0;
  const query = `SELECT
    (SELECT count(*) FROM n.events) AS events, (SELECT count(DISTINCT batch) FROM n.events) AS batches,
    (SELECT count(DISTINCT id) FROM n.events) AS ids, (SELECT count(*) FROM n."all") AS "all",
    (SELECT count(*) FROM n.latest) AS latest, (SELECT CAST(sum(rows) AS BIGINT) FROM n.days) AS days`;
  const [row] = await at.sql(query).rows();
  const n = Number(row?.batches);
  const rows = BigInt(n * ROWS);
  expect(row).toEqual({ events: rows, batches: BigInt(n), ids: rows, all: rows, latest: rows, days: rows });
  return n;
}

async function publishedRuns(): Promise<number> {
  const { items } = await branchingOf(lake.catalog).log({ pageSize: 1000 });
  const ids = items.flatMap(({ properties }) => properties["pipeline.run"] ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  return ids.length;
}

test("a run that is killed at any moment shows nothing by halves, and the next one completes it, once", async () => {
  const { ms, report } = await runProcess();
  expect(report).toMatchObject({ status: "succeeded", isResumed: false });
  let had = 1;
  expect(await batches()).toBe(had);
  for (let i = 0; i < runs(3); i++) {
    let isWatching = true;
    const watch = (async () => {
      while (isWatching) {
        expect([had, had + 1]).toContain(await batches());
        await sleep(20);
      }
    })();
    await runProcess(Math.random() * ms);
    isWatching = false;
    await watch;
    const now = await batches();
    const next = await runProcess();
    expect(next.report).toMatchObject({ status: "succeeded" });
    had = await batches();
    // What the killed one had published needs no more than its end to be written down.
    if (next.report.isResumed) expect([now, now + 1]).toContain(had);
    else expect(had).toBe(now + 1);
    expect(await publishedRuns()).toBe(had);
    expect(await leftBranches()).toEqual([]);
  }
});

test("the next run goes on from the last finished step", async () => {
  await runProcess("waits");
  expect(await batches()).toBe(0);
  const [left] = await lake.orchestration.runs();
  expect(left?.status).toBe("running");
  const { report } = await runProcess();
  expect(report).toMatchObject({ status: "succeeded", isResumed: true });
  expect(report.tries).toMatchObject({ ingest: 1, "n.latest": 1, wait: 2 });
  expect(await batches()).toBe(1);
  expect(await leftBranches()).toEqual([]);
});

test("what is due is run once though watchers are killed at any moment", async () => {
  const { ms } = await runProcess();
  await lake.createTable("n.raw", { schema: defineSchema({ n: int() }) });
  for (let n = 1; n <= runs(2); n++) {
    await (await lake.table("n.raw")).append([{ n }]);
    await Promise.all([runProcess(Math.random() * ms, "due"), runProcess(Math.random() * ms, "due")]);
    await runProcess(undefined, "due");
    expect(await batches()).toBe(n + 1);
    expect(await publishedRuns()).toBe(n + 1);
    expect((await runProcess(undefined, "due")).report.outcomes).toEqual([]);
  }
  const keys = (await lake.orchestration.runs()).map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(await leftBranches()).toEqual([]);
});

const leftBranches = async () =>
  (await branchingOf(lake.catalog).references())
    .map(({ name }) => name)
    .filter((name) => name.startsWith("pipeline/"));
