import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { CLIENTS } from "./clients/clients.js";
import { text } from "./records.js";
import { createTopic } from "./topics.js";

/** What is committed is between, before and after what is not. */
const TRANSACTIONS = [
  { values: ["a", "b"], end: "commit" },
  { values: ["never", "nowhere"], end: "abort" },
  { values: ["c"], end: "commit" },
  { values: ["no"], end: "abort" },
  { values: ["d", "e"], end: "commit" },
] as const;
const COMMITTED = ["a", "b", "c", "d", "e"];

const record = (value: string, partition = 0) => ({ key: null, value: text(value), partition, headers: [] });

describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  beforeAll(async () => {
    clients = await startClients(start);
  });
  afterAll(() => clients?.close());

  const values = async (
    client: string,
    topic: string,
    count: number,
    isolation: "read_committed" | "read_uncommitted",
  ) =>
    (await clients.client(client).consume(topic, count, isolation)).map(({ value }) =>
      Buffer.from(value ?? "", "hex").toString(),
    );

  const topicOf = (name: string) => `transactions-${name.replaceAll(/[^a-zA-Z0-9]/g, "-")}`;

  for (const [name, { needs = {} }] of Object.entries(CLIENTS))
    test(`transactions of ${name} are read as committed or not`, needs, async () => {
      const topic = topicOf(name);
      await createTopic(clients.broker, topic);
      const client = clients.client(name);
      await client.transact(topic, TRANSACTIONS);
      const uncommitted = client.aborts ? ["a", "b", "never", "nowhere", "c", "no", "d", "e"] : COMMITTED;
      for (const [reader, { needs: readerNeeds, readsAborted }] of Object.entries(CLIENTS)) {
        if (readerNeeds?.skip) continue;
        if (!(readsAborted && client.aborts))
          expect(await values(reader, topic, 5, "read_committed"), reader).toEqual(COMMITTED);
        expect(await values(reader, topic, uncommitted.length, "read_uncommitted"), reader).toEqual(
          uncommitted,
        );
      }
    });

  describe.each([3, 4] as const)("Java's client of generation %i", (version) => {
    const call = <Result>(name: string, args: Readonly<Record<string, unknown>>) =>
      clients.java<Result>(version, name, args);
    const openProducer = (name: string, id: string, settings = {}) =>
      call("openProducer", { name, settings: { "transactional.id": `${id}-${version}`, ...settings } });
    const step = (name: string, what: string, more = {}) =>
      call("transaction", { name, step: what, ...more });
    const committed = async (topic: string) =>
      (
        await call<{ value: string }[]>("consume", {
          topic,
          settings: { "isolation.level": "read_committed" },
        })
      ).map(({ value }) => Buffer.from(value, "hex").toString());

    test("a second producer of the same id fences the first, whose transaction is aborted", async () => {
      const topic = `fenced-${version}`;
      await createTopic(clients.broker, topic);
      await openProducer("first", "fenced");
      await step("first", "begin");
      await step("first", "send", { topic, records: [record("of the first")] });
      await openProducer("second", "fenced");
      await step("second", "begin");
      await step("second", "send", { topic, records: [record("of the second")] });
      await step("second", "commit");
      await expect(step("first", "commit")).rejects.toThrow(/ProducerFenced|InvalidProducerEpoch/);
      expect(await committed(topic)).toEqual(["of the second"]);
      await call("closeProducer", { name: "second" });
      await call("closeProducer", { name: "first" });
    });

    test("nothing behind an open transaction is read as committed, until it ends", async () => {
      const topic = `open-${version}`;
      await createTopic(clients.broker, topic);
      await openProducer("open", "open");
      await step("open", "begin");
      await step("open", "send", { topic, records: [record("open")] });
      await call("produce", { topic, records: [record("plain")] });
      expect(await committed(topic)).toEqual([]);
      await step("open", "commit");
      await call("closeProducer", { name: "open" });
      expect(await committed(topic)).toEqual(["open", "plain"]);
    });

    test("a transaction that is left open is aborted when its time is over", async () => {
      const topic = `left-${version}`;
      await createTopic(clients.broker, topic);
      await openProducer("left", "left", { "transaction.timeout.ms": 1_000 });
      await step("left", "begin");
      await step("left", "send", { topic, records: [record("left")] });
      await call("produce", { topic, records: [record("plain")] });
      await expect.poll(() => committed(topic), { timeout: 60_000, interval: 500 }).toEqual(["plain"]);
      await expect(step("left", "commit")).rejects.toThrow(
        /ProducerFenced|InvalidProducerEpoch|InvalidTxnState/,
      );
      await call("closeProducer", { name: "left" });
    });

    test("consume, transform, produce: records and offsets are committed together, or neither", async () => {
      const [from, to, group] = [`from-${version}`, `to-${version}`, `transform-${version}`];
      await createTopic(clients.broker, from, 2);
      await createTopic(clients.broker, to, 2);
      await call("produce", { topic: from, records: [0, 1, 2, 3].map((i) => record(`r${i}`, i % 2)) });
      const settings = {
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": false,
        "isolation.level": "read_committed",
      };
      for (const end of ["abort", "commit"]) {
        const name = `${group}-${end}`;
        await call("openConsumer", { name, topic: from, group, settings });
        const read: { partition: number; offset: number; value: string }[] = [];
        while (read.length < 4) {
          const polled = await call<{ records: typeof read }>("poll", { name, ms: 500 });
          read.push(...polled.records);
        }
        await openProducer(name, "transform");
        await step(name, "begin");
        const made = read.map(({ value, partition }) => ({ ...record("", partition), value: `${value}21` }));
        await step(name, "send", { topic: to, records: made });
        await step(name, "offsets", { topic: from, offsets: { 0: 2, 1: 2 }, consumer: name });
        await step(name, end);
        const offsets = await call<Record<string, number>>("admin", { step: "offsets", group });
        expect(offsets).toEqual(end === "abort" ? {} : { [`${from}/0`]: 2, [`${from}/1`]: 2 });
        await call("closeProducer", { name });
        await call("closeConsumer", { name });
      }
      expect((await committed(to)).sort()).toEqual(["r0!", "r1!", "r2!", "r3!"]);
    });
  });
});
