/** Slices that are made anew, each once for a backfill of a name. */
import { setTimeout as sleep } from "node:timers/promises";
import { openLakehouse } from "sololakehouse";
import {
  type BackfillReport,
  checkStep,
  daysBetween,
  definePipeline,
  type Step,
  step,
  taskStep,
} from "sololakehouse/orchestration";
import { beforeEach, describe, expect, test } from "vitest";
import { days, freshLake, LATEST, latest } from "./support/lakes.js";

const at = freshLake();
const DAYS = daysBetween("2001-01-01", "2001-01-05");

let calls: string[] = [];
beforeEach(() => {
  calls = [];
});

/** Says which slices it was asked for, and does what it is told for one of them. */
const probe = (of: (slice: string, signal: AbortSignal) => unknown = () => {}): Step =>
  step({
    name: "probe",
    sliced: true,
    run: async ({ slices = [], signal }) => {
      for (const slice of slices.map(String)) {
        await of(slice, signal);
        calls.push(slice);
      }
    },
  });
const pipelineOf = (...steps: Step[]) => definePipeline({ name: "b", steps });
const outcomes = ({ slices }: BackfillReport) =>
  Object.fromEntries(slices.map(({ slice, outcome }) => [String(slice), outcome]));
const once = Object.fromEntries(DAYS.map((day) => [day, 1]));
const all = (outcome: string) => Object.fromEntries(DAYS.map((day) => [day, outcome]));
const counts = () =>
  Object.fromEntries(DAYS.map((day) => [day, calls.filter((each) => each === day).length]));

describe("a backfill", () => {
  test("makes each slice by a run of its own, and is done when it is asked for again", async () => {
    const rows = DAYS.map((day, id) => ({ id, day, v: 1 }));
    await (await at.lake.table("n.events")).append(rows);
    const pipeline = pipelineOf(taskStep(latest), taskStep(days), checkStep(LATEST), probe());
    await at.lake.orchestration.run(pipeline);
    // What a backfill is for: the tables are not what their inputs make of them.
    await at.lake.sql("delete from n.latest where day <= '2001-01-03'").rows();
    const report = await at.lake.orchestration.backfill(pipeline, { slices: DAYS });
    expect(outcomes(report)).toEqual(all("made"));
    expect(await at.valuesOf("select day::text, v from n.latest order by 1")).toEqual(
      DAYS.map((day) => [day, 1]),
    );
    expect(counts()).toEqual(once);
    const made = (await at.lake.orchestration.runs()).filter(({ trigger }) => trigger === "backfill");
    expect(made.map(({ slices }) => slices)).toEqual(DAYS.map((day) => [day]).reverse());
    expect(new Set(made.map(({ key }) => key)).size).toBe(DAYS.length);

    expect(outcomes(await at.lake.orchestration.backfill(pipeline, { slices: DAYS }))).toEqual(all("had"));
    expect(calls).toHaveLength(DAYS.length);
    const named = await at.lake.orchestration.backfill(pipeline, { slices: DAYS, name: "again", perRun: 2 });
    expect(outcomes(named)).toEqual(all("made"));
    expect(new Set(named.slices.map(({ run }) => run)).size).toBe(3);
    // Slices that a run of several made are known one by one.
    const { slices } = await at.lake.orchestration.backfill(pipeline, {
      slices: ["2001-01-04"],
      name: "again",
    });
    expect(slices).toEqual([
      { slice: "2001-01-04", outcome: "had", run: named.slices[3]?.run, error: undefined },
    ]);
    // Other steps make something else of them.
    const other = pipelineOf(probe());
    expect(outcomes(await at.lake.orchestration.backfill(other, { slices: DAYS }))).toEqual(all("made"));
  });

  test("makes again what its branch lacks by now: it was rolled back, or made anew under its name", async () => {
    const rows = DAYS.slice(0, 2).map((day, id) => ({ id, day, v: 1 }));
    await (await at.lake.table("n.events")).append(rows);
    const pipeline = pipelineOf(taskStep(latest));
    const on = await at.lake.branch("some");
    await on.orchestration.run(pipeline);
    await on.sql("delete from n.latest").rows();
    const hole = await on.hash();
    const fill = async (slices: readonly string[]) =>
      (await on.orchestration.backfill(pipeline, { slices })).slices.map(({ outcome }) => outcome);
    const filled = async () => {
      const outcomes = await fill(DAYS.slice(0, 2));
      expect((await on.sql("select count(*)::int as n from n.latest").rows())[0]).toEqual({ n: 2 });
      return outcomes;
    };
    expect(await filled()).toEqual(["made", "made"]);
    expect(await filled()).toEqual(["had", "had"]);
    // A day without rows has nothing to publish, and was made of what was there.
    const whole = await on.hash();
    const empty = DAYS.slice(4);
    expect(await fill(empty)).toEqual(["made"]);
    expect(await on.hash()).toBe(whole);
    expect(await fill(empty)).toEqual(["had"]);
    await at.lake.rollback(`@${hole}`, { into: "some" });
    expect(await fill(empty)).toEqual(["made"]);
    expect(await filled()).toEqual(["made", "made"]);
    await at.lake.deleteRef("some");
    await at.lake.branch("some", { from: `@${hole}` });
    expect(await filled()).toEqual(["made", "made"]);
    expect(await filled()).toEqual(["had", "had"]);
  });

  test("makes the rest where a slice fails, and only that one when it is asked for again", async () => {
    let isRight = false;
    const pipeline = pipelineOf(
      probe((slice) => {
        if (slice === "2001-01-02" && !isRight) throw new Error("not this one");
      }),
    );
    const ask = () => at.lake.orchestration.backfill(pipeline, { slices: DAYS });
    for (let tries = 0; tries < 2; tries++) {
      const { slices } = await ask();
      expect(slices[1]).toMatchObject({
        outcome: "failed",
        error: { message: "probe: Error: not this one" },
      });
    }
    isRight = true;
    expect(outcomes(await ask())).toEqual({ ...all("had"), "2001-01-02": "made" });
    expect(counts()).toEqual(once);
  });

  test("that was told to end goes on with the slice that it was at", async () => {
    const stopping = new AbortController();
    const pipeline = pipelineOf(
      probe(async (slice, signal) => {
        if (slice !== "2001-01-03" || stopping.signal.aborted) return;
        stopping.abort();
        await sleep(60_000, undefined, { signal });
      }),
    );
    const stopped = at.lake.orchestration.backfill(pipeline, { slices: DAYS, signal: stopping.signal });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(calls).toEqual(["2001-01-01", "2001-01-02"]);
    const report = await at.lake.orchestration.backfill(pipeline, { slices: DAYS });
    expect(outcomes(report)).toEqual({ ...all("made"), "2001-01-01": "had", "2001-01-02": "had" });
    expect(counts()).toEqual(once);
    expect(await at.lake.orchestration.runs()).toHaveLength(DAYS.length);
  });

  test("makes each slice once when two ask for the same at the same time", async () => {
    const pipeline = pipelineOf(probe());
    const other = await openLakehouse({ root: at.root });
    try {
      const reports = await Promise.all(
        [at.lake, other].map((each) => each.orchestration.backfill(pipeline, { slices: DAYS })),
      );
      expect(counts()).toEqual(once);
      for (const day of DAYS)
        expect(reports.map((each) => outcomes(each)[day]).sort()).toEqual(["had", "made"]);
    } finally {
      await other.close();
    }
  });

  test.each([
    [{ slices: [] }, "no slices"],
    [{ slices: DAYS, perRun: 0 }, "make none"],
    [{ slices: DAYS, name: "a b" }, "cannot be the name"],
  ])("refuses %j", async (options, why) => {
    await expect(at.lake.orchestration.backfill(pipelineOf(probe()), options)).rejects.toThrow(why);
  });

  test("refuses a pipeline that has no slices", async () => {
    const whole = pipelineOf(step({ name: "s", run: () => 1 }), checkStep("n.events"));
    await expect(at.lake.orchestration.backfill(whole, { slices: DAYS })).rejects.toThrow("can make slices");
  });
});

test("days are those from one to another", () => {
  expect(daysBetween("2000-02-27", "2000-03-01")).toEqual([
    "2000-02-27",
    "2000-02-28",
    "2000-02-29",
    "2000-03-01",
  ]);
  expect(daysBetween("2001-12-31", "2001-12-31")).toEqual(["2001-12-31"]);
  for (const [from, to] of [
    ["2001-02-29", "2001-03-01"],
    ["2001-03-02", "2001-03-01"],
    ["1.3.2001", "2001-03-01"],
  ] as const)
    expect(() => daysBetween(from, to)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});
