import type { TopicRecord } from "../../../meta/log-meta.js";
import { CLUSTER } from "../../../security/acl.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { describeLogDirs } from "../../protocol/messages/cluster.js";
import type { Context } from "../context.js";
import { partitionsOnce } from "../once-each.js";

type Asked = RequestOf<typeof describeLogDirs>["topics"];
type Result = ResponseTo<typeof describeLogDirs>["results"][number];

/** One directory, which is where the objects are: how much room is left there, nobody knows. */
export async function answerDescribeLogDirs(
  { topics: asked }: RequestOf<typeof describeLogDirs>,
  { broker: { core }, caller }: Context,
): Promise<ResponseTo<typeof describeLogDirs>> {
  // As Kafka does: in the oldest versions, who may not is told of nothing.
  if (!caller.may("describe", "cluster", CLUSTER))
    return { errorCode: ERROR.CLUSTER_AUTHORIZATION_FAILED, results: [] };
  const wanted = wantedOf(asked);
  const topics: Result["topics"][number][] = [];
  for (const topic of await core.topics({ internal: true })) {
    const isWanted = wanted(topic);
    const sizes = new Map((await core.sizes(topic)).map(({ partition, bytes }) => [partition, bytes]));
    const numbers = Array.from({ length: topic.partitions }, (_, number) => number).filter(isWanted);
    const partitions = numbers.map((partitionIndex) => ({
      partitionIndex,
      partitionSize: BigInt(sizes.get(partitionIndex) ?? 0),
      offsetLag: 0n,
      isFutureKey: false,
    }));
    if (partitions.length > 0) topics.push({ name: topic.name, partitions });
  }
  return { results: [{ errorCode: ERROR.NONE, logDir: core.location, topics }] };
}

/** @param asked `null` for all. */
function wantedOf(asked: Asked): (topic: TopicRecord) => (number: number) => boolean {
  if (asked === null) return () => () => true;
  const named = asked.map(({ topic, partitions }) => ({ name: topic, partitions }));
  const byName = new Map(
    partitionsOnce(named, (number) => number).map(({ name, partitions }) => [name, new Set(partitions)]),
  );
  return ({ name }) =>
    (number) =>
      byName.get(name)?.has(number) ?? false;
}
