// A process that runs a pipeline once, or what is due of it: tests kill it. Each whole run adds one batch of rows, whose number follows from those that
// are there, and nothing but the run itself keeps a batch from coming twice.
import { setTimeout as sleep } from "node:timers/promises";
import { date, defineSchema, int, long, openLakehouse } from "../../../lib/lakehouse/dist/index.js";
import {
  checkStep,
  definePipeline,
  onSnapshot,
  step,
  taskStep,
} from "../../../lib/lakehouse/dist/orchestration.js";
import { append, replace, task, upsert } from "../../../lib/lakehouse/dist/pipeline.js";
import { contract } from "../../../lib/lakehouse/dist/quality.js";

const ROWS = 20;
const schema = defineSchema({ id: int(), batch: int(), day: date() });
const EVENTS = contract({ name: "n.events", schema, owner: "test" });
const LATEST = contract({ name: "n.latest", schema, keys: ["id"], owner: "test" });
const ALL = contract({ name: "n.all", schema, owner: "test" });
const DAYS = contract({
  name: "n.days",
  schema: defineSchema({ day: date(), rows: long() }),
  owner: "test",
});

const ingest = step({
  name: "ingest",
  writes: { events: EVENTS },
  run: async ({ lake, write }) => {
    const [{ n }] = await lake.sql("select coalesce(max(batch), 0) as n from n.events").rows();
    const batch = Number(n) + 1;
    const rows = Array.from({ length: ROWS }, (_, i) => ({
      id: batch * ROWS + i,
      batch,
      day: `2001-01-0${1 + (i % 5)}`,
    }));
    await write("events", rows.slice(0, 7));
    await write("events", rows.slice(7));
  },
});
const wait = step({
  name: "wait",
  after: ["n.latest"],
  run: () => {
    console.log("waits");
    return sleep(Number(process.argv[3] ?? 20));
  },
});
const of = { changes: { events: EVENTS }, sql: "SELECT * FROM events" };

export const pipeline = definePipeline({
  name: "killed",
  triggers: [onSnapshot("n.raw")],
  steps: [
    ingest,
    wait,
    taskStep(task({ ...of, into: LATEST, write: upsert({ newest: "batch", slice: "day" }) })),
    taskStep(task({ ...of, into: ALL, write: append() })),
    taskStep(
      task({
        into: DAYS,
        changes: { latest: LATEST },
        sql: "SELECT day, count(*) AS rows FROM latest GROUP BY day",
        write: replace("day"),
      }),
    ),
    checkStep(LATEST),
  ],
});

const lake = await openLakehouse({ root: process.argv[2] });
if ((await lake.tables()).length === 0) await lake.quality.createTable(EVENTS);
console.log("ready");
try {
  if (process.argv[3] === "due") {
    const events = await lake.orchestration.runDue([pipeline]);
    console.log(JSON.stringify({ outcomes: events.map(({ outcome }) => outcome) }));
    process.exit();
  }
  const { status, isResumed, steps } = await lake.orchestration.run(pipeline);
  const tries = Object.fromEntries(steps.map(({ name, attempts }) => [name, attempts]));
  console.log(JSON.stringify({ status, isResumed, tries }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
  process.exitCode = 1;
} finally {
  await lake.close();
}
