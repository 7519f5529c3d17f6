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
 * Where an epoch of a leader ended, by which readers see whether records that they have read are gone. None are where servers
 * take over from each other: readers see what is stored, and that stays. So whoever asks hears that all is there. Where one
 * server loses its disk, what was `wal` alone is gone, and this does not tell it: such a server has no epochs.
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
        const { end } = await reader.offsets();
        ends.push({ partition, errorCode: ERROR.NONE, leaderEpoch, endOffset: end });
      } catch (error) {
        ends.push({ partition, errorCode: toKafka(error).errorCode, endOffset: NO_OFFSET });
      }
    answered.push({ topic: name, partitions: ends });
  }
  return { topics: answered };
}
