import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { openKafkajs } from "./clients/kafkajs.js";
import { kcat, needsKcat } from "./clients/kcat.js";
import { text } from "./records.js";
import { createTopic } from "./topics.js";

describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  beforeAll(async () => {
    clients = await startClients(start);
  });
  afterAll(() => clients?.close());

  describe.each([3, 4] as const)("Java's client of generation %i", (version) => {
    const admin = <Result>(step: string, more = {}) =>
      clients.java<Result>(version, "admin", { step, ...more });

    test("creates, extends and deletes topics", async () => {
      const topic = `made-${version}`;
      expect(await admin("createTopic", { topic, partitions: 3, validateOnly: true })).toBe(3);
      expect(await admin("topics")).not.toContain(topic);
      expect(await admin("createTopic", { topic, partitions: 3 })).toBe(3);
      expect(await admin("topics")).toContain(topic);
      await admin("createPartitions", { topic, partitions: 5 });
      expect(await admin("partitions", { topic })).toBe(5);
      await admin("deleteTopic", { topic });
      await expect.poll(() => admin("topics"), { timeout: 30_000 }).not.toContain(topic);
      // Another of that name is another: it is empty.
      expect(await admin("createTopic", { topic })).toBe(1);
      expect(await clients.java(version, "consume", { topic })).toEqual([]);
    });

    test("is told what is wrong with them", async () => {
      const topic = `wrong-${version}`;
      await admin("createTopic", { topic, partitions: 2 });
      await expect(admin("createTopic", { topic })).rejects.toThrow("TopicExistsException");
      await expect(admin("createTopic", { topic: "no/slash" })).rejects.toThrow("InvalidTopicException");
      await expect(admin("createTopic", { topic: "none", partitions: 0 })).rejects.toThrow(
        "InvalidPartitionsException",
      );
      await expect(
        admin("createTopic", { topic: "odd", configs: { "no.such.config": "1" } }),
      ).rejects.toThrow("InvalidConfigurationException");
      await expect(
        admin("createTopic", { topic: "odd", configs: { "retention.ms": "soon" } }),
      ).rejects.toThrow("InvalidConfigurationException");
      await expect(admin("createPartitions", { topic, partitions: 2 })).rejects.toThrow(
        "InvalidPartitionsException",
      );
      await expect(admin("createPartitions", { topic: "missing", partitions: 2 })).rejects.toThrow(
        "UnknownTopicOrPartitionException",
      );
      await expect(admin("deleteTopic", { topic: "missing" })).rejects.toThrow(
        "UnknownTopicOrPartitionException",
      );
      await expect(admin("partitions", { topic: "missing" })).rejects.toThrow(
        "UnknownTopicOrPartitionException",
      );
      expect(await admin("topics")).not.toContain("odd");
    });

    test("reads and alters configs", async () => {
      const topic = `configs-${version}`;
      await admin("createTopic", {
        topic,
        configs: { "retention.ms": "86400000", "cleanup.policy": "compact" },
      });
      const first = await admin<Record<string, string>>("configs", { topic });
      expect(first).toMatchObject({ "retention.ms": "86400000", "cleanup.policy": "compact" });
      await admin("alterConfigs", { topic, configs: { "max.message.bytes": "2000", "retention.ms": "" } });
      const second = await admin<Record<string, string>>("configs", { topic });
      expect(second).toMatchObject({ "max.message.bytes": "2000", "cleanup.policy": "compact" });
      expect(second["retention.ms"]).not.toBe("86400000");
      await expect(admin("alterConfigs", { topic, configs: { "retention.ms": "-7" } })).rejects.toThrow(
        /InvalidConfigurationException|InvalidRequestException/,
      );
    });

    test("describes the cluster", async () => {
      const { address } = clients.broker;
      const cluster = await admin<{ nodes: string[]; controller: number; id: string }>("cluster");
      expect(cluster.nodes).toEqual([address]);
      expect(cluster.controller).toBe(Number(address.split(":")[1]));
      expect(cluster.id).not.toBe("");
    });

    test("sets a group's offsets, lists it and deletes it", async () => {
      const [topic, group] = [`offsets-${version}`, `admin-${version}`];
      await admin("createTopic", { topic });
      const records = ["a", "b", "c"].map((value) => ({ key: null, value: text(value), headers: [] }));
      await clients.java(version, "produce", { topic, records });
      await admin("alterOffsets", { topic, group, offset: 2 });
      expect(await admin("groups")).toContain(group);
      expect(await admin("offsets", { group })).toEqual({ [`${topic}/0`]: 2 });
      expect(await admin("group", { group })).toMatchObject({ state: "Empty", members: [] });
      const consumer = { name: group, topic, group, settings: { "group.id": group } };
      await clients.java(version, "openConsumer", consumer);
      let records2: { value: string }[] = [];
      while (records2.length === 0)
        records2 = (
          await clients.java<{ records: { value: string }[] }>(version, "poll", { name: group, ms: 500 })
        ).records;
      expect(records2.map(({ value }) => value)).toEqual([text("c")]);
      await expect(admin("deleteGroup", { group })).rejects.toThrow("GroupNotEmptyException");
      await clients.java(version, "closeConsumer", { name: group });
      await admin("deleteGroup", { group });
      expect(await admin("groups")).not.toContain(group);
      await expect(admin("deleteGroup", { group })).rejects.toThrow("GroupIdNotFoundException");
    });
  });

  test("kafkajs creates, describes, extends and deletes topics", async () => {
    const admin = openKafkajs(clients.broker.address).admin();
    await admin.connect();
    const topic = "made-by-kafkajs";
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })).toBe(true);
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })).toBe(false);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([0, 1, 2, 3]);
    // 2 is a topic.
    const resource = { type: 2, name: topic };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: "retention.ms", value: "1000000" }] }],
    });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ ...resource, configNames: ["retention.ms"] }],
    });
    expect(resources[0]?.configEntries).toMatchObject([
      { configName: "retention.ms", configValue: "1000000" },
    ]);
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(() => admin.listTopics(), { timeout: 30_000 }).not.toContain(topic);
    await admin.disconnect();
  });

  test("@platformatic/kafka creates, extends and deletes topics", async () => {
    const admin = new Admin({ clientId: "suite", bootstrapBrokers: [clients.broker.address], strict: true });
    const topic = "made-by-platformatic";
    await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 });
    const [node = 0] = (await admin.metadata({})).brokers.keys();
    await admin.createPartitions({
      topics: [{ name: topic, count: 3, assignments: [{ brokerIds: [node] }] }],
    });
    const { topics } = await admin.metadata({ topics: [topic] });
    expect(topics.get(topic)?.partitionsCount).toBe(3);
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(() => admin.listTopics(), { timeout: 30_000 }).not.toContain(topic);
    await admin.close();
  });

  test("the metadata of a thousand topics are one answer to all", needsKcat, async () => {
    const topics = Array.from({ length: 1_000 }, (_, i) => `many-${i}`);
    for (let from = 0; from < 1_000; from += 250)
      await clients.java(4, "admin", { step: "createTopics", topics: topics.slice(from, from + 250) });
    const many = (names: readonly string[]) => names.filter((name) => name.startsWith("many-")).sort();
    const wanted = [...topics].sort();
    for (const version of [3, 4] as const)
      await expect
        .poll(async () => many(await clients.java(version, "admin", { step: "topics" })), { timeout: 60_000 })
        .toEqual(wanted);
    const admin = openKafkajs(clients.broker.address).admin();
    await admin.connect();
    expect(many(await admin.listTopics())).toEqual(wanted);
    await admin.disconnect();
    const listed = JSON.parse((await kcat(["-L", "-J", "-b", clients.broker.address])).toString()) as {
      topics: { topic: string; partitions: { leader: number }[] }[];
    };
    expect(many(listed.topics.map(({ topic }) => topic))).toEqual(wanted);
    expect(listed.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))).toBe(true);
  });

  test("deleted records are gone for all, and where the topic begins is known", async () => {
    const topic = "deleted";
    await createTopic(clients.broker, topic);
    const records = ["a", "b", "c", "d"].map((value) => ({ key: null, value: text(value), headers: [] }));
    await clients.java(4, "produce", { topic, records });
    const deleteRecords = (offset: number) =>
      clients.java(4, "admin", { step: "deleteRecords", topic, offset });
    expect(await deleteRecords(2)).toBe(2);
    // An older one moves nothing, and -1 means all; beyond the end is none.
    expect(await deleteRecords(1)).toBe(2);
    await expect(deleteRecords(9)).rejects.toThrow("OffsetOutOfRangeException");
    for (const client of ["Java 3.9", "Java 4.4", "kafkajs", "@platformatic/kafka", "kafka-python"]) {
      const read = await clients.client(client).consume(topic, 2, "read_uncommitted");
      expect(
        read.map(({ offset }) => offset),
        client,
      ).toEqual([2, 3]);
    }
    expect(await deleteRecords(-1)).toBe(4);
    const admin = openKafkajs(clients.broker.address).admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "4", high: "4" }]);
    await admin.disconnect();
  });
});
