import { setTimeout as sleep } from "node:timers/promises";
import { branchingOf } from "sololakehouse/catalog";
import {
  checkStep,
  definePipeline,
  RunFailedError,
  type Step,
  step,
  taskStep,
  topic,
} from "sololakehouse/orchestration";
import { append, task } from "sololakehouse/pipeline";
import { contract } from "sololakehouse/quality";
import { describe, expect, test } from "vitest";
import { taskEvents } from "../../lib/lakehouse/orchestration/metrics.js";
import { DAYS, days, EVENTS, freshLake, LATEST, latest } from "./support/lakes.js";

const at = freshLake();
/** Machines may be slow. */
const LONG = { timeout: 300_000 };

const ingest = (rows: { id: number; day: string; v: number }[], more: object = {}): Step =>
  step({
    name: "ingest",
    writes: { events: EVENTS },
    run: async ({ write }) => write("events", rows),
    ...more,
  });
const FIRST = [
  { id: 1, day: "2001-01-01", v: 1 },
  { id: 2, day: "2001-01-02", v: 2 },
];
const pipelineOf = (...steps: Step[]) => definePipeline({ name: "p", steps });
const whole = (first: Step = ingest(FIRST)) =>
  pipelineOf(taskStep(days), checkStep(LATEST), first, taskStep(latest));
const statuses = async (id: string) =>
  Object.fromEntries((await at.lake.orchestration.show(id)).steps.map(({ name, status }) => [name, status]));
const fails = async (run: Promise<unknown>): Promise<RunFailedError> => {
  const error = await run.then(
    () => undefined,
    (each: unknown) => each,
  );
  expect(error).toBeInstanceOf(RunFailedError);
  return error as RunFailedError;
};

describe("a run", () => {
  test("does all steps in their order, and comes to the branch by one commit", async () => {
    const before = await branchingOf(at.lake.catalog).hash();
    const report = await at.lake.orchestration.run(whole());
    expect(report.status).toBe("succeeded");
    expect(report.steps.map(({ name }) => name).slice(0, 2)).toEqual(["ingest", "n.latest"]);
    expect(await statuses(report.id)).toEqual({
      ingest: "succeeded",
      "n.latest": "succeeded",
      "n.days": "succeeded",
      "check n.latest": "succeeded",
    });
    expect(await at.valuesOf("select day::text, rows from n.days order by 1")).toEqual([
      ["2001-01-01", 1n],
      ["2001-01-02", 1n],
    ]);
    const [commit, ...rest] = (await branchingOf(at.lake.catalog).log()).items;
    expect(commit?.hash).toBe(report.hash);
    expect(commit?.parents[0]).toBe(before);
    expect(commit?.properties["pipeline.run"]).toBe(report.id);
    expect(rest[0]?.hash).toBe(before);
    expect(await at.branches()).toEqual([]);
  });

  test("writes nothing where nothing has changed", async () => {
    const tasks = pipelineOf(taskStep(latest), taskStep(days));
    await (await at.lake.table("n.events")).append(FIRST);
    await at.lake.orchestration.run(tasks);
    const before = await branchingOf(at.lake.catalog).hash();
    const report = await at.lake.orchestration.run(tasks);
    expect(report.steps.map(({ status }) => status)).toEqual(["unchanged", "unchanged"]);
    expect(await branchingOf(at.lake.catalog).hash()).toBe(before);
  });

  test("shows nothing on the branch until all of it is done", async () => {
    const seen: unknown[] = [];
    const look = step({
      name: "look",
      reads: { days: DAYS },
      run: async ({ lake }) => {
        seen.push((await lake.sql("select count(*) as n from n.days").rows())[0]?.n);
        seen.push((await at.valuesOf("select count(*) from n.events"))[0]?.[0]);
        await expect(at.lake.table("n.days")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
      },
    });
    await at.lake.orchestration.run(pipelineOf(look, ingest(FIRST), taskStep(latest), taskStep(days)));
    expect(seen).toEqual([2n, 0n]);
  });

  test("gives a function its tables as they are declared, and keeps what it answers with and logs", async () => {
    const count = step({
      name: "count",
      reads: { latest: LATEST, raw: "n.events", clicks: topic("clicks") },
      run: async ({ read, log, attempt }) => {
        log(`try ${attempt}`);
        const rows = await at.lake.countRows(await read("latest"));
        return { rows, same: (await read("raw")).name, own: { $int: "a key of its own" } };
      },
    });
    const { id } = await at.lake.orchestration.run(pipelineOf(count, ingest(FIRST), taskStep(latest)));
    const { steps, logs } = await at.lake.orchestration.show(id.slice(0, -3));
    const counted = steps.find(({ name }) => name === "count");
    expect(counted?.result).toEqual({ rows: 2n, same: "n.events", own: { $int: "a key of its own" } });
    expect(counted?.inputs["n.latest"]).toBe((await at.lake.table("n.latest")).currentSnapshot?.snapshotId);
    expect(logs.map(({ step, message }) => [step, message])).toEqual([["count", "try 1"]]);
  });

  test("knows on later runs what was published under a token", async () => {
    const once = step({
      name: "once",
      writes: { events: EVENTS },
      run: async ({ write }) => write("events", FIRST, { token: "file-1" }),
    });
    await at.lake.orchestration.run(pipelineOf(once));
    await at.lake.orchestration.run(pipelineOf(once));
    expect(await at.valuesOf("select count(*) from n.events")).toEqual([[2n]]);
  });

  test("refuses a step that writes what it does not declare, or that declares nothing and writes", async () => {
    const sly = step({
      name: "sly",
      writes: { latest: LATEST },
      run: async ({ lake }) => (await lake.table("n.events")).append(FIRST as never),
    });
    const error = await fails(at.lake.orchestration.run(pipelineOf(sly)));
    expect(error.failure.code).toBe("UNDECLARED_WRITE");
    const reader = step({
      name: "reader",
      run: async ({ lake }) => (await lake.table("n.events")).append(FIRST as never),
    });
    expect((await fails(at.lake.orchestration.run(pipelineOf(reader)))).failure.code).toBe(
      "INVALID_ARGUMENT",
    );
    expect(await at.valuesOf("select count(*) from n.events")).toEqual([[0n]]);
  });

  test("is done again from where its branch is by then, where others changed the same tables", async () => {
    let tries = 0;
    const slow = step({
      name: "ingest",
      writes: { events: EVENTS },
      run: async ({ write }) => {
        await write("events", FIRST);
        if (++tries === 1)
          await (await at.lake.table("n.events")).append([{ id: 9, day: "2001-01-09", v: 9 }] as never);
      },
    });
    const report = await at.lake.orchestration.run(whole(slow));
    expect([report.status, tries]).toEqual(["succeeded", 2]);
    expect((await at.valuesOf("select id from n.latest order by id")).flat()).toEqual([1, 2, 9]);
  });

  test("goes on beside changes of other tables", async () => {
    const slow = step({
      name: "ingest",
      writes: { events: EVENTS },
      run: async ({ write }) => {
        await write("events", FIRST);
        await at.lake.createTable("n.other", { schema: EVENTS.schema });
      },
    });
    const report = await at.lake.orchestration.run(whole(slow));
    expect(report.steps.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
    expect(await at.valuesOf("select count(*) from n.other")).toEqual([[0n]]);
    expect(await at.valuesOf("select count(*) from n.latest")).toEqual([[2n]]);
  });
});

describe("a step that fails", () => {
  const boom = (name: string, more: object = {}): Step =>
    step({
      name,
      run: () => {
        throw new Error("out of cheese");
      },
      ...more,
    });

  test("ends the run: nothing of it is on the branch, and the error says which step it was and why", async () => {
    const before = await branchingOf(at.lake.catalog).hash();
    const error = await fails(
      at.lake.orchestration.run(
        pipelineOf(ingest(FIRST), taskStep(latest), boom("last", { reads: { latest: LATEST } })),
      ),
    );
    expect(error).toMatchObject({
      code: "RUN_FAILED",
      step: "last",
      failure: { code: "error", message: "Error: out of cheese" },
    });
    expect(error.message).toContain("main is as it was");
    expect(await branchingOf(at.lake.catalog).hash()).toBe(before);
    const shown = await at.lake.orchestration.show(error.run);
    expect(shown).toMatchObject({ status: "failed", error: { message: "last: Error: out of cheese" } });
    expect(shown.logs.at(-1)?.message).toContain("run.test.ts");
  });

  test("is tried again as often as it may, and each try begins from the start", async () => {
    let tries = 0;
    const flaky = ingest([], {
      retries: { times: 2, backoffMs: 1 },
      run: async ({ lake, write }: never) => {
        await (write as (name: string, rows: object[]) => Promise<void>)("events", FIRST);
        if (++tries < 3) throw new Error("not yet");
        return lake === undefined;
      },
    });
    const told: string[] = [];
    const end = taskEvents.subscribe(
      ({ task, phase, outcome }) => void told.push(`${task} ${phase} ${outcome}`),
    );
    const report = await at.lake.orchestration.run(pipelineOf(flaky));
    end();
    expect(report.steps).toMatchObject([{ status: "succeeded", attempts: 3 }]);
    expect(await at.valuesOf("select count(*) from n.events")).toEqual([[2n]]);
    expect(told).toEqual([
      "ingest start running",
      "ingest retry error",
      "ingest start running",
      "ingest retry error",
      "ingest start running",
      "ingest end succeeded",
    ]);
    const { attempts } = await at.lake.orchestration.show(report.id);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["error", "error", "succeeded"]);
  });

  test("is not tried again where that is of no use", async () => {
    const poisoned = whole(ingest([{ id: 1, day: "2001-01-01", v: 99 }]));
    const steps = poisoned.nodes.map(({ step }) => ({ ...step, policy: { ...step.policy, retries: 5 } }));
    const error = await fails(at.lake.orchestration.run(definePipeline({ name: "p", steps })));
    expect(error).toMatchObject({ step: "n.latest", failure: { code: "CHECK_FAILED" } });
    expect(error.failure.message).toContain("v");
    expect(await statuses(error.run)).toEqual({
      ingest: "succeeded",
      "n.latest": "failed",
      "n.days": "stopped",
      "check n.latest": "stopped",
    });
    expect((await at.lake.orchestration.show(error.run)).attempts).toHaveLength(2);
  });

  test("with `skip` leaves out what follows from it, and no more", async () => {
    const other = task({
      into: contract({ name: "n.copy", schema: EVENTS.schema, owner: "test" }),
      changes: { events: EVENTS },
      sql: "SELECT * FROM events",
      write: append(),
    });
    const steps = [
      ingest([{ id: 1, day: "2001-01-01", v: 99 }]),
      taskStep(latest, { onFailure: "skip" }),
      taskStep(days),
      taskStep(other),
    ];
    const report = await at.lake.orchestration.run(pipelineOf(...steps));
    expect(report.status).toBe("partial");
    expect(await statuses(report.id)).toEqual({
      ingest: "succeeded",
      "n.latest": "failed",
      "n.days": "skipped",
      "n.copy": "succeeded",
    });
    expect(await at.valuesOf("select count(*) from n.copy")).toEqual([[1n]]);
    await expect(at.lake.table("n.latest")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  });

  test("with `continue` goes on with the data that was there", async () => {
    await at.lake.orchestration.run(whole());
    const steps = [
      ingest([{ id: 3, day: "2001-01-01", v: 99 }]),
      taskStep(latest, { onFailure: "continue" }),
      taskStep(days),
    ];
    const report = await at.lake.orchestration.run(pipelineOf(...steps));
    expect(report.status).toBe("partial");
    expect(await statuses(report.id)).toEqual({
      ingest: "succeeded",
      "n.latest": "failed",
      "n.days": "unchanged",
    });
    expect(await at.valuesOf("select count(*) from n.latest")).toEqual([[2n]]);
    expect(await at.valuesOf("select count(*) from n.events")).toEqual([[3n]]);
  });

  test("is stopped when its time is over, also where it does not look at its signal", async () => {
    const seen: string[] = [];
    const polite = step({
      name: "polite",
      timeoutMs: 20,
      run: ({ signal }) => sleep(60_000, undefined, { signal }).finally(() => seen.push("ended")),
    });
    const error = await fails(at.lake.orchestration.run(pipelineOf(polite)));
    expect(error).toMatchObject({ step: "polite", failure: { code: "STEP_TIMEOUT" } });
    expect(seen).toEqual(["ended"]);
    let wake = () => {};
    const late: unknown[] = [];
    const deaf = step({
      name: "deaf",
      writes: { events: EVENTS },
      timeoutMs: 20,
      run: async ({ write }) => {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        await write("events", FIRST).catch((each: unknown) => late.push((each as { code?: string }).code));
      },
    });
    const other = await fails(at.lake.orchestration.run(pipelineOf(deaf), { graceMs: 10 }));
    expect(other.failure.code).toBe("STEP_TIMEOUT");
    wake();
    await expect.poll(() => late.length, LONG).toBe(1);
    expect(await at.valuesOf("select count(*) from n.events")).toEqual([[0n]]);
  });

  test("aborts what is at work beside it", async () => {
    const ended: string[] = [];
    const waits = step({
      name: "waits",
      run: ({ signal }) => sleep(60_000, undefined, { signal }).catch(() => void ended.push("waits")),
    });
    const error = await fails(at.lake.orchestration.run(pipelineOf(waits, boom("fails"))));
    expect(ended).toEqual(["waits"]);
    expect(await statuses(error.run)).toEqual({ waits: "stopped", fails: "failed" });
  });
});

test("a run that is aborted is stopped, and retried from its last finished step", async () => {
  const controller = new AbortController();
  let done = 0;
  const stops = step({
    name: "stops",
    reads: { latest: LATEST },
    run: async ({ signal }) => {
      if (done++ > 0) return;
      controller.abort();
      await sleep(60_000, undefined, { signal });
    },
  });
  const steps = pipelineOf(ingest(FIRST), taskStep(latest), stops);
  await expect(at.lake.orchestration.run(steps, { signal: controller.signal })).rejects.toMatchObject({
    code: "ABORTED",
  });
  const [stopped] = await at.lake.orchestration.runs();
  expect(stopped?.status).toBe("stopped");
  expect(await at.valuesOf("select count(*) from n.events")).toEqual([[0n]]);
  const report = await at.lake.orchestration.retry(steps);
  expect(report).toMatchObject({ id: stopped?.id, status: "succeeded", epoch: 2, isResumed: true });
  expect(report.steps.map(({ name, attempts }) => [name, attempts])).toEqual(
    expect.arrayContaining([
      ["ingest", 1],
      ["n.latest", 1],
      ["stops", 2],
    ]),
  );
  expect(await at.valuesOf("select count(*) from n.latest")).toEqual([[2n]]);
  await expect(at.lake.orchestration.retry(steps)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

describe("so many at a time", () => {
  test("run as the pipeline and its pools allow", async () => {
    let now = 0;
    let [most, mostOfPool, ofPool] = [0, 0, 0];
    const work = (pool: string | undefined) => async () => {
      most = Math.max(most, ++now);
      if (pool) mostOfPool = Math.max(mostOfPool, ++ofPool);
      await sleep(5);
      now--;
      if (pool) ofPool--;
    };
    const steps = Array.from({ length: 24 }, (_, i) => {
      const pool = i % 2 === 0 ? "api" : undefined;
      return step({ name: `s${i}`, pool, run: work(pool) });
    });
    await at.lake.orchestration.run(definePipeline({ name: "p", steps, concurrency: 5, pools: { api: 2 } }));
    expect([most, mostOfPool]).toEqual([5, 2]);
  });
});

test("another run of the same pipeline waits its turn, and one of another does not", async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = pipelineOf(step({ name: "slow", run: () => gate }));
  const first = at.lake.orchestration.run(slow);
  await expect.poll(async () => (await at.lake.orchestration.runs()).length, LONG).toBe(1);
  await expect(at.lake.orchestration.run(slow)).rejects.toMatchObject({ code: "PIPELINE_RUNNING" });
  await at.lake.orchestration.run(definePipeline({ name: "q", steps: [step({ name: "s", run: () => 1 })] }));
  go();
  expect((await first).status).toBe("succeeded");
});

test("who takes over a run fences the one that had it", async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  let begun = 0;
  const slow = pipelineOf(
    step({
      name: "ingest",
      writes: { events: EVENTS },
      run: async ({ write }) => {
        const isFirst = begun++ === 0;
        await write("events", FIRST);
        if (isFirst) await gate;
      },
    }),
    taskStep(latest),
  );
  const first = at.lake.orchestration.run(slow);
  first.catch(() => {});
  await expect.poll(() => begun, LONG).toBe(1);
  await sleep(50);
  const second = await at.lake.orchestration.run(slow, { takeOver: true });
  expect(second).toMatchObject({ status: "succeeded", epoch: 2, isResumed: true });
  go();
  await expect(first).rejects.toMatchObject({ code: "RUN_LOST" });
  expect(await at.valuesOf("select count(*) from n.latest")).toEqual([[2n]]);
  expect(await at.valuesOf("select count(*) from n.events")).toEqual([[2n]]);
  expect((await at.lake.orchestration.show(second.id)).status).toBe("succeeded");
  expect(await at.branches()).toEqual([]);
});
