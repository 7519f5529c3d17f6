import { invalidArgument } from "../../../../errors.js";
import { invalidPartitions } from "../../../errors.js";
import { CLUSTER } from "../../../security/acl.js";
import { checkMorePartitions } from "../../../topics.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import { NO_ID } from "../../protocol/fields.js";
import type {
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
} from "../../protocol/messages/topics.js";
import type { Broker, Context } from "../context.js";
import { toKafka } from "../error-map.js";
import { brokersOf } from "../leading.js";
import { configOf } from "../topic-settings.js";
import { describedConfigs } from "./configs.js";

type NewTopic = RequestOf<typeof createTopics>["topics"][number];
type CreateResponse = ResponseTo<typeof createTopics>["topics"][number];
type MorePartitions = RequestOf<typeof createPartitions>["topics"][number];
type Deleted = ResponseTo<typeof deleteTopics>["responses"][number];

/** What clients may leave to the broker. */
const DEFAULT = -1;
const NO_OFFSET = -1n;
/** An offset that stands for all that there is. */
const TO_THE_END = -1n;

export async function answerCreateTopics(
  { topics, validateOnly }: RequestOf<typeof createTopics>,
  context: Context,
): Promise<ResponseTo<typeof createTopics>> {
  const twice = repeated(topics.map(({ name }) => name));
  const answered: CreateResponse[] = [];
  for (const topic of topics) {
    const { name } = topic;
    const made = twice.has(name) ? Promise.reject(isTwice(name)) : create(topic, validateOnly, context);
    answered.push(
      await made.catch((error: unknown) => ({ name, topicId: NO_ID, configs: null, ...toKafka(error) })),
    );
  }
  return { topics: answered };
}

/** How often records are kept is the object store's to say: so any number of replicas is taken, and one is told. */
async function create(
  topic: NewTopic,
  validateOnly: boolean,
  { broker, caller }: Context,
): Promise<CreateResponse> {
  const { name } = topic;
  if (!caller.may("create", "cluster", CLUSTER)) caller.check("create", "topic", name);
  const options = { ...configOf(topic.configs), partitions: partitionsOf(topic, broker) };
  const { core } = broker;
  const made = validateOnly ? await core.planTopic(name, options) : await core.createTopic(name, options);
  return {
    name,
    topicId: validateOnly ? NO_ID : made.id,
    errorCode: ERROR.NONE,
    errorMessage: null,
    numPartitions: made.partitions,
    replicationFactor: 1,
    configs: describedConfigs(made.config),
  };
}

function partitionsOf(
  { name, numPartitions, replicationFactor, assignments }: NewTopic,
  broker: Broker,
): number {
  if (assignments.length === 0) {
    if (replicationFactor < 1 && replicationFactor !== DEFAULT)
      throw invalidArgument(name, `A topic cannot have ${replicationFactor} replicas.`, "Give 1 or more.");
    return numPartitions === DEFAULT ? broker.settings.partitions : numPartitions;
  }
  const numbers = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
  const isComplete = numbers.every((number, i) => number === i);
  // Who leads which is not the client's to say: it is the number that counts.
  const ids = new Set(brokersOf(broker).map(({ nodeId }) => nodeId));
  const isHere = assignments.every(
    ({ brokerIds }) => brokerIds.length > 0 && brokerIds.every((id) => ids.has(id)),
  );
  if (isComplete && isHere) return numbers.length;
  throw invalidPartitions(
    name,
    `The partitions of ${name} are not given to brokers that there are, one after the other from 0 on.`,
    "Give a number of partitions instead.",
  );
}

export async function answerDeleteTopics(
  { topics, topicNames }: RequestOf<typeof deleteTopics>,
  { broker: { core }, caller }: Context,
): Promise<ResponseTo<typeof deleteTopics>> {
  const asked = [...topics, ...topicNames.map((name) => ({ name, topicId: NO_ID }))];
  const responses: Deleted[] = [];
  for (const { name, topicId } of asked) {
    const known = name === null ? await core.topicOf(topicId) : undefined;
    try {
      if (name === null && known === undefined) {
        responses.push({ name, topicId, errorCode: ERROR.UNKNOWN_TOPIC_ID });
        continue;
      }
      const found = name ?? (known?.name as string);
      // The id alone does not entitle to the name.
      if (name === null && !caller.may("describe", "topic", found)) {
        responses.push({ name, topicId, errorCode: ERROR.TOPIC_AUTHORIZATION_FAILED });
        continue;
      }
      caller.check("delete", "topic", found);
      await core.deleteTopic(found);
      responses.push({ name: found, topicId, errorCode: ERROR.NONE });
    } catch (error) {
      responses.push({ name, topicId, ...toKafka(error) });
    }
  }
  return { responses };
}

export async function answerDeleteRecords(
  { topics }: RequestOf<typeof deleteRecords>,
  { broker: { core }, caller }: Context,
): Promise<ResponseTo<typeof deleteRecords>> {
  const answered = topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map(async ({ partitionIndex, offset }) => {
        try {
          caller.check("delete", "topic", name);
          const { reader, deleteRecords } = await core.partition(name, partitionIndex);
          const before = offset === TO_THE_END ? (await reader.offsets()).end : offset;
          const lowWatermark = await deleteRecords(before);
          return { partitionIndex, lowWatermark, errorCode: ERROR.NONE };
        } catch (error) {
          return { partitionIndex, lowWatermark: NO_OFFSET, errorCode: toKafka(error).errorCode };
        }
      }),
    ),
  }));
  return { topics: await Promise.all(answered) };
}

export async function answerCreatePartitions(
  { topics, validateOnly }: RequestOf<typeof createPartitions>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof createPartitions>> {
  const twice = repeated(topics.map(({ name }) => name));
  const results: ResponseTo<typeof createPartitions>["results"][number][] = [];
  for (const topic of topics) {
    const { name } = topic;
    try {
      if (twice.has(name)) throw isTwice(name);
      caller.check("alter", "topic", name);
      await addPartitions(topic, validateOnly, broker);
      results.push({ name, errorCode: ERROR.NONE });
    } catch (error) {
      results.push({ name, ...toKafka(error) });
    }
  }
  return { results };
}

async function addPartitions(
  { name, count }: MorePartitions,
  validateOnly: boolean,
  { core }: Broker,
): Promise<void> {
  checkMorePartitions(await core.topic(name), count);
  if (!validateOnly) await core.addPartitions(name, count);
}

function repeated(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name, i) => names.indexOf(name) !== i));
}

function isTwice(name: string) {
  return invalidArgument(name, `The request has ${name} twice.`, "Name it once.");
}
