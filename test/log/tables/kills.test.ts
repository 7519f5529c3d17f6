import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineSchema, long, openLakehouse } from "../../../lib/lakehouse/index.js";
import { expression } from "../../../lib/lakehouse/quality/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";
import { runs } from "../../support/runs.js";
import { lakeFolder, openLake } from "./support/lake.js";

const KILLS = runs(5);
const CHECKS = [expression("id % 10 <> 7")];

// Appends for ever, of ten records one none of the schema and one refused by a check, prints what is acknowledged, and takes
// the topic into a table.
const APPENDER = `
  const [root, from] = args;
  const lake = await lakehouse.openLakehouse({ root });
  const topic = lake.log.topic("events");
  const options = { commitIntervalMs: 15, checks: ${JSON.stringify(CHECKS)} };
  const stream = await lake.quality.toTable(topic, "raw.events", options);
  stream.done.catch((error) => { process.stderr.write(String(error)); process.exit(1); });
  for (let next = Number(from); ; next += 10) {
    const records = Array.from({ length: 10 }, (_, i) => ({
      value: i === 3 ? "bad " + (next + i) : JSON.stringify({ id: next + i }),
    }));
    await topic.append(records);
    process.stdout.write(next + " " + [...stream.positions.values()].join(",") + "\\n");
  }
`;

let appender: ChildProgram;
beforeAll(async () => {
  appender = await childProgram(APPENDER, ["lakehouse"]);
});
afterAll(() => appender.dispose());

test("after kill -9 every acknowledged record is in the table once, and each bad one among the dead letters once", async () => {
  const root = lakeFolder();
  const first = await openLakehouse({ root });
  const settings = { partitions: 2, segmentBytes: 2_048, segmentMs: 20, storedLingerMs: 2 };
  await first.log.createTopic("events", { schema: defineSchema({ id: long() }), ...settings });
  await first.close();
  const acknowledged: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const child = appender.start(root, String(kill * 1_000_000));
    child.done.catch(() => undefined);
    // It is killed when commits have been made.
    while (!/ \d+(,\d+)*\n/.test(child.output()) || child.output().split("\n").length < 60) {
      if (child.process.exitCode !== null) await child.done;
      await sleep(5);
    }
    child.process.kill("SIGKILL");
    await child.done.catch(() => undefined);
    const lines = child.output().split("\n").slice(0, -1);
    for (const line of lines) acknowledged.push(Number(line.split(" ")[0]));
  }
  const lake = await openLake(root);
  const topic = lake.log.topic("events");
  await topic.append({ value: '{"id":-1}' });
  const stream = await lake.quality.toTable(topic, "raw.events", { checks: CHECKS });
  await stream.flush();
  await stream.close();
  const rows = await (await lake.sql<{ id: bigint }>("select id from raw.events")).rows();
  const ids = rows.map(({ id }) => Number(id));
  expect(ids.length - new Set(ids).size, "rows that are there twice").toBe(0);
  const letters: number[] = [];
  for await (const { records } of lake.log.topic("events.dead-letters").read())
    for (const { value } of records)
      letters.push(Number(/\d+/.exec(Buffer.from(value ?? []).toString())?.[0]));
  expect(letters.length - new Set(letters).size, "dead letters that are there twice").toBe(0);
  const [table, dead] = [new Set(ids), new Set(letters)];
  for (const next of acknowledged)
    for (let i = 0; i < 10; i++)
      expect([table.has(next + i), dead.has(next + i)], `record ${next + i}`).toEqual(
        i === 3 || i === 7 ? [false, true] : [true, false],
      );
});
