import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Log, Topic } from "../../lib/lakehouse/log/index.js";
import type { LogMeta, TopicRecord } from "../../lib/lakehouse/log/meta/log-meta.js";
import { topicConfig } from "../../lib/lakehouse/log/meta/topic-config.js";
import { systemClock } from "../../lib/lakehouse/log/partition/clock.js";
import { PartitionReader } from "../../lib/lakehouse/log/partition/partition-reader.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { openLog, testFolder, texts } from "./support/lake-log.js";

/** Follows a topic: what it has seen, and how that ended. */
function follow(topic: Topic, seen: string[] = []) {
  const ended = (async () => {
    for await (const { records } of topic.read({ follow: true })) seen.push(...texts(records));
  })().then(
    () => "ended",
    (error: { code?: string }) => error.code,
  );
  const until = async (count: number) => {
    while (seen.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return { seen, ended, until };
}

/** A log that has written, and another that only reads it. */
function twoOfOne(): readonly [Log, Log] {
  const root = testFolder();
  const store = new LocalStore(join(root, "warehouse"));
  return [openLog(root, { store }), openLog(root, { store })];
}

describe("who follows a topic", () => {
  test("hears that its log is closed, after all that is in it", async () => {
    const log = openLog(testFolder());
    const topic = await log.createTopic("flights", { partitions: 2 });
    const reader = follow(topic);
    await topic.append([{ value: "a" }, { value: "b" }]);
    await reader.until(2);
    await log.close();
    expect(await reader.ended).toBe("CLOSED");
  });

  test("hears that it is deleted, in the process that writes it and in another, empty or not", async () => {
    const [log, other] = twoOfOne();
    for (const records of [[], [{ value: "a" }]]) {
      const topic = await log.createTopic("flights");
      await topic.append(records, { ack: "stored" });
      const readers = [follow(topic), follow(other.topic("flights"))];
      await Promise.all(readers.map((reader) => reader.until(records.length)));
      await log.deleteTopic("flights");
      await log.createTopic("flights");
      await log.topic("flights").append([{ value: "of another" }, { value: "and more" }], { ack: "stored" });
      expect(await Promise.all(readers.map(({ ended }) => ended))).toEqual([
        "NO_SUCH_TOPIC",
        "NO_SUCH_TOPIC",
      ]);
      expect(readers.map(({ seen }) => seen.length)).toEqual([records.length, records.length]);
      await log.deleteTopic("flights");
    }
  });

  test("hears that another machine has taken over", async () => {
    const root = testFolder();
    const store = new LocalStore(join(root, "warehouse"));
    const [first, second] = [openLog(join(root, "a"), { store }), openLog(join(root, "b"), { store })];
    const topic = await first.createTopic("flights");
    await topic.append({ value: "first" }, { ack: "stored" });
    const reader = follow(topic);
    await reader.until(1);
    await second.recover();
    await second.topic("flights").append({ value: "second" }, { ack: "stored" });
    await topic.append({ value: "late" }, { ack: "stored" }).catch(() => undefined);
    expect(await reader.ended).toBe("FENCED");
  });
});

const TOPIC: TopicRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "flights",
  partitions: 1,
  config: topicConfig({}),
  createdAt: 0,
  version: 1,
};

test("a partition begins at its first record, also where that is stored while it is asked for", async () => {
  const segment = { baseOffset: 0n, nextOffset: 10n, topicId: TOPIC.id, partition: 0, sequence: 0 };
  for (const storedAfter of [0, 1, 2]) {
    let questions = 0;
    const answer = async () => (questions++ >= storedAfter ? segment : undefined);
    const meta = { lastSegment: answer, manifest: async () => undefined } as unknown as LogMeta;
    const parts = { meta, segments: undefined as never, clock: systemClock, writer: () => undefined };
    expect((await new PartitionReader(TOPIC, 0, parts).offsets()).start).toBe(0n);
  }
});
