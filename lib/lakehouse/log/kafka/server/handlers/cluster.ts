import { isInternal } from "../../../internal-topics.js";
import type { TopicRecord } from "../../../meta/log-meta.js";
import { CLUSTER } from "../../../security/acl.js";
import { authorizedOperations, NOT_ASKED } from "../../../security/caller.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import { NO_ID } from "../../protocol/fields.js";
import type { describeCluster, describeTopicPartitions, metadata } from "../../protocol/messages/cluster.js";
import type { Broker, Context } from "../context.js";
import { toKafka } from "../error-map.js";
import { brokersOf, leaderOf } from "../leading.js";
import { onceEach } from "../once-each.js";

const NOBODY = -1;

type MetadataResponse = ResponseTo<typeof metadata>;
type TopicResponse = MetadataResponse["topics"][number];
type DescribedTopic = ResponseTo<typeof describeTopicPartitions>["topics"][number];
type Asked = NonNullable<RequestOf<typeof metadata>["topics"]>[number];

/** That are described in one answer, as Kafka's `max.request.partition.size.limit`. */
const MOST_PARTITIONS = 2_000;

export async function answerMetadata(
  { topics, allowAutoTopicCreation, ...asked }: RequestOf<typeof metadata>,
  context: Context,
): Promise<MetadataResponse> {
  const { broker, header, caller } = context;
  // In the oldest version no names stand for all, in later ones null does.
  const areAll = topics === null || (header.version === 0 && topics.length === 0);
  const found = areAll
    ? (await broker.core.topics())
        .filter(({ name }) => caller.may("describe", "topic", name))
        .map((topic) => described(topic, broker))
    : await Promise.all(
        onceEach(topics, ({ name, topicId }) => name ?? topicId).map((asked) =>
          describe(asked, allowAutoTopicCreation, context),
        ),
      );
  const mayOf = ({ name }: TopicResponse) =>
    name === null ? NOT_ASKED : authorizedOperations(caller, "topic", name);
  return {
    brokers: brokersOf(broker),
    clusterId: broker.clusterId,
    controllerId: controllerOf(broker),
    topics: asked.includeTopicAuthorizedOperations
      ? found.map((topic) => ({ ...topic, topicAuthorizedOperations: mayOf(topic) }))
      : found,
    clusterAuthorizedOperations: asked.includeClusterAuthorizedOperations
      ? authorizedOperations(caller, "cluster")
      : NOT_ASKED,
  };
}

export async function answerDescribeCluster(
  { includeClusterAuthorizedOperations }: RequestOf<typeof describeCluster>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeCluster>> {
  const brokers = brokersOf(broker).map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port }));
  return {
    errorCode: ERROR.NONE,
    clusterId: broker.clusterId,
    controllerId: controllerOf(broker),
    brokers,
    clusterAuthorizedOperations: includeClusterAuthorizedOperations
      ? authorizedOperations(caller, "cluster")
      : NOT_ASKED,
  };
}

/** Each does what a controller does: all are told of the same one. */
function controllerOf(broker: Broker): number {
  return brokersOf(broker)[0]?.nodeId ?? broker.cluster.self;
}

async function describe(asked: Asked, mayMake: boolean, { broker, caller }: Context): Promise<TopicResponse> {
  const { core, settings } = broker;
  const { name, topicId } = asked;
  try {
    if (name === null) {
      const topic = await core.topicOf(topicId);
      if (topic === undefined) return missing(name, topicId, ERROR.UNKNOWN_TOPIC_ID);
      caller.check("describe", "topic", topic.name);
      return described(topic, broker);
    }
    caller.check("describe", "topic", name);
    if (mayMake && settings.autoCreateTopics && !isInternal(name)) {
      const mayCreate = caller.may("create", "cluster", CLUSTER) || caller.may("create", "topic", name);
      if (mayCreate) await core.createTopic(name, { partitions: settings.partitions, ifExists: "keep" });
      else await core.topic(name).catch(() => caller.check("create", "topic", name));
    }
    return described(await core.topic(name), broker);
  } catch (error) {
    return missing(name, topicId, toKafka(error).errorCode);
  }
}

/** In the order of their names, and not more at once than is asked for: who asks goes on at the cursor (KIP-966). */
export async function answerDescribeTopicPartitions(
  { topics: asked, responsePartitionLimit, cursor }: RequestOf<typeof describeTopicPartitions>,
  context: Context,
): Promise<ResponseTo<typeof describeTopicPartitions>> {
  const { broker, caller } = context;
  const all =
    asked.length > 0
      ? asked.map(({ name }) => name)
      : (await broker.core.topics())
          .map(({ name }) => name)
          .filter((name) => caller.may("describe", "topic", name));
  const from = cursor?.topicName ?? "";
  const names = [...new Set(all)].sort().filter((name) => name >= from);
  let left = Math.min(Math.max(responsePartitionLimit, 1), MOST_PARTITIONS);
  const topics: DescribedTopic[] = [];
  for (const name of names) {
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
    const found = await describe({ name, topicId: NO_ID }, false, context);
    const { errorCode, topicId = NO_ID, isInternal = false, partitions } = found;
    const first = name === from ? Math.max(cursor?.partitionIndex ?? 0, 0) : 0;
    const some = partitions.slice(first, first + left);
    left -= some.length;
    const topicAuthorizedOperations =
      errorCode === ERROR.NONE ? authorizedOperations(caller, "topic", name) : NOT_ASKED;
    topics.push({
      ...{ errorCode, name, topicId, isInternal, topicAuthorizedOperations },
      partitions: some.map((one) => ({
        ...one,
        offlineReplicas: one.offlineReplicas ?? [],
        // The protocol has null for those that nobody knows, and Java's clients do not.
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
      })),
    });
    if (first + some.length < partitions.length)
      return { topics, nextCursor: { topicName: name, partitionIndex: first + some.length } };
  }
  return { topics, nextCursor: null };
}

function missing(name: string | null, topicId: string, errorCode: number): TopicResponse {
  return { errorCode, name, topicId: name === null ? topicId : NO_ID, partitions: [] };
}

function described({ id, name, partitions }: TopicRecord, broker: Broker): TopicResponse {
  return {
    errorCode: ERROR.NONE,
    name,
    topicId: id,
    isInternal: isInternal(name),
    partitions: Array.from({ length: partitions }, (_, partitionIndex) => {
      const leader = leaderOf(broker, id, partitionIndex);
      const nodes = leader === undefined ? [] : [leader.nodeId];
      return {
        errorCode: leader === undefined ? ERROR.LEADER_NOT_AVAILABLE : ERROR.NONE,
        partitionIndex,
        leaderId: leader?.nodeId ?? NOBODY,
        leaderEpoch: leader?.leaderEpoch,
        replicaNodes: nodes,
        isrNodes: nodes,
        offlineReplicas: [],
      };
    }),
  };
}
