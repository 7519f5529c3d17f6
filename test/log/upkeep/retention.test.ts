import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_CONFIG } from "../../../lib/lakehouse/log/meta/topic-config.js";
import type { StoredSegment } from "../../../lib/lakehouse/log/segment/layout.js";
import { retainedFrom } from "../../../lib/lakehouse/log/upkeep/retention.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";

async function objectsOf(store: LocalStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { uri } of store.list(`${store.root}/_log/`))
    if (uri.endsWith(".segment")) names.push(uri.slice(uri.lastIndexOf("/") + 1));
  return names.map((name) => String(Number.parseInt(name, 10)));
}

/** Five segments of one record each. */
async function fiveSegments(root: string, settings = {}) {
  const store = new LocalStore(join(root, "warehouse"));
  const log = openLog(join(root, "a"), { store });
  const topic = await log.createTopic("flights", { fileDeleteDelayMs: 0, ...settings });
  for (let i = 0; i < 5; i++) await topic.append({ value: `${i}`, timestamp: 1_000 * i }, { ack: "stored" });
  return { store, log, topic };
}

test("records before an offset are gone for every reader, at once and after recovery; their objects go later", async () => {
  const root = testFolder();
  const { store, log, topic } = await fiveSegments(root);
  expect(await topic.deleteRecords({ before: 3n })).toEqual([3n]);
  expect(await topic.deleteRecords({ before: 1n })).toEqual([3n]);
  expect(await topic.offsets()).toMatchObject([{ start: 3n, end: 5n, stored: 5n }]);
  expect(texts(await readAll(topic))).toEqual(["3", "4"]);
  await expect(readAll(topic, { from: 2n })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  expect(texts(await readAll(topic, { from: new Date(0) }))).toEqual(["3", "4"]);
  expect(await objectsOf(store)).toHaveLength(5);

  expect(await log.upkeep({ dryRun: true })).toEqual([
    { what: "delete", topic: "flights", partition: 0, objects: 3 },
  ]);
  expect(await objectsOf(store)).toHaveLength(5);
  await log.upkeep();
  expect(await objectsOf(store)).toEqual(["3", "4"]);
  expect(await log.upkeep()).toEqual([]);

  const again = openLog(join(root, "b"), { store });
  await again.recover();
  expect(await again.topic("flights").offsets()).toMatchObject([{ start: 3n, end: 5n, stored: 5n }]);
  expect(texts(await readAll(again.topic("flights")))).toEqual(["3", "4"]);
});

test("an offset within a segment is the first that readers have, also of records that were on this disk alone", async () => {
  const root = testFolder();
  const log = openLog(root);
  const topic = await log.createTopic("flights", { segmentMs: 60_000 });
  await topic.append([{ value: "0" }, { value: "1" }, { value: "2" }]);
  expect(await topic.deleteRecords({ before: 2n })).toEqual([2n]);
  expect(texts(await readAll(topic))).toEqual(["2"]);
  expect(await topic.deleteRecords({ before: "end" })).toEqual([3n]);
  expect(await topic.offsets()).toMatchObject([{ start: 3n, end: 3n, stored: 3n }]);
  await expect(topic.deleteRecords({ before: 4n })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  await log.close();
  const again = openLog(root);
  await again.topic("flights").append({ value: "3" });
  expect(texts(await readAll(again.topic("flights")))).toEqual(["3"]);
});

test("an offset that might be of several partitions is refused, and so is deletion where keys are compacted", async () => {
  const log = openLog(testFolder());
  const two = await log.createTopic("two", { partitions: 2 });
  await expect(two.deleteRecords({ before: 0n })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const compacted = await log.createTopic("compacted", { cleanupPolicy: "compact" });
  await expect(compacted.deleteRecords({ before: 0n })).rejects.toMatchObject({ code: "POLICY_VIOLATION" });
});

test("by size, a partition keeps as much as it is to; all that is older goes in the background", async () => {
  const root = testFolder();
  const { store, log, topic } = await fiveSegments(root);
  const [size] = await topic.sizes();
  expect(size).toMatchObject({ partition: 0, segments: 5 });
  const one = (size?.bytes ?? 0) / 5;
  await log.alterTopic("flights", { retentionBytes: Math.floor(2.5 * one) });
  expect(await log.upkeep()).toMatchObject([
    { what: "expire", objects: 2 },
    { what: "delete", objects: 2 },
  ]);
  expect(texts(await readAll(topic))).toEqual(["2", "3", "4"]);
  expect(await objectsOf(store)).toEqual(["2", "3", "4"]);
});

test("by time, all may go; the newest object stays, and offsets go on", async () => {
  const root = testFolder();
  const { store, log, topic } = await fiveSegments(root, { retentionMs: 60_000 });
  await log.upkeep();
  expect(await topic.offsets()).toMatchObject([{ start: 5n, end: 5n, stored: 5n }]);
  expect(await objectsOf(store)).toEqual(["4"]);
  await log.close();
  const again = openLog(join(root, "a"), { store });
  const [appended] = await again.topic("flights").append({ value: "5" }, { ack: "stored" });
  expect(appended?.baseOffset).toBe(5n);
  expect(texts(await readAll(again.topic("flights")))).toEqual(["5"]);
});

test("a record from the future keeps nothing longer than when it was stored asks for, and no time is that of the store", () => {
  const segment = (sequence: number, maxTimestamp: bigint, storedAt: number) =>
    ({
      baseOffset: BigInt(sequence),
      nextOffset: BigInt(sequence) + 1n,
      sequence,
      maxTimestamp,
      storedAt,
      bytes: 1,
    }) as StoredSegment;
  const config = { ...DEFAULT_CONFIG, retentionMs: 100 };
  const segments = [segment(0, 10n ** 15n, 1_000), segment(1, -1n, 1_001), segment(2, 1_050n, 2_000)];
  expect(retainedFrom(segments, config, 0n, 1_100)).toBe(0n);
  expect(retainedFrom(segments, config, 0n, 1_101)).toBe(1n);
  expect(retainedFrom(segments, config, 0n, 1_150)).toBe(2n);
  expect(retainedFrom(segments, config, 0n, 1_151)).toBe(3n);
  expect(retainedFrom(segments, { ...config, cleanupPolicy: "compact" }, 0n, 9_999)).toBe(0n);
});
