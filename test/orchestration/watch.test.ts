/** Runs that schedules and sensors begin: once each, whoever watches. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { branchingOf } from "sololakehouse/catalog";
import { updateProperties } from "sololakehouse/iceberg";
import {
  definePipeline,
  onOffsets,
  onSnapshot,
  type PipelineTrigger,
  type StepContext,
  schedule,
  step,
  taskStep,
  type WatchEvent,
} from "sololakehouse/orchestration";
import { afterEach, describe, expect, test, vi } from "vitest";
import { days, freshLake, latest } from "./support/lakes.js";

const at = freshLake();
afterEach(() => {
  vi.useRealTimers();
});

let ran = 0;
const watched = (
  triggers: readonly PipelineTrigger[],
  run: (context: StepContext) => unknown = () => ++ran,
) => definePipeline({ name: "w", triggers, steps: [step({ name: "s", run })] });
const outcomes = (events: readonly WatchEvent[]) => events.map(({ outcome }) => outcome);
const row = (id: number) => [{ id, day: "2001-01-01", v: 1 }];
const append = async (id: number) => (await at.lake.table("n.events")).append(row(id));
const keys = async () => (await at.lake.orchestration.runs()).map(({ key }) => key);

/** Sets the clock, and no timer. */
const clock = (time: string) => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(new Date(time));
};

/** Another process's lakehouse, as far as it can be in one process. */
async function withOther<T>(work: (other: Lakehouse) => Promise<T>): Promise<T> {
  const other = await openLakehouse({ root: at.root });
  try {
    return await work(other);
  } finally {
    await other.close();
  }
}

describe("a sensor", () => {
  test("begins one run for what has come to a table, and another when a snapshot comes back", async () => {
    const pipeline = watched([onSnapshot("n.events")]);
    const look = async () => outcomes(await at.lake.orchestration.runDue([pipeline]));
    expect(await look()).toEqual([]);
    await append(1);
    const { metadata } = await append(2);
    expect(await look()).toEqual(["succeeded"]);
    expect(await look()).toEqual([]);
    await append(3);
    expect(await look()).toEqual(["succeeded"]);
    await (await at.lake.table("n.events")).rollback(metadata.currentSnapshotId as bigint);
    expect(await look()).toEqual(["succeeded"]);
    expect(await look()).toEqual([]);
    expect(new Set(await keys()).size).toBe(3);
    // Other changes of the table are none of its data.
    await (await at.lake.table("n.events")).update([updateProperties({ set: { a: "b" } })]);
    expect(await look()).toEqual([]);
  });

  test("begins a run again where the branch was moved behind it, or made anew under its name", async () => {
    const pipeline = definePipeline({
      name: "w",
      triggers: [onSnapshot("n.events")],
      steps: [taskStep(latest)],
    });
    const catalog = branchingOf(at.lake.catalog);
    const dev = at.lake.on("dev");
    await append(1);
    const { hash: before } = await catalog.reference("main");
    await catalog.createBranch("dev", { from: "main" });
    const look = async () => outcomes(await dev.orchestration.runDue([pipeline]));
    const rows = async () => Number((await dev.sql("SELECT count(*) AS n FROM n.latest").rows())[0]?.n);
    expect(await look()).toEqual(["succeeded"]);
    const { hash: first } = await catalog.reference("dev");
    await catalog.deleteReference("dev");
    await catalog.createBranch("dev", { from: "main" });
    expect([await look(), await rows(), await look()]).toEqual([["succeeded"], 1, []]);
    const { hash: second } = await catalog.reference("dev");
    await catalog.assignReference("dev", `@${before}`, { expectedHash: second });
    expect([await look(), await rows(), await look()]).toEqual([["succeeded"], 1, []]);
    const made = await keys();
    expect(made.slice(0, 2).map((key) => key?.split(" ").at(-1))).toEqual(["#3", "#2"]);
    // Where what a run did is there again, it is not made twice.
    const { hash: third } = await catalog.reference("dev");
    await catalog.assignReference("dev", `@${first}`, { expectedHash: third });
    expect([await look(), await look(), await keys()]).toEqual([["had"], [], made]);
    // A branch that was made of one that has run has its tables, and runs of its own.
    await catalog.createBranch("other", { from: "dev" });
    const other = definePipeline({ ...pipeline, steps: [taskStep(latest), taskStep(days)] });
    await at.lake.on("other").orchestration.runDue([other]);
    expect(await at.lake.on("other").sql("SELECT rows FROM n.days").rows()).toEqual([{ rows: 1n }]);
  });

  test("is told of, and not run; another orchestrator's run has its key", async () => {
    const pipeline = watched([onSnapshot("n.events"), schedule("0 * * * *")]);
    clock("2026-01-01T00:30:00Z");
    const { orchestration } = at.lake;
    const told = async (only?: "schedules" | "sensors") =>
      (await orchestration.runDue([pipeline], { dryRun: true, only })).map(
        ({ outcome, trigger }) => `${outcome} ${trigger.split(" ")[0]}`,
      );
    expect(await orchestration.runDue([pipeline], { only: "schedules" })).toEqual([]);
    await append(1);
    clock("2026-01-01T01:00:00Z");
    expect(await told()).toEqual(["due snapshot", "due schedule"]);
    expect(await told("sensors")).toEqual(["due snapshot"]);
    expect(await told("schedules")).toEqual(["due schedule"]);
    const [due] = await orchestration.runDue([pipeline], { dryRun: true, only: "sensors" });
    const key = `${due?.trigger} ${due?.at}`;
    await orchestration.runStep(pipeline, "s", { key });
    expect(await told("sensors")).toEqual(["waits snapshot"]);
    const look = async () => outcomes(await orchestration.runDue([pipeline], { only: "sensors" }));
    expect(await look()).toEqual(["waits"]);
    await orchestration.publish(pipeline, { key });
    expect(await told("sensors")).toEqual([]);
    expect([await look(), await look()]).toEqual([["had"], []]);
    expect(await keys()).toEqual([key]);
    const wrong = orchestration.runDue([pipeline], { only: "all" as "sensors" });
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("begins a run for a topic's new records, and for those of another topic of its name", async () => {
    const pipeline = watched([onOffsets("t")]);
    const look = async () => outcomes(await at.lake.orchestration.runDue([pipeline]));
    expect(await look()).toEqual([]);
    await at.lake.log.createTopic("t", { partitions: 2 });
    expect(await look()).toEqual([]);
    await at.lake.log.topic("t").append([{ value: "a" }, { value: "b" }]);
    expect(await look()).toEqual(["succeeded"]);
    expect(await look()).toEqual([]);
    await at.lake.log.topic("t").append([{ value: "c" }]);
    expect(await look()).toEqual(["succeeded"]);
    await at.lake.log.deleteTopic("t");
    await at.lake.log.createTopic("t", { partitions: 2 });
    await at.lake.log.topic("t").append([{ value: "a" }, { value: "b" }]);
    expect(await look()).toEqual(["succeeded"]);
  });
});

describe("a schedule", () => {
  test.each([
    ["last", ["2026-01-01T03:00"]],
    ["all", ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-01T03:00"]],
    ["none", []],
  ] as const)(
    "that catches up with %s runs what nobody was there for as it says",
    async (catchUp, wanted) => {
      const pipeline = watched([schedule("0 * * * *", { catchUp })]);
      const look = () => at.lake.orchestration.runDue([pipeline]);
      clock("2026-01-01T00:30:00Z");
      expect(await look()).toEqual([]);
      clock("2026-01-01T03:20:00Z");
      const events = await look();
      const times = events.filter(({ outcome }) => outcome === "succeeded").map(({ at }) => at.slice(0, 16));
      expect(times).toEqual(wanted);
      expect(outcomes(events).includes("passed")).toBe(catchUp === "none");
      expect(await look()).toEqual([]);
      clock("2026-01-01T04:00:01Z");
      expect(outcomes(await look())).toEqual(["succeeded"]);
      expect((await keys())[0]).toBe("schedule 0 * * * * UTC 2026-01-01T04:00:00.000Z");
    },
  );

  test("that is watched for the first time just after it was due runs", async () => {
    clock("2026-01-01T04:00:02Z");
    expect(outcomes(await at.lake.orchestration.runDue([watched([schedule("0 4 * * *")])]))).toEqual([
      "succeeded",
    ]);
  });

  test.each(["last", "all", "none"] as const)(
    "that catches up with %s goes on when the clock is set back, and runs no time twice",
    async (catchUp) => {
      const pipeline = watched([schedule("0 * * * *", { catchUp })]);
      const look = async (time: string) => {
        clock(time);
        return outcomes(await at.lake.orchestration.runDue([pipeline]));
      };
      expect(await look("2026-01-01T01:00:00Z")).toEqual(["succeeded"]);
      // A clock that is hours ahead, and is put right.
      expect((await look("2026-01-01T05:00:00Z")).at(-1)).toBe("succeeded");
      expect(await look("2026-01-01T01:00:30Z")).toEqual(["had"]);
      expect(await look("2026-01-01T01:59:59Z")).toEqual([]);
      // Who catches up with all has run that time before.
      const all = catchUp === "all";
      expect(await look("2026-01-01T02:00:20Z")).toEqual([all ? "had" : "succeeded"]);
      expect(await look("2026-01-01T02:00:30Z")).toEqual([]);
      // In the order in which they were begun, whatever the clock said.
      const hours = (await keys()).map((key) => key?.slice(-13, -11));
      expect(hours).toEqual(all ? ["05", "04", "03", "02", "01"] : ["02", "05", "01"]);
    },
  );

  test("does not run again what failed", async () => {
    const pipeline = watched([schedule("0 * * * *")], () => {
      throw new Error("broken");
    });
    const look = () => at.lake.orchestration.runDue([pipeline]);
    clock("2026-01-01T01:00:00Z");
    const [event, ...rest] = await look();
    expect(rest).toEqual([]);
    expect(event).toMatchObject({ outcome: "failed", error: { code: "RUN_FAILED" } });
    expect(await look()).toEqual([]);
    expect((await at.lake.orchestration.show(event?.run as string)).status).toBe("failed");
  });
});

describe("watchers", () => {
  test("run what is due once, however many look at the same time", async () => {
    ran = 0;
    const pipeline = watched([onSnapshot("n.events"), schedule("0 * * * *", { catchUp: "all" })]);
    clock("2026-01-01T00:30:00Z");
    await at.lake.orchestration.runDue([pipeline]);
    await append(1);
    clock("2026-01-01T05:30:00Z");
    await withOther(async (other) => {
      for (let looks = 0; looks < 20 && ran < 6; looks++) {
        const both = [at.lake, other].map((each) => each.orchestration.runDue([pipeline]));
        await Promise.all([...both, at.lake.orchestration.runDue([pipeline])]);
      }
      await Promise.all([at.lake, other].map((each) => each.orchestration.runDue([pipeline])));
    });
    expect(ran).toBe(6);
    const had = await keys();
    expect(had).toHaveLength(6);
    expect(new Set(had).size).toBe(6);
  });

  test("go on with the run that one left when it was ended", async () => {
    const stopping = new AbortController();
    const pipeline = definePipeline({
      name: "w",
      triggers: [schedule("0 * * * *", { catchUp: "none" })],
      steps: [
        step({ name: "first", run: () => ++ran }),
        step({
          name: "last",
          after: ["first"],
          run: async ({ attempt, signal }) => {
            if (attempt > 1) return;
            stopping.abort();
            await sleep(60_000, undefined, { signal });
          },
        }),
      ],
    });
    ran = 0;
    clock("2026-01-01T01:00:00Z");
    const { signal } = stopping;
    expect(outcomes(await at.lake.orchestration.runDue([pipeline], { signal }))).toEqual(["stopped"]);
    clock("2026-01-01T01:30:00Z");
    const [event, ...rest] = await withOther((other) => other.orchestration.runDue([pipeline]));
    expect(event).toMatchObject({ outcome: "succeeded", at: "2026-01-01T01:00:00.000Z" });
    expect(rest).toEqual([]);
    expect(ran).toBe(1);
    expect(await keys()).toHaveLength(1);
  });

  test("do what one left anew where the steps are others by now", async () => {
    const stopping = new AbortController();
    clock("2026-01-01T01:00:00Z");
    const triggers = [schedule("0 * * * *")];
    await at.lake.orchestration.runDue(
      [
        watched(triggers, async ({ signal }) => {
          stopping.abort();
          await sleep(60_000, undefined, { signal });
        }),
      ],
      { signal: stopping.signal },
    );
    const [event] = await at.lake.orchestration.runDue([watched(triggers)]);
    expect(event).toMatchObject({ outcome: "succeeded", at: "2026-01-01T01:00:00.000Z" });
    expect((await at.lake.orchestration.runs()).map(({ status }) => status)).toEqual([
      "succeeded",
      "abandoned",
    ]);
  });

  test("wait for a run that somebody began, and watch until they are told to end", async () => {
    await append(1);
    const ending = new AbortController();
    const events: WatchEvent[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const pipeline = watched([onSnapshot("n.events")], () => held);
    const manual = at.lake.orchestration.run(pipeline);
    const watching = at.lake.orchestration.watch([pipeline], {
      everyMs: 5,
      signal: ending.signal,
      onEvent: (event) => {
        events.push(event);
        if (event.outcome === "waits") release();
        if (event.outcome === "succeeded") ending.abort();
      },
    });
    await watching;
    await manual;
    expect(outcomes(events)[0]).toBe("waits");
    expect(outcomes(events).at(-1)).toBe("succeeded");
    expect((await at.lake.orchestration.runs()).map(({ trigger }) => trigger)).toEqual(["sensor", "manual"]);
  });

  test("refuse a pipeline that nothing begins", async () => {
    await expect(at.lake.orchestration.watch([watched([])])).rejects.toThrow("nothing that begins its runs");
  });
});
