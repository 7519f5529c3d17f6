/** What Kafka's requests are answered with that their user may not make. */
import { describe, expect, test } from "vitest";
import type { Log, NewAcl } from "../../../lib/lakehouse/log/index.js";
import { APIS } from "../../../lib/lakehouse/log/kafka/protocol/apis.js";
import { type Client, serve } from "../support/kafka-client.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";
import { loggedIn, PASSWORD } from "../support/sasl-client.js";

const [TOPIC, GROUP, CLUSTER, TXN] = [29, 30, 31, 53];

async function as(acls: readonly NewAcl[]): Promise<{ client: Client; log: Log }> {
  const log = openLog(testFolder());
  for (const topic of ["mine", "theirs"]) await log.createTopic(topic);
  await log.topic("theirs").append({ value: "secret" });
  await log.security.setUser("alice", { password: PASSWORD });
  await log.security.addAcls(acls);
  const { server } = await serve({ autoCreateTopics: true }, log);
  return { client: await loggedIn(server, "alice"), log };
}

const batch = async () => [await batchOf([{ value: "x" }])];
const produceTo = async (client: Client, name: string) => {
  const topicData = [{ name, partitionData: [{ index: 0, records: await batch() }] }];
  const { responses } = await client.ask(APIS.produce, 7, { acks: 1, timeoutMs: 1_000, topicData });
  return responses[0]?.partitionResponses[0]?.errorCode;
};
const fetchOf = async (client: Client, topic: string) => {
  const topics = [{ topic, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 }] }];
  const { responses } = await client.ask(APIS.fetch, 11, {
    ...{ maxWaitMs: 0, minBytes: 1, topics, forgottenTopicsData: [] },
  });
  const found = responses[0]?.partitions[0];
  return [found?.errorCode, found?.records?.length ?? 0];
};

test("a user of whom the list says nothing may do nothing, and is told nothing", async () => {
  const { client, log } = await as([]);
  const asked = new Set<number>();
  const ask = client.ask.bind(client);
  client.ask = (api, version, request) => {
    asked.add(api.key);
    return ask(api, version, request);
  };
  const denied = (errorCode: number) => expect.objectContaining({ errorCode });
  expect((await client.ask(APIS.metadata, 9, { topics: null })).topics).toEqual([]);
  const named = await client.ask(APIS.metadata, 9, {
    topics: [{ name: "theirs" }, { name: "nothing" }],
    includeTopicAuthorizedOperations: true,
  });
  // Whether there is such a topic does not show, and none is made.
  expect(named.topics.map(({ errorCode, partitions }) => [errorCode, partitions])).toEqual([
    [TOPIC, []],
    [TOPIC, []],
  ]);
  expect(named.topics[0]?.topicAuthorizedOperations).toBe(0);
  const { id } = await log.topic("theirs").describe();
  const byId = await client.ask(APIS.metadata, 12, { topics: [{ name: null, topicId: id }] });
  expect(byId.topics[0]).toMatchObject({ errorCode: TOPIC, name: null, partitions: [] });
  expect(await produceTo(client, "theirs")).toBe(TOPIC);
  expect(await produceTo(client, "nothing")).toBe(TOPIC);
  expect(await fetchOf(client, "theirs")).toEqual([TOPIC, 0]);
  const topics = [{ name: "theirs", partitions: [{ partitionIndex: 0, timestamp: -1n }] }];
  expect((await client.ask(APIS.listOffsets, 5, { replicaId: -1, topics })).topics[0]?.partitions).toEqual([
    denied(TOPIC),
  ]);
  const epochs = [{ topic: "theirs", partitions: [{ partition: 0, leaderEpoch: 0 }] }];
  expect((await client.ask(APIS.offsetForLeaderEpoch, 3, { topics: epochs })).topics[0]?.partitions).toEqual([
    denied(TOPIC),
  ]);
  const made = { name: "new", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  expect(
    (await client.ask(APIS.createTopics, 4, { topics: [made], timeoutMs: 1_000, validateOnly: false }))
      .topics,
  ).toEqual([denied(TOPIC)]);
  expect(
    (await client.ask(APIS.deleteTopics, 4, { topics: [], topicNames: ["theirs"], timeoutMs: 1_000 }))
      .responses,
  ).toEqual([denied(TOPIC)]);
  const gone = await client.ask(APIS.deleteTopics, 6, {
    topics: [{ name: null, topicId: id }],
    topicNames: [],
    timeoutMs: 1_000,
  });
  expect(gone.responses).toEqual([
    expect.objectContaining({ errorCode: TOPIC, name: null, errorMessage: null }),
  ]);
  const records = [{ name: "theirs", partitions: [{ partitionIndex: 0, offset: 1n }] }];
  const deleted = await client.ask(APIS.deleteRecords, 1, { topics: records, timeoutMs: 1_000 });
  expect(deleted.topics[0]?.partitions).toEqual([denied(TOPIC)]);
  const more = [{ name: "theirs", count: 3, assignments: null }];
  expect(
    (await client.ask(APIS.createPartitions, 1, { topics: more, timeoutMs: 1_000, validateOnly: false }))
      .results,
  ).toEqual([denied(TOPIC)]);
  const resources = [
    { resourceType: 2, resourceName: "theirs", configurationKeys: null },
    { resourceType: 4, resourceName: "1", configurationKeys: null },
  ];
  expect((await client.ask(APIS.describeConfigs, 1, { resources })).results).toEqual([
    denied(TOPIC),
    denied(CLUSTER),
  ]);
  const changes = [{ resourceType: 2, resourceName: "theirs", configs: [] }];
  const altered = await client.ask(APIS.incrementalAlterConfigs, 0, {
    resources: changes,
    validateOnly: false,
  });
  expect(altered.responses).toEqual([denied(TOPIC)]);
  // Groups.
  const member = { groupId: "g", memberId: "m", generationId: 1 };
  const group = [
    await client.ask(APIS.findCoordinator, 2, { key: "g", keyType: 0 }),
    await client.ask(APIS.joinGroup, 5, {
      ...{ groupId: "g", memberId: "", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
      ...{ protocolType: "consumer", protocols: [] },
    }),
    await client.ask(APIS.syncGroup, 3, { ...member, assignments: [] }),
    await client.ask(APIS.heartbeat, 3, member),
    await client.ask(APIS.leaveGroup, 2, member),
    await client.ask(APIS.offsetFetch, 5, { groupId: "g", topics: null }),
    (await client.ask(APIS.findCoordinator, 4, { coordinatorKeys: ["g"], keyType: 0 })).coordinators[0],
    (await client.ask(APIS.describeGroups, 4, { groups: ["g"] })).groups[0],
    (await client.ask(APIS.deleteGroups, 1, { groupsNames: ["g"] })).results[0],
  ];
  expect(group.map((answer) => answer?.errorCode)).toEqual(group.map(() => GROUP));
  expect(await client.ask(APIS.listGroups, 4, {})).toMatchObject({ errorCode: 0, groups: [] });
  // Transactions.
  const owner = { transactionalId: "t", producerId: 1n, producerEpoch: 0 };
  const partitions = [{ name: "theirs", partitions: [0] }];
  const transactions = [
    await client.ask(APIS.initProducerId, 3, { transactionalId: "t", transactionTimeoutMs: 1_000 }),
    (await client.ask(APIS.addPartitionsToTxn, 2, { ...owner, topics: partitions })).results[0]
      ?.partitions[0],
    await client.ask(APIS.addOffsetsToTxn, 2, { ...owner, groupId: "g" }),
    await client.ask(APIS.endTxn, 2, { ...owner, committed: true }),
    await client.ask(APIS.findCoordinator, 2, { key: "t", keyType: 1 }),
  ];
  expect(transactions.map((answer) => answer?.errorCode)).toEqual(transactions.map(() => TXN));
  expect(
    await client.ask(APIS.initProducerId, 3, { transactionalId: null, transactionTimeoutMs: 1_000 }),
  ).toEqual(denied(CLUSTER));
  expect(await client.ask(APIS.describeAcls, 3, anyAcl)).toMatchObject({ errorCode: CLUSTER, resources: [] });
  expect((await client.ask(APIS.createAcls, 3, { creations: [forMyself] })).results).toEqual([
    denied(CLUSTER),
  ]);
  expect((await client.ask(APIS.deleteAcls, 3, { filters: [anyAcl] })).filterResults).toEqual([
    denied(CLUSTER),
  ]);
  expect(await client.ask(APIS.describeUserScramCredentials, 0, { users: null })).toEqual(denied(CLUSTER));
  const upsertions = [
    { name: "alice", mechanism: 1, iterations: 4096, salt: Buffer.of(1), saltedPassword: Buffer.of(1) },
  ];
  expect(
    (await client.ask(APIS.alterUserScramCredentials, 0, { deletions: [], upsertions })).results,
  ).toEqual([denied(CLUSTER)]);
  const components = [{ entityType: "user", matchType: 2, match: null }];
  expect(await client.ask(APIS.describeClientQuotas, 1, { components, strict: false })).toEqual({
    ...{ throttleTimeMs: 0, errorCode: CLUSTER, errorMessage: expect.any(String), entries: null },
  });
  const entity = [{ entityType: "user", entityName: "alice" }];
  const ops = [{ key: "producer_byte_rate", value: 0, remove: true }];
  expect(
    (await client.ask(APIS.alterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false }))
      .entries,
  ).toEqual([denied(CLUSTER)]);
  expect(await client.ask(APIS.describeLogDirs, 4, { topics: null })).toEqual(denied(CLUSTER));
  const settings = [{ resourceType: 2, resourceName: "theirs", configs: [] }];
  expect(
    (await client.ask(APIS.alterConfigs, 1, { resources: settings, validateOnly: false })).responses,
  ).toEqual([denied(TOPIC)]);
  const pages = { topics: [{ name: "theirs" }], responsePartitionLimit: 10, cursor: null };
  expect((await client.ask(APIS.describeTopicPartitions, 0, pages)).topics).toEqual([denied(TOPIC)]);
  const offset = { partitionIndex: 0, committedOffset: 1n, committedMetadata: "" };
  const offsets = [{ name: "theirs", partitions: [offset] }];
  const nobody = { groupId: "g", generationIdOrMemberEpoch: -1, memberId: "" };
  const commits = [
    await client.ask(APIS.offsetCommit, 7, { ...nobody, topics: offsets }),
    await client.ask(APIS.txnOffsetCommit, 2, { ...owner, groupId: "g", topics: offsets }),
  ];
  expect(commits.map(({ topics }) => topics[0]?.partitions[0]?.errorCode)).toEqual([GROUP, TXN]);
  const forgotten = { groupId: "g", topics: [{ name: "theirs", partitions: [{ partitionIndex: 0 }] }] };
  expect(await client.ask(APIS.offsetDelete, 0, forgotten)).toEqual(denied(GROUP));
  const indexes = [{ name: "theirs", partitionIndexes: [0] }];
  const producers = await client.ask(APIS.describeProducers, 0, { topics: indexes });
  expect(producers.topics[0]?.partitions).toEqual([denied(TOPIC)]);
  const states = await client.ask(APIS.describeTransactions, 0, { transactionalIds: ["t"] });
  expect(states.transactionStates).toEqual([denied(TXN)]);
  const listed = await client.ask(APIS.listTransactions, 0, { stateFilters: [], producerIdFilters: [] });
  expect(listed.transactionStates).toEqual([]);
  const marker = {
    producerId: 1n,
    producerEpoch: 0,
    transactionResult: false,
    coordinatorEpoch: 0,
    topics: indexes,
  };
  const marked = await client.ask(APIS.writeTxnMarkers, 1, { markers: [marker] });
  expect(marked.markers[0]?.topics[0]?.partitions).toEqual([denied(CLUSTER)]);
  const cluster = await client.ask(APIS.describeCluster, 0, { includeClusterAuthorizedOperations: true });
  expect(cluster.clusterAuthorizedOperations).toBe(0);
  expect((await log.topics()).map(({ name }) => name)).toEqual(["mine", "theirs"]);
  // Of those that are answered, none was left out but how one logs in.
  const { apiKeys } = await ask(APIS.apiVersions, 3, {
    clientSoftwareName: "test",
    clientSoftwareVersion: "1",
  });
  const login: readonly number[] = [APIS.apiVersions.key, APIS.saslHandshake.key, APIS.saslAuthenticate.key];
  expect(
    apiKeys.map(({ apiKey }) => apiKey).filter((key) => !asked.has(key) && !login.includes(key)),
  ).toEqual([]);
});

const anyAcl = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};
const forMyself = {
  ...{ resourceType: 4, resourceName: "kafka-cluster", resourcePatternType: 3 },
  ...{ principal: "User:alice", host: "*", operation: 2, permissionType: 3 },
};

describe("a user who may something", () => {
  test("may that, and nothing beside it", async () => {
    const { client } = await as([
      { user: "alice", operation: "read", resource: "topic", name: "mi", pattern: "prefixed" },
      { user: "alice", operation: "write", resource: "topic", name: "mine" },
      { user: "alice", operation: "read", resource: "group", name: "g" },
      { user: "alice", operation: "write", resource: "transactionalId", name: "t" },
    ]);
    expect((await client.ask(APIS.metadata, 9, { topics: null })).topics.map(({ name }) => name)).toEqual([
      "mine",
    ]);
    expect(await produceTo(client, "mine")).toBe(0);
    expect(await produceTo(client, "theirs")).toBe(TOPIC);
    const [errorCode, bytes] = await fetchOf(client, "mine");
    expect([errorCode, bytes]).toEqual([0, expect.any(Number)]);
    expect(bytes).toBeGreaterThan(0);
    expect(await fetchOf(client, "theirs")).toEqual([TOPIC, 0]);
    // He may read what begins so, and not make it.
    const { topics } = await client.ask(APIS.metadata, 9, { topics: [{ name: "mist" }] });
    expect(topics[0]?.errorCode).toBe(TOPIC);
    const committed = await client.ask(APIS.offsetCommit, 7, {
      ...{ groupId: "g", generationIdOrMemberEpoch: -1, memberId: "" },
      topics: ["mine", "theirs"].map((name) => ({
        name,
        partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: "" }],
      })),
    });
    expect(committed.topics.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([0, TOPIC]);
    const asked = ["mine", "theirs"].map((name) => ({ name, partitionIndexes: [0] }));
    const offsets = await client.ask(APIS.offsetFetch, 5, { groupId: "g", topics: asked });
    expect(
      offsets.topics.map(({ name, partitions }) => [
        name,
        partitions[0]?.errorCode,
        partitions[0]?.committedOffset,
      ]),
    ).toEqual([
      ["mine", 0, 1n],
      ["theirs", TOPIC, -1n],
    ]);
    const init = { transactionalId: "t", transactionTimeoutMs: 10_000 };
    const { producerId, producerEpoch } = await client.ask(APIS.initProducerId, 3, init);
    const owner = { transactionalId: "t", producerId, producerEpoch };
    const added = await client.ask(APIS.addPartitionsToTxn, 2, {
      ...owner,
      topics: ["mine", "theirs"].map((name) => ({ name, partitions: [0] })),
    });
    expect(added.results.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([55, TOPIC]);
    const held = await client.ask(APIS.txnOffsetCommit, 2, {
      ...owner,
      groupId: "another",
      topics: [
        { name: "mine", partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: "" }] },
      ],
    });
    expect(held.topics[0]?.partitions[0]?.errorCode).toBe(GROUP);
  });

  test("may no more from the moment on that it is denied, be a fetch under way", async () => {
    const { client, log } = await as([{ user: "alice", operation: "read", resource: "topic", name: "mine" }]);
    const topics = [
      { topic: "mine", partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 }] },
    ];
    const waiting = client.ask(APIS.fetch, 11, {
      maxWaitMs: 60_000,
      minBytes: 1,
      topics,
      forgottenTopicsData: [],
    });
    await log.security.addAcls([
      { user: "*", permission: "deny", operation: "read", resource: "topic", name: "m", pattern: "prefixed" },
    ]);
    await (await log.core.security()).refresh();
    await log.topic("mine").append({ value: "late" });
    const { responses } = await waiting;
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: TOPIC, records: Buffer.alloc(0) });
  });
});
