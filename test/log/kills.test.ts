import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChildProgram, childProgram } from "../storage/child.js";
import { runs } from "../support/runs.js";
import { openLog, readAll, testFolder } from "./support/lake-log.js";

const KILLS = runs(8);

// Appends for ever, and prints each batch's partition, offset and first number when it is acknowledged.
const APPENDER = `
  const [root, from] = args;
  const store = new storage.LocalStore(root + "/warehouse");
  const topic = new log.Log({ store, folder: root + "/log" }).topic("flights");
  let next = Number(from);
  const appendOn = async (ack) => {
    for (;;) {
      const first = next;
      next += 10;
      const records = Array.from({ length: 10 }, (_, i) => ({ value: String(first + i) }));
      const [{ partition, baseOffset }] = await topic.append(records, { ack });
      process.stdout.write([partition, baseOffset, first].join(" ") + "\\n");
    }
  };
  await Promise.all([appendOn("wal"), appendOn("wal"), appendOn("stored")]);
`;

let appender: ChildProgram;
beforeAll(async () => {
  appender = await childProgram(APPENDER, ["storage", "log"]);
});
afterAll(() => appender.dispose());

test("after kill -9 under load every acknowledged record is there once, at its offset, without gaps", async () => {
  const root = testFolder();
  const log = openLog(root);
  await log.createTopic("flights", { partitions: 2, segmentBytes: 4_096, storedLingerMs: 2 });
  await log.close();
  const acknowledged = new Map<number, string>();
  for (let kill = 0; kill < KILLS; kill++) {
    const child = appender.start(root, String(kill * 1_000_000));
    child.done.catch(() => undefined);
    while (child.output().split("\n").length < 30) {
      if (child.process.exitCode !== null) await child.done;
      await sleep(5);
    }
    child.process.kill("SIGKILL");
    await child.done.catch(() => undefined);
    for (const line of child.output().split("\n").slice(0, -1)) {
      const [partition, baseOffset, first] = line.split(" ").map(Number) as [number, number, number];
      for (let i = 0; i < 10; i++) acknowledged.set(first + i, `${partition}/${baseOffset + i}`);
    }
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(KILLS * 280);

  const again = openLog(root).topic("flights");
  await again.append({ value: "-1" });
  const places = new Map<number, string>();
  for (const partition of [0, 1]) {
    const records = await readAll(again, { partition });
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i)));
    for (const { value, offset } of records) {
      const number = Number(Buffer.from(value ?? []).toString());
      expect(places.has(number), `${number} is there twice`).toBe(false);
      places.set(number, `${partition}/${offset}`);
    }
  }
  for (const [number, place] of acknowledged) expect(places.get(number), `record ${number}`).toBe(place);
});

test("a process goes on until an append that it waits for is in the object store, and ends without close", async () => {
  const root = testFolder();
  const log = openLog(root);
  await log.createTopic("flights");
  await log.close();
  const program = await childProgram(
    `
    const store = new storage.LocalStore(args[0] + "/warehouse");
    const topic = new log.Log({ store, folder: args[0] + "/log" }).topic("flights");
    await topic.append({ value: "waited for" }, { ack: "stored" });
    await topic.append({ value: "left in the write-ahead log" });
    console.log("done");
    `,
    ["storage", "log"],
  );
  expect(await program.start(root).done).toBe("done\n");
  await program.dispose();
  const again = openLog(root).topic("flights");
  await again.append({ value: "more" });
  expect(await readAll(again)).toHaveLength(3);
});
