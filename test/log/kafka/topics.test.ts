import { describe, expect, test } from "vitest";
import { describeCluster, metadata } from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import {
  alterConfigs,
  describeConfigs,
  incrementalAlterConfigs,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/configs.js";
import {
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/topics.js";
import { Client, serve } from "../support/kafka-client.js";

const TOPIC = 2;
const BROKER = 4;

function newTopic(name: string, configs: Readonly<Record<string, string | null>> = {}, numPartitions = -1) {
  return {
    name,
    numPartitions,
    replicationFactor: -1,
    assignments: [],
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  };
}

describe("CreateTopics", () => {
  test("makes topics with settings by Kafka's names, and answers with all that they have", async () => {
    const { log, server } = await serve({ partitions: 2 });
    const client = await Client.to(server);
    const { topics } = await client.ask(createTopics, 7, {
      topics: [
        newTopic("flights", {
          "cleanup.policy": "delete,compact",
          "retention.ms": "60000",
          "compression.type": "producer",
        }),
      ],
    });
    const topic = await log.topic("flights").describe();
    expect(topics).toMatchObject([
      { name: "flights", errorCode: 0, topicId: topic.id, numPartitions: 2, replicationFactor: 1 },
    ]);
    expect(topic).toMatchObject({
      partitions: 2,
      config: { cleanupPolicy: "compact,delete", retentionMs: 60_000 },
    });
    expect(topics[0]?.configs).toContainEqual({
      name: "retention.ms",
      value: "60000",
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    });
  });

  test("refuses what cannot be, topic by topic, and makes nothing where it is only to look", async () => {
    const { log, server } = await serve();
    await log.createTopic("there");
    const client = await Client.to(server);
    const asked = [
      newTopic("there"),
      newTopic("a/b"),
      newTopic("__own"),
      newTopic("none", {}, 0),
      newTopic("unknown", { "flush.messages": "1" }),
      newTopic("wrong", { "retention.ms": "soon" }),
      newTopic("null", { "retention.ms": null }),
      newTopic("late", { "compression.type": "gzip" }),
      { ...newTopic("elsewhere"), assignments: [{ partitionIndex: 0, brokerIds: [9] }] },
      { ...newTopic("unreplicated"), replicationFactor: 0 },
      newTopic("twice"),
      newTopic("twice"),
      newTopic("good", {}, 3),
    ];
    const codes = async (validateOnly: boolean) =>
      (await client.ask(createTopics, 5, { topics: asked, validateOnly })).topics.map(
        ({ errorCode }) => errorCode,
      );
    const refused = [36, 17, 17, 37, 40, 40, 40, 40, 37, 42, 42, 42];
    expect(await codes(true)).toEqual([...refused, 0]);
    expect((await log.topics()).map(({ name }) => name)).toEqual(["there"]);
    expect(await codes(false)).toEqual([...refused, 0]);
    expect((await log.topics()).map(({ name }) => name)).toEqual(["good", "there"]);
  });
});

test("topics are deleted by name and by id, and given more partitions", async () => {
  const { log, server } = await serve();
  for (const name of ["a", "b", "c"]) await log.createTopic(name);
  const { id } = await log.topic("b").describe();
  const client = await Client.to(server);
  const nobody = "11111111-2222-3333-4444-555555555555";
  const byName = await client.ask(deleteTopics, 4, {
    topics: [],
    topicNames: ["a", "nope"],
    timeoutMs: 60_000,
  });
  expect(byName.responses.map(({ errorCode }) => errorCode)).toEqual([0, 3]);
  const byId = await client.ask(deleteTopics, 6, {
    topics: [id, nobody].map((topicId) => ({ name: null, topicId })),
    topicNames: [],
    timeoutMs: 60_000,
  });
  expect(byId.responses).toMatchObject([
    { name: "b", topicId: id, errorCode: 0 },
    { topicId: nobody, errorCode: 100 },
  ]);
  const more = async (count: number, validateOnly = false) => {
    const topics = [{ name: "c", count, assignments: null }];
    const { results } = await client.ask(createPartitions, 3, { topics, timeoutMs: 60_000, validateOnly });
    return results[0]?.errorCode;
  };
  expect([await more(1), await more(3, true), await more(3), await more(3)]).toEqual([37, 0, 0, 37]);
  expect(await log.topics()).toMatchObject([{ name: "c", partitions: 3 }]);
});

test("records before an offset are deleted, or all of them", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("flights");
  await topic.append(["a", "b", "c"].map((value) => ({ value })));
  const client = await Client.to(server);
  const before = async (offset: bigint) => {
    const asked = [{ name: "flights", partitions: [{ partitionIndex: 0, offset }] }];
    return (await client.ask(deleteRecords, 2, { topics: asked, timeoutMs: 60_000 })).topics[0]
      ?.partitions[0];
  };
  expect(await before(2n)).toMatchObject({ errorCode: 0, lowWatermark: 2n });
  expect(await before(9n)).toMatchObject({ errorCode: 1 });
  expect(await before(-1n)).toMatchObject({ errorCode: 0, lowWatermark: 3n });
});

describe("settings", () => {
  test("are changed one by one, or all at once, and described", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights", { retentionMs: 5, segmentMs: 7 });
    const client = await Client.to(server);
    const change = async (
      configs: { name: string; configOperation: number; value: string | null }[],
      validateOnly = false,
    ) => {
      const resources = [{ resourceType: TOPIC, resourceName: "flights", configs }];
      const { responses } = await client.ask(incrementalAlterConfigs, 1, { resources, validateOnly });
      return responses[0]?.errorCode;
    };
    const config = async () => (await log.topic("flights").describe()).config;
    const set = { name: "segment.bytes", configOperation: 0, value: "4096" };
    expect(await change([set], true)).toBe(0);
    expect(await config()).toMatchObject({ retentionMs: 5, segmentMs: 7, segmentBytes: 16 * 1024 * 1024 });
    expect(await change([set, { name: "retention.ms", configOperation: 1, value: null }])).toBe(0);
    expect(await config()).toMatchObject({ retentionMs: -1, segmentMs: 7, segmentBytes: 4_096 });
    expect(await change([{ name: "retention.ms", configOperation: 2, value: "1" }])).toBe(40);
    expect(await change([{ name: "nope", configOperation: 1, value: null }])).toBe(40);
    const all = [
      { resourceType: TOPIC, resourceName: "flights", configs: [{ name: "retention.ms", value: "9" }] },
    ];
    await client.ask(alterConfigs, 2, { resources: all, validateOnly: false });
    expect(await config()).toMatchObject({
      retentionMs: 9,
      segmentMs: 10_000,
      segmentBytes: 16 * 1024 * 1024,
    });
    const { results } = await client.ask(describeConfigs, 4, {
      resources: [
        { resourceType: TOPIC, resourceName: "flights", configurationKeys: ["retention.ms"] },
        { resourceType: BROKER, resourceName: "1", configurationKeys: null },
        { resourceType: TOPIC, resourceName: "nope", configurationKeys: null },
        { resourceType: BROKER, resourceName: "7", configurationKeys: null },
      ],
    });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 0, 3, 42]);
    expect(results[0]?.configs).toMatchObject([{ name: "retention.ms", value: "9", configSource: 1 }]);
    expect(results[1]?.configs.find(({ name }) => name === "num.partitions")).toMatchObject({ value: "1" });
  });
});

describe("Metadata", () => {
  test("gives all topics, or those that are asked for, by name or id", async () => {
    const { log, server } = await serve();
    await log.createTopic("flights", { partitions: 2 });
    const { id } = await log.topic("flights").describe();
    const client = await Client.to(server);
    for (const version of [1, 12])
      expect((await client.ask(metadata, version, { topics: null })).topics.map(({ name }) => name)).toEqual([
        "flights",
      ]);
    expect((await client.ask(metadata, 0, { topics: [] })).topics).toHaveLength(1);
    expect((await client.ask(metadata, 1, { topics: [] })).topics).toHaveLength(0);
    const { topics } = await client.ask(metadata, 12, {
      topics: [
        { name: "flights" },
        { name: null, topicId: id },
        { name: null, topicId: "11111111-2222-3333-4444-555555555555" },
        { name: "nope" },
        { name: "a/b" },
      ],
    });
    expect(topics.map(({ errorCode, name }) => [errorCode, name])).toEqual([
      [0, "flights"],
      [0, "flights"],
      [100, null],
      [3, "nope"],
      [17, "a/b"],
    ]);
    expect(topics[0]).toMatchObject({
      topicId: id,
      partitions: [{ partitionIndex: 0, leaderId: 1 }, { partitionIndex: 1 }],
    });
    const { clusterId, brokers } = await client.ask(describeCluster, 0, {});
    expect(clusterId).toHaveLength(22);
    expect(brokers).toMatchObject([{ brokerId: 1, port: server.port }]);
  });

  test("makes topics that are asked for where the server and the client want it so", async () => {
    const { log, server } = await serve({ autoCreateTopics: true, partitions: 3 });
    const client = await Client.to(server);
    const ask = async (name: string, allowAutoTopicCreation: boolean, by = client) =>
      (await by.ask(metadata, 8, { topics: [{ name }], allowAutoTopicCreation })).topics[0]?.errorCode;
    expect(await ask("no", false)).toBe(3);
    expect(await ask("__own", true)).toBe(3);
    expect(await Promise.all([ask("yes", true), ask("yes", true, await Client.to(server))])).toEqual([0, 0]);
    expect(await log.topics()).toMatchObject([{ name: "yes", partitions: 3 }]);
  });
});
