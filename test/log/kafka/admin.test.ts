import { describe, expect, test } from "vitest";
import type { Log } from "../../../lib/lakehouse/log/index.js";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import { NO_ID } from "../../../lib/lakehouse/log/kafka/protocol/fields.js";
import {
  describeLogDirs,
  describeTopicPartitions,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/cluster.js";
import {
  describeConfigs,
  incrementalAlterConfigs,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/configs.js";
import {
  offsetCommit,
  offsetDelete,
  offsetFetch,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/group-offsets.js";
import { produce } from "../../../lib/lakehouse/log/kafka/protocol/messages/produce.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { Client, serve } from "../support/kafka-client.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";

const TOPIC = 2;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

describe("settings", () => {
  async function configs(client: Client, keys: readonly string[], isAsked = true) {
    const { results } = await client.ask(describeConfigs, 4, {
      resources: [{ resourceType: TOPIC, resourceName: "t", configurationKeys: keys }],
      includeSynonyms: isAsked,
      includeDocumentation: isAsked,
    });
    return results[0]?.configs ?? [];
  }

  test("are described with what they would be by default, and what they are for", async () => {
    const { log, server } = await serve();
    await log.createTopic("t", { retentionMs: 5 });
    const client = await Client.to(server);
    const [retention, policy] = await configs(client, ["retention.ms", "cleanup.policy"]);
    expect(retention).toMatchObject({ name: "cleanup.policy", configType: 7, configSource: 5 });
    expect(retention?.synonyms).toEqual([{ name: "cleanup.policy", value: "delete", source: 5 }]);
    expect(policy).toMatchObject({ name: "retention.ms", value: "5", configType: 5, configSource: 1 });
    expect(policy?.documentation).toMatch(/-1 for any age/);
    expect(policy?.synonyms).toEqual([
      { name: "retention.ms", value: "5", source: 1 },
      { name: "retention.ms", value: "-1", source: 5 },
    ]);
    expect(await configs(client, ["retention.ms"], false)).toMatchObject([
      { synonyms: [], documentation: null },
    ]);
    const all = await client.ask(describeConfigs, 4, {
      resources: [{ resourceType: TOPIC, resourceName: "t", configurationKeys: null }],
      includeDocumentation: true,
    });
    expect(all.results[0]?.configs.filter(({ documentation }) => !documentation)).toEqual([]);
  });

  const alter = async (
    client: Client,
    changes: readonly (readonly [name: string, configOperation: number, value: string | null])[],
    names = ["t"],
  ) => {
    const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
    const { responses } = await client.ask(incrementalAlterConfigs, 1, {
      resources: names.map((resourceName) => ({ resourceType: TOPIC, resourceName, configs })),
      validateOnly: false,
    });
    return responses.map(({ errorCode }) => errorCode);
  };
  const configOf = async (log: Log) => (await log.topic("t").describe()).config;

  test("that are lists are added to, and taken from", async () => {
    const { log, server } = await serve();
    await log.createTopic("t");
    const client = await Client.to(server);
    expect(await alter(client, [["cleanup.policy", APPEND ?? 0, "compact"]])).toEqual([ERROR.NONE]);
    expect(await configOf(log)).toMatchObject({ cleanupPolicy: "compact,delete" });
    expect(await alter(client, [["cleanup.policy", SUBTRACT ?? 0, "delete"]])).toEqual([ERROR.NONE]);
    expect(await configOf(log)).toMatchObject({ cleanupPolicy: "compact" });
    expect(await alter(client, [["cleanup.policy", SUBTRACT ?? 0, "compact"]])).toEqual([
      ERROR.INVALID_CONFIG,
    ]);
    expect(await alter(client, [["retention.ms", APPEND ?? 0, "5"]])).toEqual([ERROR.INVALID_CONFIG]);
    expect(await alter(client, [["cleanup.policy", DELETE ?? 0, null]])).toEqual([ERROR.NONE]);
    expect(await configOf(log)).toMatchObject({ cleanupPolicy: "delete" });
  });

  test("that others change meanwhile stay changed; a topic that is named twice is not changed", async () => {
    const { log, server } = await serve();
    await log.createTopic("t");
    const clients = await Promise.all([1, 2, 3].map(() => Client.to(server)));
    const changes = ["retention.ms", "segment.ms", "delete.retention.ms"];
    await Promise.all(clients.map((client, i) => alter(client, [[changes[i] ?? "", SET ?? 0, "7777"]])));
    expect(await configOf(log)).toMatchObject({
      retentionMs: 7777,
      segmentMs: 7777,
      deleteRetentionMs: 7777,
    });
    const [client] = clients;
    if (client === undefined) throw new Error("no client");
    expect(await alter(client, [["retention.ms", SET ?? 0, "5"]], ["t", "t"])).toEqual([
      ERROR.INVALID_REQUEST,
    ]);
    expect(await configOf(log)).toMatchObject({ retentionMs: 7777 });
  });
});

test("topics are described a part at a time, from where the part before has ended", async () => {
  const { log, server } = await serve();
  for (const [name, partitions] of [
    ["a", 3],
    ["b", 5],
    ["c", 1],
  ] as const)
    await log.createTopic(name, { partitions });
  const client = await Client.to(server);
  const described = async (topics: readonly string[], limit: number) => {
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    let parts = 0;
    do {
      const answer: Awaited<ReturnType<typeof once>> = await once(topics, limit, cursor);
      for (const { name, partitions } of answer.topics)
        for (const { partitionIndex } of partitions) seen.push(`${name}/${partitionIndex}`);
      cursor = answer.nextCursor;
      parts++;
    } while (cursor !== null);
    return { seen, parts };
  };
  const once = (
    topics: readonly string[],
    responsePartitionLimit: number,
    cursor: { topicName: string; partitionIndex: number } | null,
  ) =>
    client.ask(describeTopicPartitions, 0, {
      topics: topics.map((name) => ({ name })),
      responsePartitionLimit,
      cursor,
    });
  const all = ["a/0", "a/1", "a/2", "b/0", "b/1", "b/2", "b/3", "b/4", "c/0"];
  for (const limit of [1, 2, 3, 4, 9, 100])
    expect(await described([], limit)).toEqual({ seen: all, parts: Math.ceil(9 / limit) });
  expect(await described(["c", "a", "a"], 2)).toEqual({ seen: ["a/0", "a/1", "a/2", "c/0"], parts: 2 });
  const [missing] = (await once(["nope"], 5, null)).topics;
  expect(missing).toMatchObject({ errorCode: 3, name: "nope", topicId: NO_ID, partitions: [] });
});

test("where the objects are is told, and how much there is of each partition", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("t", { partitions: 2 });
  await topic.append({ value: "v" }, { partition: 1, ack: "stored" });
  const client = await Client.to(server);
  const sizes = async (topics: { topic: string; partitions: number[] }[] | null) => {
    const { results } = await client.ask(describeLogDirs, 4, { topics });
    expect(results).toMatchObject([{ errorCode: 0, logDir: log.core.location }]);
    return results[0]?.topics.map(({ name, partitions }) => [
      name,
      partitions.map(({ partitionIndex, partitionSize }) => [partitionIndex, partitionSize > 0n]),
    ]);
  };
  const both = [
    "t",
    [
      [0, false],
      [1, true],
    ],
  ];
  expect(await sizes(null)).toEqual([both]);
  expect(await sizes([{ topic: "t", partitions: [0, 1, 1, 7] }])).toEqual([both]);
  expect(await sizes([{ topic: "u", partitions: [0] }])).toEqual([]);
});

test("a group's offsets are deleted by partition", async () => {
  const { log, server } = await serve();
  await log.createTopic("t", { partitions: 2 });
  const client = await Client.to(server);
  const partitions = [0, 1].map((partitionIndex) => ({
    ...{ partitionIndex, committedOffset: 0n },
    committedMetadata: null,
  }));
  await client.ask(offsetCommit, 8, { groupId: "g", memberId: "", topics: [{ name: "t", partitions }] });
  const asked = [{ name: "t", partitions: [{ partitionIndex: 1 }] }];
  expect(await client.ask(offsetDelete, 0, { groupId: "g", topics: asked })).toMatchObject({
    errorCode: 0,
    topics: [{ name: "t", partitions: [{ partitionIndex: 1, errorCode: 0 }] }],
  });
  const { topics } = await client.ask(offsetFetch, 5, { groupId: "g", topics: null });
  expect(topics).toMatchObject([{ name: "t", partitions: [{ partitionIndex: 0 }] }]);
  expect((await client.ask(offsetDelete, 0, { groupId: "none", topics: asked })).errorCode).toBe(
    ERROR.GROUP_ID_NOT_FOUND,
  );
});

test("records that are not where they are to be in time are answered so, and are there all the same", async () => {
  const root = testFolder();
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  class SlowStore extends LocalStore {
    override async put(...[uri, ...rest]: Parameters<LocalStore["put"]>) {
      if (uri.endsWith(".segment")) await opened;
      return super.put(uri, ...rest);
    }
  }
  const store = new SlowStore(`${root}/warehouse`);
  const { log, server } = await serve({ acksAll: "stored" }, openLog(root, { store }));
  const topic = await log.createTopic("t", { storedLingerMs: 0 });
  const client = await Client.to(server);
  const batch = await batchOf([{ value: "v" }]);
  const ask = async (acks: number) => {
    const { responses } = await client.ask(produce, 9, {
      ...{ acks, timeoutMs: 50 },
      topicData: [{ name: "t", partitionData: [{ index: 0, records: [batch] }] }],
    });
    return responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode]);
  };
  expect(await ask(-1)).toEqual([[0, ERROR.REQUEST_TIMED_OUT]]);
  expect(await ask(1)).toEqual([[0, ERROR.NONE]]);
  open();
  await log.flush();
  expect(texts(await readAll(topic))).toEqual(["v", "v"]);
});
