import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { offsetForLeaderEpoch } from "../../protocol/messages/fetch.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";

const NO_OFFSET = -1n;

/**
 * Where an epoch of a leader ended, by which readers see whether records that they have read are gone. What was acknowledged
 * as stored never goes, and epochs are not told to clients: one that asks all the same hears that all of it is there.
 */
export async function answerOffsetForLeaderEpoch(
  { topics }: RequestOf<typeof offsetForLeaderEpoch>,
  { broker: { core }, caller }: Context,
): Promise<ResponseTo<typeof offsetForLeaderEpoch>> {
  const answered = topics.map(async ({ topic, partitions }) => ({
    topic,
    partitions: await Promise.all(
      partitions.map(async ({ partition, leaderEpoch }) => {
        try {
          caller.check("describe", "topic", topic);
          const { end } = await (await core.partition(topic, partition)).reader.offsets();
          return { partition, errorCode: ERROR.NONE, leaderEpoch, endOffset: end };
        } catch (error) {
          return { partition, errorCode: toKafka(error).errorCode, endOffset: NO_OFFSET };
        }
      }),
    ),
  }));
  return { topics: await Promise.all(answered) };
}
