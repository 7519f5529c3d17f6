import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { definePipeline, step } from "sololakehouse/orchestration";
import { type Bench, type Measurement, seconds } from "./harness.js";

const TASKS = 1000;

export const bench: Bench = {
  about: `A run of ${TASKS} tasks that do nothing, which are remembered with their tries in a file; the resume of such a run whose tasks are all done but one; beside Dagster's in-process executor, which remembers in memory. Aims: a run in under 2 s, a resume in under 0.2 s.`,
  contenders: [
    { name: "a run", run: ran },
    { name: "a resume", run: resumed },
    { name: "Dagster, in process", python: "orchestration.py", venv: "dagster" },
  ],
};

const steps = (last: () => unknown) =>
  Array.from({ length: TASKS }, (_, i) =>
    step({ name: `task ${i}`, run: i === TASKS - 1 ? last : () => undefined }),
  );

async function ran(): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-orchestration-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  try {
    const pipeline = definePipeline({ name: "tasks", steps: steps(() => undefined) });
    const took = await seconds(() => lake.orchestration.run(pipeline));
    return { seconds: took, tasksPerSecond: TASKS / took };
  } finally {
    await lake.close();
    await rm(root, { recursive: true });
  }
}

async function resumed(): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-orchestration-"));
  let isBroken = true;
  const pipeline = definePipeline({
    name: "tasks",
    // One at a time, so that the last one fails when all others are done.
    concurrency: 1,
    steps: steps(() => {
      if (isBroken) throw new Error("once");
    }),
  });
  try {
    const first = await openLakehouse({ root, profile: "embedded" });
    await first.orchestration.run(pipeline).catch(() => {});
    await first.close();
    isBroken = false;
    const lake = await openLakehouse({ root, profile: "embedded" });
    const took = await seconds(() => lake.orchestration.retry(pipeline));
    await lake.close();
    return { seconds: took, tasksPerSecond: TASKS / took };
  } finally {
    await rm(root, { recursive: true });
  }
}
