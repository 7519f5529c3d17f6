import { setTimeout as sleep } from "node:timers/promises";
import { checkStep, definePipeline, type Step, step, taskStep } from "sololakehouse/orchestration";
import { expect, test } from "vitest";
import { type FinishedSpan, finishedSpans } from "../../lib/lakehouse/observability/index.js";
import { days, EVENTS, freshLake, LATEST, latest } from "./support/lakes.js";

const at = freshLake();
const ROWS = [
  { id: 1, day: "2001-01-01", v: 1 },
  { id: 2, day: "2001-01-02", v: 2 },
];
const pipelineOf = (...steps: Step[]) => definePipeline({ name: "p", steps });
const ingest = (rows: object[], before: (attempt: number) => Promise<void> | void = () => {}): Step =>
  step({
    name: "ingest",
    writes: { events: EVENTS },
    retries: { times: 2, backoffMs: 1 },
    run: async ({ write, attempt }) => {
      await before(attempt);
      return write("events", rows as never);
    },
  });

/** Spans of some work, and how those above one are called, from it to the root. */
async function spansOf(work: () => Promise<unknown>) {
  const spans: FinishedSpan[] = [];
  const end = finishedSpans.subscribe((span) => spans.push(span));
  await work().finally(end);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const above = ({ parentSpanId }: FinishedSpan): FinishedSpan[] => {
    const parent = byId.get(parentSpanId ?? "");
    return parent === undefined ? [] : [parent, ...above(parent)];
  };
  return { spans, above, named: (name: string) => spans.filter((span) => span.name === name) };
}

const counted = (name: string) =>
  at.lake
    .metrics()
    .filter((reading) => reading.name === `orchestration.${name}`)
    .map(({ count, sum, labels: { outcome }, kind }) => [outcome, kind === "counter" ? sum : count]);

test("a run is one trace: its steps, their tries, and below them queries, commits and requests to the store", async () => {
  const flaky = ingest(ROWS, (attempt) => {
    if (attempt < 3) throw new Error("not yet");
  });
  const { spans, above, named } = await spansOf(() =>
    at.lake.orchestration.run(pipelineOf(flaky, taskStep(latest), taskStep(days), checkStep(LATEST))),
  );
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  expect(roots.map(({ name, outcome }) => [name, outcome])).toContainEqual(["orchestration.run", "ok"]);
  const run = named("orchestration.run")[0] as FinishedSpan;
  // What comes before it reads who has the run, and changes nothing.
  for (const { name, traceId } of spans)
    if (name.startsWith("orchestration") || name === "iceberg.commit") expect(traceId).toBe(run.traceId);
  for (const each of named("orchestration.step")) expect(above(each)).toEqual([run]);
  expect(named("orchestration.step").map(({ attributes, outcome }) => [attributes.step, outcome])).toEqual([
    ["ingest", "ok"],
    ["n.latest", "ok"],
    expect.anything(),
    expect.anything(),
  ]);
  const tries = named("orchestration.try").map((span) => [
    above(span)[0]?.attributes.step,
    span.attributes.attempt,
    span.outcome,
  ]);
  expect(tries.slice(0, 4)).toEqual([
    ["ingest", 1, "error"],
    ["ingest", 2, "error"],
    ["ingest", 3, "ok"],
    ["n.latest", 1, "ok"],
  ]);
  for (const name of ["query", "iceberg.commit", "quality.publish", "storage.request"]) {
    const below = named(name).filter((span) => above(span).some((each) => each.name === "orchestration.try"));
    expect(below.length, name).toBeGreaterThan(0);
    for (const span of below) expect(above(span).at(-1), name).toBe(run);
  }
  for (const commit of named("iceberg.commit"))
    expect(above(commit).map(({ name }) => name)).toContain("orchestration.try");
  // The move that makes it visible belongs to the run, not to a step.
  const moves = named("catalog.move").filter(
    (span) => !above(span).some(({ name }) => name === "orchestration.step"),
  );
  expect(moves.length).toBeGreaterThan(0);
});

test("steps at work at the same time are spans beside each other", async () => {
  let meet: () => void = () => {};
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  let there = 0;
  const one = (name: string): Step =>
    step({
      name,
      run: async ({ lake }) => {
        if (++there === 3) meet();
        await met;
        await lake.sql(`select '${name}'`).rows();
        await sleep(1);
      },
    });
  const { named, above } = await spansOf(() =>
    at.lake.orchestration.run(definePipeline({ name: "p", concurrency: 3, steps: ["a", "b", "c"].map(one) })),
  );
  const steps = named("query").map((span) => above(span).map(({ attributes }) => attributes.step)[1]);
  expect(steps.sort()).toEqual(["a", "b", "c"]);
});

test("what failed has its code at its step and its try, what follows is told as stopped, and each is counted once", async () => {
  const { named } = await spansOf(() =>
    at.lake.orchestration
      .run(pipelineOf(ingest([{ id: 1, day: "2001-01-01", v: 99 }]), taskStep(latest), taskStep(days)))
      .catch(() => undefined),
  );
  expect(named("orchestration.run")).toMatchObject([{ outcome: "failed" }]);
  expect(named("orchestration.step").map(({ outcome }) => outcome)).toEqual(["ok", "CHECK_FAILED"]);
  expect(named("orchestration.try").map(({ outcome }) => outcome)).toEqual(["ok", "CHECK_FAILED"]);
  expect(counted("step.duration")).toEqual([
    ["CHECK_FAILED", 1],
    ["stopped", 1],
    ["succeeded", 1],
  ]);
  expect(counted("step.failures")).toEqual([[undefined, 1]]);
  expect(counted("run.failures")).toEqual([[undefined, 1]]);
});

test("tries count as often as they were made, and a step that came through in the end is no failure", async () => {
  const flaky = ingest(ROWS, (attempt) => {
    if (attempt < 3) throw new Error("not yet");
  });
  await at.lake.orchestration.run(pipelineOf(flaky));
  expect(counted("try.duration")).toEqual([
    ["error", 2],
    ["succeeded", 1],
  ]);
  expect(counted("retries")).toEqual([[undefined, 2]]);
  expect(counted("step.duration")).toEqual([["succeeded", 1]]);
  expect(counted("step.failures")).toEqual([]);
  expect(counted("run.failures")).toEqual([]);
});
