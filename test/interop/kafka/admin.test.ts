import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { text } from "./records.js";
import { createTopic } from "./topics.js";

describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  beforeAll(async () => {
    clients = await startClients(start);
  });
  afterAll(() => clients?.close());

  describe.each([3, 4] as const)("Java's admin client of generation %i", (generation) => {
    const admin = <Result>(step: string, args: object) =>
      clients.java<Result>(generation, "admin", { step, ...args });
    const records = [5_000, 9_000, 7_000].map((ms, i) => ({
      ...{ key: null, value: text(`${i}`), headers: [], partition: 0 },
      timestamp: 1_700_000_000_000 + ms,
    }));

    test("asks for the latest record, for sizes, and for settings with what they would be", async () => {
      const topic = `admin-${generation}`;
      await createTopic(clients.broker, topic, 1, { "retention.ms": "-1" });
      expect(await admin("latest", { topic })).toEqual([-1, -1]);
      await clients.java(generation, "produce", { topic, records, settings: { acks: "all" } });
      expect(await admin("latest", { topic })).toEqual([1, 1_700_000_009_000]);
      // What is not in the object store yet has no size there.
      await expect.poll(() => admin<number>("size", { topic }), { timeout: 20_000 }).toBeGreaterThan(0);
      await admin("alterConfigs", { topic, configs: { "retention.ms": "777" } });
      await expect
        .poll(() => admin("synonyms", { topic }))
        .toEqual({ type: "LONG", source: "DYNAMIC_TOPIC_CONFIG", first: "777", isDocumented: true });
    });

    test("deletes a group's offsets of a partition", async () => {
      const [topic, group] = [`admin-offsets-${generation}`, `admin-offsets-${generation}`];
      await createTopic(clients.broker, topic);
      await clients.java(generation, "produce", { topic, records, settings: { acks: "all" } });
      await admin("alterOffsets", { topic, group, offset: 2 });
      expect(await admin("offsets", { group })).toEqual({ [`${topic}/0`]: 2 });
      await admin("deleteOffsets", { topic, group });
      expect(await admin("offsets", { group })).toEqual({});
    });

    test("sees transactions and their producers, and fences them", async () => {
      const topic = `admin-transactions-${generation}`;
      const id = `admin-${generation}`;
      await createTopic(clients.broker, topic);
      const name = `admin-${generation}`;
      await clients.java(generation, "openProducer", { name, settings: { "transactional.id": id } });
      await clients.java(generation, "transaction", { name, step: "begin" });
      await clients.java(generation, "transaction", { name, step: "send", topic, records });
      expect(await admin("transactions", {})).toMatchObject({ [id]: ["Ongoing", 1] });
      expect(await admin("producers", { topic })).toEqual([0]);
      await admin("fence", { transactional: id });
      await expect.poll(() => admin("producers", { topic })).toEqual([-1]);
      await expect(clients.java(generation, "transaction", { name, step: "commit" })).rejects.toThrow(
        /Fenced/,
      );
      await clients.java(generation, "closeProducer", { name });
    });
  });
});
