import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LogCore } from "../../../lib/lakehouse/log/core.js";
import { followState, openState, stateTopic } from "../../../lib/lakehouse/log/state/open-state.js";
import type { StateTopic } from "../../../lib/lakehouse/log/state/state-topic.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";
import { NUMBERS } from "./numbers.js";

const NAME = "__numbers";

async function numbers(core: LogCore): Promise<StateTopic<number>> {
  return openState(core, await stateTopic(core, NAME, 2), 1, NUMBERS);
}

test("a map is the same after it was closed and opened, and from the objects alone", async () => {
  const root = testFolder();
  const log = openLog(root);
  const state = await numbers(log.core);
  await state.set("a", 1);
  await Promise.all([state.set("b", 1), state.delete("a"), state.set("b", 2, "stored"), state.set("c", 3)]);
  const wanted = [
    ["b", 2],
    ["c", 3],
  ];
  expect([...state.entries()]).toEqual(wanted);
  await log.close();
  const again = openLog(root);
  expect([...(await numbers(again.core)).entries()]).toEqual(wanted);
  await again.close();
  rmSync(join(root, "log"), { recursive: true });
  // Whether somebody recovers first or not: an internal topic that is there is never begun anew.
  const lost = openLog(root);
  expect([...(await numbers(lost.core)).entries()]).toEqual(wanted);
  await lost.recover();
  expect([...(await numbers(lost.core)).entries()]).toEqual(wanted);
});

test("changes that were made together are all there, or none", async () => {
  const state = await numbers(openLog(testFolder()).core);
  const huge = "x".repeat(20 * 1024 * 1024);
  await expect(
    state.write([
      ["a", 1],
      [huge, 2],
    ]),
  ).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
  expect(state.size).toBe(0);
});

test("a map is the same when its topic was compacted", async () => {
  const root = testFolder();
  const log = openLog(root);
  const state = await numbers(log.core);
  for (let i = 0; i < 30; i++) {
    await state.set(`k${i % 3}`, i, "stored");
    if (i % 7 === 0) await state.delete("k0", "stored");
  }
  const wanted = new Map(state.entries());
  const actions = await log.upkeep();
  expect(actions).toMatchObject([{ topic: NAME }]);
  await log.close();
  expect(new Map((await numbers(openLog(root).core)).entries())).toEqual(wanted);
});

test("a process that does not write reads what is in the object store, and reads on", async () => {
  const root = testFolder();
  const { core } = openLog(root);
  const state = await numbers(core);
  await state.set("a", 1, "stored");
  const other = openLog(root).core;
  const followed = await followState(other, await other.topic(NAME), 1, NUMBERS);
  expect(followed.get("a")).toBe(1);
  await state.write(
    [
      ["a", undefined],
      ["b", 2],
    ],
    "stored",
  );
  await followed.refresh();
  expect([...followed.entries()]).toEqual([["b", 2]]);
  await expect(followed.set("c", 3)).rejects.toMatchObject({ code: "LOG_IN_USE" });
});

const RECORDS = {
  "no JSON": ["CORRUPT_STATE", { key: "a", value: "{" }],
  "no value of the format": ["CORRUPT_STATE", { key: "a", value: '{"version":1,"value":{"number":"7"}}' }],
  "no version": ["CORRUPT_STATE", { key: "a", value: '{"value":{"number":7}}' }],
  "no UTF-8": ["CORRUPT_STATE", { key: new Uint8Array([0xff]), value: '{"version":1,"value":{"number":7}}' }],
  "a later version": ["UNSUPPORTED_FEATURE", { key: "a", value: '{"version":2,"value":{"number":7}}' }],
} as const;

test.each(Object.entries(RECORDS))(
  "a record with %s is refused, with its offset",
  async (_, [code, record]) => {
    const root = testFolder();
    const log = openLog(root);
    const state = await numbers(log.core);
    await state.set("a", 1);
    const partition = await log.core.internalPartition(await log.core.topic(NAME), 1);
    await partition.append(await batchOf([record]), "wal");
    await log.close();
    await expect(numbers(openLog(root).core)).rejects.toMatchObject({
      code,
      message: expect.stringContaining("offset 1 of __numbers/1"),
    });
  },
);

test("clients see nothing of a map's topic, and cannot change it", async () => {
  const log = openLog(testFolder());
  await numbers(log.core);
  expect(await log.topics()).toEqual([]);
  for (const change of [
    () => log.topic(NAME).append({ value: "x" }),
    () => log.deleteTopic(NAME),
    () => log.createTopic(NAME),
  ])
    await expect(change()).rejects.toMatchObject({ code: "INTERNAL_TOPIC" });
});
