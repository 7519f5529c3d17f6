import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openLog, testFolder } from "../support/lake-log.js";

const NOBODY = { memberId: "", generation: -1 };
const at = (topic: string, partition = 0) => ({
  topic,
  partition,
  offset: 1n,
  leaderEpoch: -1,
  metadata: "",
});

async function forgetful() {
  const log = openLog(testFolder(), {
    groups: {
      offsetsRetentionMs: 300,
      expiryCheckMs: 50,
      initialRebalanceDelayMs: 0,
      minSessionTimeoutMs: 1,
    },
  });
  await log.createTopic("flights", { partitions: 2 });
  await log.createTopic("other");
  return { log, groups: await log.core.groups() };
}

test("offsets of nobody are forgotten in time, and a group that has nothing more", async () => {
  const { log, groups } = await forgetful();
  await groups.commit("readers", NOBODY, [at("flights"), at("other")]);
  while ((await log.groups.list()).length > 0) await sleep(20);
  expect(await groups.fetch("readers")).toEqual([]);
});

test("while a group reads a topic its offsets there stay, and those of other topics do not", async () => {
  const { log, groups } = await forgetful();
  await groups.commit("readers", NOBODY, [at("flights"), at("other")]);
  const stop = new AbortController();
  const reading = log
    .consume(["flights"], {
      group: "readers",
      commit: "manual",
      sessionTimeoutMs: 30_000,
      signal: stop.signal,
    })
    .next();
  const topics = async () => (await groups.fetch("readers")).map(({ topic }) => topic);
  while ((await topics()).includes("other")) await sleep(20);
  expect(await topics()).toEqual(["flights"]);
  stop.abort();
  await reading;
  // From when its last reader has left.
  while ((await log.groups.list()).length > 0) await sleep(20);
});

test("what a transaction holds, and where its partition was before, is not forgotten", async () => {
  const { groups } = await forgetful();
  await groups.commit("readers", NOBODY, [at("flights", 0), at("flights", 1)]);
  await groups.hold(
    "readers",
    { producerId: 7n, epoch: 0 },
    [{ ...at("flights", 1), offset: 2n }],
    NOBODY,
    async () => ({ startedAt: 1, ack: "wal" }),
  );
  const partitions = async () => (await groups.fetch("readers")).map(({ partition }) => partition);
  while ((await partitions()).includes(0)) await sleep(20);
  expect(await partitions()).toEqual([1]);
  const ending = { producerId: 7n, epoch: 0, startedAt: 1, marker: "commit", ack: "wal" } as const;
  await groups.end(["readers"], ending, async () => true);
  expect(await groups.fetch("readers")).toMatchObject([{ partition: 1, offset: 2n }]);
});
