import { recordTooLarge } from "../../../errors.js";
import type { FetchedOffset, OffsetOutcome, TopicPartition } from "../../../groups/group-offsets.js";
import type { CommittedOffset } from "../../../groups/group-records.js";
import type { Caller } from "../../../security/caller.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { offsetCommit, offsetDelete, offsetFetch } from "../../protocol/messages/group-offsets.js";
import type { txnOffsetCommit } from "../../protocol/messages/transactions.js";
import type { Context } from "../context.js";
import { toKafkaOfCoordinator } from "../error-map.js";
import { onceEach, partitionsOnce } from "../once-each.js";
import { memberOf } from "./groups.js";

const NO_OFFSET = -1n;
/** From which version of OffsetFetch on it asks for several groups, and in which an error is the group's as a whole. */
const GROUPS_SINCE = 8;
const GROUP_ERROR_SINCE = 2;

type CommitTopics = RequestOf<typeof txnOffsetCommit>["topics"];
type CommitResponse = ResponseTo<typeof offsetCommit>;
type FetchTopics = ResponseTo<typeof offsetFetch>["topics"];
type AskedTopics = RequestOf<typeof offsetFetch>["topics"];

export async function answerOffsetCommit(
  request: RequestOf<typeof offsetCommit>,
  { broker, caller }: Context,
): Promise<CommitResponse> {
  const { groupId, topics, generationIdOrMemberEpoch: generationId } = request;
  return committed(topics, caller, async (allowed) => {
    caller.check("read", "group", groupId);
    const groups = await broker.core.groups();
    return groups.commit(groupId, memberOf({ ...request, generationId }), offsetsOf(allowed));
  });
}

export async function answerTxnOffsetCommit(
  request: RequestOf<typeof txnOffsetCommit>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof txnOffsetCommit>> {
  const { groupId, transactionalId, producerId, producerEpoch: epoch, topics } = request;
  return committed(topics, caller, async (allowed) => {
    caller.check("write", "transactionalId", transactionalId);
    caller.check("read", "group", groupId);
    const groups = await broker.core.groups();
    const owner = { transactionalId, producerId, epoch };
    return groups.hold(groupId, owner, offsetsOf(allowed), memberOf(request), () =>
      broker.core.checkOffsets(owner, groupId),
    );
  });
}

function offsetsOf(topics: CommitTopics): CommittedOffset[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => ({
      topic: name,
      partition: partitionIndex,
      offset: committedOffset,
      leaderEpoch: committedLeaderEpoch,
      metadata: committedMetadata ?? "",
    })),
  );
}

async function committed(
  topics: CommitTopics,
  caller: Caller,
  commit: (allowed: CommitTopics) => Promise<readonly OffsetOutcome[]>,
): Promise<CommitResponse> {
  let codeOf: (at: TopicPartition) => number;
  const mayRead = new Map(topics.map(({ name }) => [name, caller.may("read", "topic", name)]));
  try {
    const outcomes = await commit(topics.filter(({ name }) => mayRead.get(name)));
    const codes = new Map(outcomes.map((one) => [keyOf(one), codeFor(one.error)]));
    codeOf = (at) =>
      mayRead.get(at.topic)
        ? (codes.get(keyOf(at)) ?? ERROR.UNKNOWN_SERVER_ERROR)
        : ERROR.TOPIC_AUTHORIZATION_FAILED;
  } catch (error) {
    // It is no batch of the client's that is too large: what makes batches smaller would not help.
    const isTooMuch = recordTooLarge.is(error);
    const errorCode = isTooMuch ? ERROR.INVALID_COMMIT_OFFSET_SIZE : toKafkaOfCoordinator(error).errorCode;
    codeOf = () => errorCode;
  }
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: codeOf({ topic: name, partition: partitionIndex }),
      })),
    })),
  };
}

export async function answerOffsetDelete(
  { groupId, topics }: RequestOf<typeof offsetDelete>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof offsetDelete>> {
  const asked = partitionsOnce(topics, ({ partitionIndex }) => partitionIndex);
  const isAllowed = (topic: string) => caller.may("read", "topic", topic);
  try {
    caller.check("delete", "group", groupId);
    const outcomes = await (await broker.core.groups()).deleteOffsets(
      groupId,
      asked
        .filter(({ name }) => isAllowed(name))
        .flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
        ),
    );
    const codes = new Map(outcomes.map((one) => [keyOf(one), codeFor(one.error)]));
    return {
      errorCode: ERROR.NONE,
      topics: asked.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode:
            codes.get(keyOf({ topic: name, partition: partitionIndex })) ?? ERROR.TOPIC_AUTHORIZATION_FAILED,
        })),
      })),
    };
  } catch (error) {
    return { errorCode: toKafkaOfCoordinator(error).errorCode, topics: [] };
  }
}

export async function answerOffsetFetch(
  { groupId, topics, groups, requireStable }: RequestOf<typeof offsetFetch>,
  context: Context,
): Promise<ResponseTo<typeof offsetFetch>> {
  const { version } = context.header;
  if (version >= GROUPS_SINCE)
    return {
      groups: await Promise.all(
        onceEach(groups, ({ groupId }) => groupId).map(async ({ groupId, topics }) => ({
          groupId,
          ...(await fetched(groupId, topics, requireStable, context)),
        })),
      ),
    };
  const { topics: found, errorCode } = await fetched(groupId, topics, requireStable, context);
  if (version >= GROUP_ERROR_SINCE || errorCode === ERROR.NONE) return { topics: found, errorCode };
  return { topics: (topics ?? []).map((asked) => refused(asked, errorCode)) };
}

async function fetched(
  group: string,
  topics: AskedTopics,
  requireStable: boolean,
  { broker, caller }: Context,
): Promise<{ readonly topics: NonNullable<FetchTopics>; readonly errorCode: number }> {
  try {
    caller.check("describe", "group", group);
    const isAllowed = (topic: string) => caller.may("describe", "topic", topic);
    const denied = topics?.filter(({ name }) => !isAllowed(name)) ?? [];
    const asked = topics
      ?.filter(({ name }) => isAllowed(name))
      .flatMap(({ name, partitionIndexes }) =>
        partitionIndexes.map((partition) => ({ topic: name, partition })),
      );
    const found = await (await broker.core.groups()).fetch(group, asked, { requireStable });
    return {
      topics: [
        ...byTopic(found.filter(({ topic }) => isAllowed(topic))),
        ...denied.map((one) => refused(one, ERROR.TOPIC_AUTHORIZATION_FAILED)),
      ],
      errorCode: ERROR.NONE,
    };
  } catch (error) {
    return { topics: [], errorCode: toKafkaOfCoordinator(error).errorCode };
  }
}

function byTopic(offsets: readonly FetchedOffset[]): NonNullable<FetchTopics> {
  const topics = new Map<string, FetchedOffset[]>();
  for (const one of offsets) topics.set(one.topic, [...(topics.get(one.topic) ?? []), one]);
  return [...topics].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch, metadata, error }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      metadata,
      errorCode: codeFor(error),
    })),
  }));
}

function refused({ name, partitionIndexes }: NonNullable<AskedTopics>[number], errorCode: number) {
  return {
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: NO_OFFSET,
      metadata: "",
      errorCode,
    })),
  };
}

function codeFor(error: unknown): number {
  return error === undefined ? ERROR.NONE : toKafkaOfCoordinator(error).errorCode;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
