/** Runs whose steps another orchestrator calls, one by one. */
import { openLakehouse } from "sololakehouse";
import { branchingOf } from "sololakehouse/catalog";
import {
  checkStep,
  definePipeline,
  type FailureStrategy,
  type PipelineDefinition,
  type Step,
  step,
  taskStep,
} from "sololakehouse/orchestration";
import { describe, expect, test } from "vitest";
import { DAYS, days, EVENTS, freshLake, LATEST, latest } from "./support/lakes.js";

const at = freshLake();
const pipelineOf = (...steps: Step[]) => definePipeline({ name: "x", steps });
let [v, ran] = [1, 0];
const ingest = step({
  name: "ingest",
  writes: { events: EVENTS },
  run: async ({ write }) => {
    ran++;
    await write("events", [{ id: 1, day: "2001-01-01", v }]);
  },
});
const whole = pipelineOf(taskStep(days), checkStep(LATEST), ingest, taskStep(latest));

/** Does a step as a process of its own would. */
async function call(pipeline: PipelineDefinition, name: string, key = "k") {
  const other = await openLakehouse({ root: at.root });
  try {
    return await other.orchestration.runStep(pipeline, name, { key });
  } finally {
    await other.close();
  }
}
const publish = (pipeline: PipelineDefinition, key = "k") => at.lake.orchestration.publish(pipeline, { key });
const rowsOf = (table: string) => at.valuesOf(`select count(*) from ${table}`);

describe("a run of another orchestrator", () => {
  test("shows nothing before it is published, and then all of it in one commit", async () => {
    [v, ran] = [1, 0];
    const before = await branchingOf(at.lake.catalog).hash();
    for (const name of ["ingest", "n.latest", "n.days", "check n.latest"])
      expect((await call(whole, name)).status).toBe("succeeded");
    expect(await branchingOf(at.lake.catalog).hash()).toBe(before);
    // Asked for again, it is not done again.
    expect(await call(whole, "ingest")).toMatchObject({ status: "succeeded", attempts: 1 });
    const report = await publish(whole);
    expect(report).toMatchObject({ status: "succeeded", trigger: "external", key: "k" });
    expect(await publish(whole)).toMatchObject({ id: report.id, hash: report.hash });
    expect(ran).toBe(1);
    const [commit] = (await branchingOf(at.lake.catalog).log()).items;
    expect(commit?.hash).toBe(report.hash);
    expect(commit?.parents[0]).toBe(before);
    expect(await rowsOf("n.days")).toEqual([[1n]]);
    expect(await at.branches()).toEqual([]);
    expect((await call(whole, "ingest")).attempts).toBe(1);
  });

  test("that fails a check is not published until that passes", async () => {
    // What the task lets through, the check of the table refuses.
    const lenient = taskStep({ ...latest, into: { ...LATEST, checks: [] } as never });
    const fixing = step({
      name: "fix",
      reads: { latest: LATEST },
      writes: { fixed: DAYS },
      after: ["check n.latest"],
      run: () => 1,
    });
    await at.lake.quality.createTable(DAYS);
    const pipeline = pipelineOf(ingest, lenient, checkStep(LATEST), fixing);
    v = 10;
    await call(pipeline, "ingest");
    await call(pipeline, "n.latest");
    const checked = await call(pipeline, "check n.latest");
    expect(checked).toMatchObject({ status: "failed", error: { code: "CHECK_FAILED" } });
    await expect(publish(pipeline)).rejects.toThrow("check n.latest of the run");
    await expect(call(pipeline, "fix")).rejects.toThrow("which is failed");
    await expect(at.lake.table("n.latest")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    v = 1;
    await call(pipeline, "ingest", "other");
    await call(pipeline, "n.latest", "other");
    expect((await call(pipeline, "check n.latest", "other")).status).toBe("succeeded");
  });

  test.each([
    ["skip", "skipped", "partial"],
    ["continue", "succeeded", "partial"],
  ] as const)(
    "with a step that fails as it may (%s) goes on as that says",
    async (onFailure, next, status) => {
      const pipeline = failing(onFailure);
      expect((await call(pipeline, "fails")).status).toBe("failed");
      expect((await call(pipeline, "next")).status).toBe(next);
      await call(pipeline, "ingest");
      expect(await publish(pipeline)).toMatchObject({ status });
      expect(await rowsOf("n.events")).toEqual([[1n]]);
    },
  );

  test("is published though the other one leaves out by itself what follows from a failure", async () => {
    const pipeline = failing("skip");
    await call(pipeline, "fails");
    await call(pipeline, "ingest");
    const report = await publish(pipeline);
    expect(report.status).toBe("partial");
    expect(report.steps.find(({ name }) => name === "next")?.status).toBe("skipped");
  });

  test("does steps side by side, and each by one caller", async () => {
    let [release, begun] = [() => {}, () => {}];
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const isAtWork = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const hold = () => {
      begun();
      return held;
    };
    const pipeline = pipelineOf(
      ingest,
      step({ name: "slow", run: hold }),
      step({ name: "last", after: ["slow"], run: () => 1 }),
    );
    const slow = call(pipeline, "slow");
    await isAtWork;
    await expect(call(pipeline, "slow")).rejects.toThrow("at work");
    await expect(call(pipeline, "last")).rejects.toThrow("goes after slow, which is running");
    expect((await call(pipeline, "ingest")).status).toBe("succeeded");
    await expect(publish(pipeline)).rejects.toThrow("is running");
    release();
    expect((await slow).status).toBe("succeeded");
    await call(pipeline, "last");
    expect((await publish(pipeline)).status).toBe("succeeded");
    expect(await rowsOf("n.events")).toEqual([[1n]]);
  });

  test("is ended by another change of the same tables", async () => {
    v = 1;
    await call(pipelineOf(ingest), "ingest");
    await (await at.lake.table("n.events")).append([{ id: 9, day: "2001-01-01", v: 1 }]);
    await expect(publish(pipelineOf(ingest))).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
    expect(await rowsOf("n.events")).toEqual([[1n]]);
    await expect(call(pipelineOf(ingest), "ingest")).rejects.toThrow("is failed");
  });

  test("refuses what it does not have", async () => {
    await expect(call(whole, "nope")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(publish(whole, "nope")).rejects.toMatchObject({ code: "NO_SUCH_RUN" });
    await expect(call(whole, "ingest", "")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await call(whole, "ingest");
    await expect(call(pipelineOf(ingest), "ingest")).rejects.toThrow("others than when");
  });
});

const failing = (onFailure: FailureStrategy) =>
  pipelineOf(
    step({
      name: "fails",
      onFailure,
      run: () => {
        throw new Error("no");
      },
    }),
    step({ name: "next", after: ["fails"], run: () => 1 }),
    ingest,
  );
