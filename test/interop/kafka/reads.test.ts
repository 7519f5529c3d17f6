import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { openKafkajs } from "./clients/kafkajs.js";
import { text } from "./records.js";
import { createTopic } from "./topics.js";

interface Polled {
  readonly records: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly value: string;
  }[];
}

describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  beforeAll(async () => {
    clients = await startClients(start);
  });
  afterAll(() => clients?.close());

  describe.each([3, 4] as const)("Java's client of generation %i", (version) => {
    const call = <Result>(name: string, args: Readonly<Record<string, unknown>>) =>
      clients.java<Result>(version, name, args);
    const control = <Result>(name: string, step: string, more = {}) =>
      call<Result>("control", { name, step, ...more });
    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => ({
        key: null,
        value: text(String(from + i)),
        partition: 0,
        timestamp: 1_700_000_000_000 + (from + i) * 1_000,
        headers: [],
      }));
    /** Polls until that many have come, and gives their offsets. */
    async function offsets(name: string, count: number): Promise<number[]> {
      const found: number[] = [];
      while (found.length < count) {
        const { records } = await call<Polled>("poll", { name, ms: 1_000 });
        found.push(...records.map(({ offset }) => offset));
      }
      return found;
    }
    async function open(topic: string, settings: Readonly<Record<string, unknown>>, group?: string) {
      await call("openConsumer", {
        name: topic,
        topic,
        ...(group && { group }),
        settings: { "auto.offset.reset": "earliest", ...(group && { "group.id": group }), ...settings },
      });
    }

    test("seeks by time, to the first record that is not older", async () => {
      const topic = `times-${version}`;
      await createTopic(clients.broker, topic);
      await call("produce", { topic, records: numbers(0, 50) });
      await call("produce", { topic, records: numbers(50, 100), settings: { "compression.type": "zstd" } });
      await open(topic, {});
      const at = (time: number) => control(topic, "times", { time: 1_700_000_000_000 + time });
      expect(await at(0)).toEqual({ 0: [0, 1_700_000_000_000] });
      expect(await at(41_500)).toEqual({ 0: [42, 1_700_000_042_000] });
      expect(await at(77_000)).toEqual({ 0: [77, 1_700_000_077_000] });
      expect(await at(-5)).toEqual({ 0: [0, 1_700_000_000_000] });
      expect(await at(99_001)).toEqual({ 0: null });
      expect(await control(topic, "ends")).toEqual({ 0: [0, 100] });
      await control(topic, "seek", { offset: 97 });
      expect(await offsets(topic, 3)).toEqual([97, 98, 99]);
      await call("closeConsumer", { name: topic });
    });

    test("goes to the beginning from an offset that is out of range, or is told so", async () => {
      const topic = `range-${version}`;
      await createTopic(clients.broker, topic);
      await call("produce", { topic, records: numbers(0, 5) });
      await open(topic, {});
      await control(topic, "seek", { offset: 1_000 });
      expect(await offsets(topic, 5)).toEqual([0, 1, 2, 3, 4]);
      await call("closeConsumer", { name: topic });
      await open(topic, { "auto.offset.reset": "none" });
      await control(topic, "seek", { offset: 1_000 });
      await expect(offsets(topic, 1)).rejects.toThrow("OffsetOutOfRangeException");
      await call("closeConsumer", { name: topic });
    });

    test("pauses, resumes, commits, and goes on where it was", async () => {
      const topic = `resumed-${version}`;
      await createTopic(clients.broker, topic);
      await call("produce", { topic, records: numbers(0, 5) });
      const settings = { "enable.auto.commit": false };
      await open(topic, settings, topic);
      expect(await offsets(topic, 5)).toEqual([0, 1, 2, 3, 4]);
      await control(topic, "pause");
      await call("produce", { topic, records: numbers(5, 8) });
      expect((await call<Polled>("poll", { name: topic, ms: 300 })).records).toEqual([]);
      await control(topic, "resume");
      expect(await offsets(topic, 3)).toEqual([5, 6, 7]);
      expect(await control(topic, "committed")).toEqual({ 0: null });
      await control(topic, "seek", { offset: 6 });
      await control(topic, "commit");
      expect(await control(topic, "committed")).toEqual({ 0: 6 });
      await call("closeConsumer", { name: topic });
      await open(topic, settings, topic);
      expect(await offsets(topic, 2)).toEqual([6, 7]);
      await call("closeConsumer", { name: topic });
    });

    test("waits for as many bytes as it asks for, or for as long as it says", async () => {
      const topic = `waits-${version}`;
      await createTopic(clients.broker, topic);
      await open(topic, { "fetch.min.bytes": 100_000_000, "fetch.max.wait.ms": 1_500 });
      await call("produce", { topic, records: numbers(0, 3) });
      // Less than it asked for comes as well, when it has waited.
      expect(await offsets(topic, 3)).toEqual([0, 1, 2]);
      await call("closeConsumer", { name: topic });
    });

    test("gets a batch that is larger than what it asks for", async () => {
      const topic = `large-${version}`;
      await createTopic(clients.broker, topic);
      const large = { key: null, value: text("x".repeat(500_000)), partition: 0, headers: [] };
      await call("produce", { topic, records: [large, ...numbers(1, 3), large] });
      await open(topic, { "fetch.max.bytes": 1_000, "max.partition.fetch.bytes": 1_000 });
      expect(await offsets(topic, 4)).toEqual([0, 1, 2, 3]);
      await call("closeConsumer", { name: topic });
    });

    test("is told that a topic is not there, that a record is too large, and what it sent in vain", async () => {
      const topic = `limits-${version}`;
      await call("admin", { step: "createTopic", topic, configs: { "max.message.bytes": "2000" } });
      const records = [{ key: null, value: text("x".repeat(5_000)), headers: [] }];
      await expect(call("produce", { topic, records })).rejects.toThrow("RecordTooLargeException");
      expect(await call("consume", { topic })).toEqual([]);
      const settings = { "max.block.ms": 1_000 };
      await expect(call("produce", { topic: "missing", records, settings })).rejects.toThrow(
        "TimeoutException",
      );
    });

    test("appends without an answer, with one, and idempotently, in order", async () => {
      const topic = `acks-${version}`;
      await createTopic(clients.broker, topic);
      let from = 0;
      for (const settings of [
        { acks: "1", "enable.idempotence": false },
        { acks: "all" },
        { acks: "all", "max.in.flight.requests.per.connection": 5, "batch.size": 200, "linger.ms": 1 },
        { acks: "0", "enable.idempotence": false },
      ]) {
        await call("produceMany", { topic, from, count: 500, settings });
        from += 500;
      }
      const values = async () =>
        (await call<{ value: string }[]>("consume", { topic })).map(({ value }) =>
          Number(Buffer.from(value, "hex")),
        );
      await expect.poll(async () => (await values()).length, { timeout: 30_000 }).toBe(2_000);
      expect(await values()).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    });
  });

  test("kafkajs finds offsets by time", async () => {
    const topic = "times-kafkajs";
    await createTopic(clients.broker, topic);
    const kafkajs = openKafkajs(clients.broker.address);
    const producer = kafkajs.producer();
    await producer.connect();
    const messages = [0, 1, 2].map((i) => ({ value: `${i}`, timestamp: `${1_700_000_000_000 + i * 1_000}` }));
    await producer.send({ topic, messages });
    await producer.disconnect();
    const admin = kafkajs.admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, 1_700_000_000_500)).toEqual([
      { partition: 0, offset: "1" },
    ]);
    // After all records it is the end.
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, 1_800_000_000_000)).toEqual([
      { partition: 0, offset: "3" },
    ]);
    await admin.disconnect();
  });
});
