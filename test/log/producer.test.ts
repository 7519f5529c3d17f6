import { expect, test } from "vitest";
import type { LogCore } from "../../lib/lakehouse/log/core.js";
import type { Ack, Log, TopicRecord } from "../../lib/lakehouse/log/index.js";
import { Producer } from "../../lib/lakehouse/log/producer.js";
import { storageFailed } from "../../lib/lakehouse/storage/index.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

const code = (wanted: string) => expect.objectContaining({ code: wanted });

async function newLog(): Promise<Log> {
  const log = openLog(testFolder());
  await log.createTopic("flights", { partitions: 2 });
  await log.createTopic("receipts");
  return log;
}

async function committed(log: Log, topic = "flights"): Promise<string[]> {
  return texts(await readAll(log.topic(topic), { isolation: "read_committed" })).sort();
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

test("a transaction over topics is seen when it is done, and its function's result comes back", async () => {
  const log = await newLog();
  const producer = log.producer({ transactionalId: "payments" });
  const result = await producer.transaction(async (tx) => {
    await tx.append("flights", [{ key: "HNL", value: "a" }]);
    await tx.append("receipts", { value: "b" });
    expect(await committed(log)).toEqual([]);
    return 7;
  });
  expect(result).toBe(7);
  expect(await committed(log)).toEqual(["a"]);
  expect(await committed(log, "receipts")).toEqual(["b"]);
  await producer.transaction((tx) => tx.append("flights", { value: "c" }));
  expect(await committed(log)).toEqual(["a", "c"]);
});

test("nothing is seen of a transaction whose function throws, and the next goes on", async () => {
  const log = await newLog();
  const producer = log.producer({ transactionalId: "payments" });
  const failing = producer.transaction(async (tx) => {
    await tx.append("flights", { value: "a" });
    throw new Error("no more");
  });
  await expect(failing).rejects.toThrow("no more");
  await producer.transaction((tx) => tx.append("flights", { value: "b" }));
  expect(await committed(log)).toEqual(["b"]);
});

test("a transaction in which an append has failed is not committed, though its function goes on", async () => {
  const log = await newLog();
  const producer = log.producer({ transactionalId: "payments" });
  const failing = producer.transaction(async (tx) => {
    await tx.append("flights", { value: "a" });
    await tx.append("nowhere", { value: "b" }).catch(() => undefined);
  });
  await expect(failing).rejects.toThrow(code("NO_SUCH_TOPIC"));
  await producer.transaction((tx) => tx.append("flights", { value: "c" }));
  expect(await committed(log)).toEqual(["c"]);
});

test("what is not awaited is part of the transaction all the same, and nothing is after its end", async () => {
  const log = await newLog();
  const producer = log.producer({ transactionalId: "payments" });
  const kept = await producer.transaction(async (tx) => {
    void tx.append("flights", { value: "a" });
    return tx;
  });
  expect(await committed(log)).toEqual(["a"]);
  await expect(kept.append("flights", { value: "late" })).rejects.toThrow(code("INVALID_TXN_STATE"));
});

test("a later producer of the id takes the place of the earlier", async () => {
  const log = await newLog();
  const old = log.producer({ transactionalId: "payments" });
  const young = log.producer({ transactionalId: "payments" });
  const losing = old.transaction(async (tx) => {
    await tx.append("flights", { value: "old" });
    await young.transaction((other) => other.append("flights", { value: "young" }));
  });
  await expect(losing).rejects.toThrow(code("PRODUCER_FENCED"));
  expect(await committed(log)).toEqual(["young"]);
  // It does not fence the other in its turn.
  await expect(old.transaction((tx) => tx.append("flights", { value: "again" }))).rejects.toThrow(
    code("PRODUCER_FENCED"),
  );
  await young.transaction((tx) => tx.append("flights", { value: "on" }));
  expect(await committed(log)).toEqual(["on", "young"]);
});

test("a group's offsets are committed with the transaction, or not at all", async () => {
  const log = await newLog();
  const groups = await log.core.groups();
  const where = async () => (await groups.fetch("readers", [{ topic: "flights", partition: 0 }]))[0]?.offset;
  await log.topic("flights").append([{ value: "a" }, { value: "b" }], { partition: 0 });
  const producer = log.producer({ transactionalId: "payments" });
  const failing = producer.transaction(async (tx) => {
    await tx.sendOffsets("readers", [{ topic: "flights", partition: 0, offset: 1n }]);
    throw new Error("no more");
  });
  await expect(failing).rejects.toThrow("no more");
  expect(await where()).toBe(-1n);
  await producer.transaction(async (tx) => {
    await tx.append("receipts", { value: "a" });
    await tx.sendOffsets("readers", [{ topic: "flights", partition: 0, offset: 2n }]);
    expect(await where()).toBe(-1n);
  });
  expect(await where()).toBe(2n);
  const nowhere = producer.transaction((tx) =>
    tx.sendOffsets("readers", [{ topic: "nowhere", partition: 0, offset: 2n }]),
  );
  await expect(nowhere).rejects.toThrow(code("NO_SUCH_TOPIC"));
});

test("what does not fit together is refused", async () => {
  const log = await newLog();
  const plain = log.producer();
  const payments = log.producer({ transactionalId: "payments" });
  await expect(plain.transaction(async () => {})).rejects.toThrow(code("INVALID_TXN_STATE"));
  await expect(payments.append("flights", { value: "a" })).rejects.toThrow(code("INVALID_TXN_STATE"));
  const nested = payments.transaction(() => payments.transaction(async () => {}));
  await expect(nested).rejects.toThrow(code("INVALID_TXN_STATE"));
  const long = log.producer({ transactionalId: "long", transactionTimeoutMs: 900_001 });
  await expect(long.transaction(async () => {})).rejects.toThrow(code("INVALID_TRANSACTION_TIMEOUT"));
  expect(() => log.producer({ transactionalId: "" })).toThrow(code("INVALID_ARGUMENT"));
  await expect(plain.append("nowhere", { value: "a" })).rejects.toThrow(code("NO_SUCH_TOPIC"));
});
