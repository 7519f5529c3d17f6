import type { PartitionOffsets, PartitionReader } from "../../../partition/partition-reader.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { listOffsets } from "../../protocol/messages/fetch.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";
import { checkLeader, leaderOf } from "../leading.js";
import { partitionsOnce } from "../once-each.js";

type Request = RequestOf<typeof listOffsets>;
type Asked = Request["topics"][number]["partitions"][number];
type TopicResponse = ResponseTo<typeof listOffsets>["topics"][number];
type PartitionResponse = TopicResponse["partitions"][number];
type Found = Pick<PartitionResponse, "offset" | "timestamp" | "leaderEpoch" | "oldStyleOffsets">;

/** What stands for a time, and from which version on. */
const LATEST = -1n;
const EARLIEST = -2n;
const LATEST_TIME = -3n;
const EARLIEST_LOCAL = -4n;
const LATEST_TIERED = -5n;
const EARLIEST_PENDING_UPLOAD = -6n;
const SINCE: ReadonlyMap<bigint, number> = new Map([
  [LATEST, 0],
  [EARLIEST, 0],
  [LATEST_TIME, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);
/** The version that has lists of offsets. */
const OLD_STYLE = 0;
/** An isolation level, by Kafka's number. */
const READ_COMMITTED = 1;

export async function answerListOffsets(
  { topics, isolationLevel }: Request,
  context: Context,
): Promise<ResponseTo<typeof listOffsets>> {
  const { version } = context.header;
  const answered: TopicResponse[] = [];
  for (const { name, partitions } of partitionsOnce(topics, ({ partitionIndex }) => partitionIndex)) {
    const found = partitions.map(async (asked) => {
      const { partitionIndex, timestamp } = asked;
      if (timestamp < 0n && version < (SINCE.get(timestamp) ?? Number.POSITIVE_INFINITY))
        return { partitionIndex, errorCode: ERROR.UNSUPPORTED_VERSION };
      try {
        const one = await find(name, asked, isolationLevel === READ_COMMITTED, context);
        return { partitionIndex, errorCode: ERROR.NONE, ...one };
      } catch (error) {
        return { partitionIndex, errorCode: toKafka(error).errorCode };
      }
    });
    answered.push({ name, partitions: await Promise.all(found) });
  }
  return { topics: answered };
}

async function find(
  name: string,
  { partitionIndex: index, timestamp, maxNumOffsets, currentLeaderEpoch }: Asked,
  isCommitted: boolean,
  { broker, header, caller }: Context,
): Promise<Found> {
  caller.check("describe", "topic", name);
  const { topic, reader } = await broker.core.partition(name, index);
  checkLeader(broker, topic, index, currentLeaderEpoch);
  await broker.core.startWritingTo(topic, index);
  const offsets = await reader.offsets();
  const end = isCommitted ? offsets.lastStable : offsets.end;
  const found = await offsetOf(timestamp, reader, { ...offsets, end });
  const leaderEpoch = leaderOf(broker, topic.id, index)?.leaderEpoch;
  const one = { ...found, leaderEpoch };
  if (header.version > OLD_STYLE) return one;
  // From the latest on that is not behind what is looked for, as far as the client wants that.
  const { start } = offsets;
  const all = timestamp === EARLIEST ? [start] : [one.offset ?? end, start];
  return { oldStyleOffsets: [...new Set(all)].slice(0, Math.max(maxNumOffsets, 0)) };
}

/** @param timestamp in milliseconds since the epoch, or what stands for one. Where no record is as late, there is no offset. */
async function offsetOf(
  timestamp: bigint,
  reader: PartitionReader,
  { start, end }: PartitionOffsets,
): Promise<Found> {
  if (timestamp === LATEST) return { offset: end };
  // What Kafka keeps elsewhere than on its disks is no place of its own here: it is as where that is not used.
  if (timestamp === EARLIEST || timestamp === EARLIEST_LOCAL) return { offset: start };
  if (timestamp === LATEST_TIERED || timestamp === EARLIEST_PENDING_UPLOAD) return {};
  const record = await (timestamp === LATEST_TIME ? reader.latestRecord() : reader.recordSince(timestamp));
  if (record === undefined || record.offset >= end) return {};
  return { offset: record.offset, timestamp: record.timestamp };
}
