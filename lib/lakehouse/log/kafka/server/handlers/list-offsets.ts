import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { listOffsets } from "../../protocol/messages/fetch.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";

type TopicResponse = ResponseTo<typeof listOffsets>["topics"][number];
type PartitionResponse = TopicResponse["partitions"][number];
type Found = Pick<PartitionResponse, "offset" | "timestamp">;

const LATEST = -1n;
const EARLIEST = -2n;
/** An isolation level, by Kafka's number. */
const READ_COMMITTED = 1;

export async function answerListOffsets(
  { topics, isolationLevel }: RequestOf<typeof listOffsets>,
  context: Context,
): Promise<ResponseTo<typeof listOffsets>> {
  const answered: TopicResponse[] = [];
  for (const { name, partitions } of topics) {
    const found = partitions.map(async ({ partitionIndex, timestamp }) => {
      try {
        const one = await find(name, partitionIndex, timestamp, isolationLevel === READ_COMMITTED, context);
        return { partitionIndex, errorCode: ERROR.NONE, ...one };
      } catch (error) {
        return { partitionIndex, errorCode: toKafka(error).errorCode };
      }
    });
    answered.push({ name, partitions: await Promise.all(found) });
  }
  return { topics: answered };
}

/** @param timestamp in milliseconds since the epoch, or where. */
async function find(
  name: string,
  index: number,
  timestamp: bigint,
  isCommitted: boolean,
  { broker: { core }, caller }: Context,
): Promise<Found> {
  caller.check("describe", "topic", name);
  const { topic, reader } = await core.partition(name, index);
  await core.startWritingTo(topic, index);
  const { start, end: highWatermark, lastStable } = await reader.offsets();
  const end = isCommitted ? lastStable : highWatermark;
  if (timestamp === LATEST) return { offset: end };
  if (timestamp === EARLIEST) return { offset: start };
  // Where no record is as late, there is no offset.
  const record = await reader.recordSince(timestamp);
  if (record === undefined || record.offset >= end) return {};
  return { offset: record.offset, timestamp: record.timestamp };
}
