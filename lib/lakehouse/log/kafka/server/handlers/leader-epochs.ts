import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { offsetForLeaderEpoch } from "../../protocol/messages/fetch.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";
import { checkLeader } from "../leading.js";
import { partitionsOnce } from "../once-each.js";

type TopicResponse = ResponseTo<typeof offsetForLeaderEpoch>["topics"][number];

const NO_OFFSET = -1n;

/**
 * Where an epoch of a leader ended: readers who have read further under it have read what is there no more (KIP-320). So it
 * is where a server alone has lost its disk, and with it what was not in the object store yet.
 */
export async function answerOffsetForLeaderEpoch(
  { topics }: RequestOf<typeof offsetForLeaderEpoch>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof offsetForLeaderEpoch>> {
  const asked = topics.map(({ topic, partitions }) => ({ name: topic, partitions }));
  const answered: TopicResponse[] = [];
  for (const { name, partitions } of partitionsOnce(asked, ({ partition }) => partition)) {
    const ends: TopicResponse["partitions"][number][] = [];
    for (const { partition, leaderEpoch, currentLeaderEpoch } of partitions)
      try {
        caller.check("describe", "topic", name);
        const { topic, reader } = await broker.core.partition(name, partition);
        checkLeader(broker, topic, partition, currentLeaderEpoch);
        // What a writer before this one has put may not be known yet.
        await broker.core.startWritingTo(topic, partition);
        const { epoch, endOffset } = await reader.endOfEpoch(leaderEpoch);
        ends.push({ partition, errorCode: ERROR.NONE, leaderEpoch: epoch, endOffset });
      } catch (error) {
        ends.push({ partition, errorCode: toKafka(error).errorCode, endOffset: NO_OFFSET });
      }
    answered.push({ topic: name, partitions: ends });
  }
  return { topics: answered };
}
