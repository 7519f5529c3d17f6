import { expect, test } from "vitest";
import type { LogCore } from "../../lib/lakehouse/log/core.js";
import type { Ack, Log, TopicRecord } from "../../lib/lakehouse/log/index.js";
import { Producer } from "../../lib/lakehouse/log/producer.js";
import { storageFailed } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

async function newLog(): Promise<Log> {
  const log = openLog(testFolder());
  await log.createTopic("flights", { partitions: 2 });
  await log.createTopic("receipts");
  return log;
}

test("what a producer appends is there once and in its order, however many calls are under way", async () => {
  const log = await newLog();
  const producer = log.producer();
  const calls = Array.from({ length: 50 }, (_, i) =>
    producer.append("flights", [{ value: `${i}a` }, { value: `${i}b` }], { partition: 0 }),
  );
  const places = await Promise.all(calls);
  expect(places.map(([place]) => Number(place?.baseOffset))).toEqual(calls.map((_, i) => 2 * i));
  const records = await readAll(log.topic("flights"), { partition: 0 });
  expect(texts(records)).toEqual(calls.flatMap((_, i) => [`${i}a`, `${i}b`]));
});

test("what the disk refuses is sent again, before what was appended after it", async () => {
  const { core } = await newLog();
  let refusals = 2;
  const flaky = {
    clock: { ...core.clock, after: (_: number, work: () => void) => core.clock.after(0, work) },
    topic: (name: string) => core.topic(name),
    transactions: () => core.transactions(),
    partitionOf: async (topic: TopicRecord, number: number) => {
      const partition = await core.partitionOf(topic, number);
      const append = async (batch: Uint8Array, ack: Ack) => {
        if (refusals-- > 0) throw storageFailed("disk", "The disk is full.");
        return partition.append(batch, ack);
      };
      return { ...partition, append };
    },
  };
  const producer = new Producer(flaky as LogCore, {});
  const calls = ["a", "b", "c"].map((value) => producer.append("flights", { value }, { partition: 1 }));
  expect((await Promise.all(calls)).map(([place]) => place?.baseOffset)).toEqual([0n, 1n, 2n]);
});
