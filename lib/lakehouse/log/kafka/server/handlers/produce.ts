import { setImmediate } from "node:timers/promises";
import { malformedRequest } from "../../../errors.js";
import { checkSize } from "../../../partition/checks.js";
import type { Ack, Appended } from "../../../partition/partition.js";
import { transactionOf } from "../../../records/header.js";
import { validateBatch } from "../../../records/validate.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { produce } from "../../protocol/messages/produce.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";

type Request = RequestOf<typeof produce>;
type TopicData = Request["topicData"][number];
type PartitionData = TopicData["partitionData"][number];
type TopicResponse = ResponseTo<typeof produce>["responses"][number];
type PartitionResponse = TopicResponse["partitionResponses"][number];

const NO_OFFSET = -1n;
const NO_TIME = -1n;
const ACKS_ALL = -1;
/** After so much work at once, in milliseconds, other connections have their turn: a small batch may hold very much. */
const TURN_MS = 10;

/** What is for a partition has its place there; the answer comes when it is durable. */
interface Placed {
  readonly index: number;
  readonly answer: Promise<PartitionResponse>;
}

/** Batches get their places in the order of the requests; then the next may begin, and this one waits for its disk. */
export async function answerProduce(
  { acks, topicData, transactionalId, timeoutMs }: Request,
  context: Context,
): Promise<ResponseTo<typeof produce> | undefined> {
  const ack = acks === ACKS_ALL ? context.broker.settings.acksAll : "wal";
  const isValid = acks === ACKS_ALL || acks === 0 || acks === 1;
  let since = performance.now();
  const topics: { readonly name: string; readonly partitions: Placed[] }[] = [];
  for (const { name, partitionData } of topicData) {
    const partitions: Placed[] = [];
    for (const data of partitionData) {
      partitions.push(
        isValid
          ? await place(name, data, { ack, transactionalId }, context)
          : { index: data.index, answer: Promise.resolve(refused(data.index, ERROR.INVALID_REQUIRED_ACKS)) },
      );
      if (performance.now() - since < TURN_MS) continue;
      await setImmediate();
      since = performance.now();
    }
    topics.push({ name, partitions });
  }
  context.placed();
  // As with Kafka, the others wait for this server alone.
  const late = acks === ACKS_ALL ? after(timeoutMs, context) : undefined;
  const responses: TopicResponse[] = [];
  for (const { name, partitions } of topics) {
    const answers = partitions.map(({ index, answer }) =>
      late === undefined
        ? answer
        : Promise.race([answer, late.then(() => refused(index, ERROR.REQUEST_TIMED_OUT))]),
    );
    responses.push({ name, partitionResponses: await Promise.all(answers) });
  }
  if (acks !== 0) return { responses };
  const isRefused = responses.some((one) => one.partitionResponses.some(({ errorCode }) => errorCode !== 0));
  if (isRefused)
    throw malformedRequest(
      "request",
      "Records were refused of a client that wants no answers: it sees its connection close.",
      "Let it ask for acks=1 or all, which are answered with what was wrong.",
    );
  return undefined;
}

/** The records may become durable after it: a client that sends them again is told where they are. */
function after(ms: number, { broker: { core }, onSent }: Context): Promise<void> {
  return new Promise((resolve) => onSent(core.clock.after(Math.max(ms, 0), resolve)));
}

/**
 * Appends what is for one partition. Resolves when its place is fixed; `answer` (which never fails) when it is durable.
 */
async function place(
  name: string,
  { index, records }: PartitionData,
  { ack, transactionalId }: { readonly ack: Ack; readonly transactionalId: string | null },
  { broker: { core }, caller, frame }: Context,
): Promise<Placed> {
  try {
    caller.check("write", "topic", name);
    const partition = await core.partition(name, index);
    const { topic } = partition;
    const batch = ownMemory(records ?? new Uint8Array(), frame);
    checkSize(batch, topic.config.maxBatchBytes, `${name}/${index}`);
    validateBatch(batch, topic.config.cleanupPolicy !== "delete", `${name}/${index}`);
    if (transactionOf(batch) !== undefined) caller.check("write", "transactionalId", transactionalId ?? "");
    await core.prepareAppend(topic, index, batch);
    const appending = partition.append(batch, ack);
    const answer = appending
      .then(async (appended) => accepted(index, appended, await partition.reader.start()))
      .catch((error: unknown) => failed(index, error));
    return { index, answer };
  } catch (error) {
    return { index, answer: Promise.resolve(failed(index, error)) };
  }
}

/** A batch stays in memory with all of its request: so a small part of a large one has to leave it. */
function ownMemory(records: Uint8Array, frame: Uint8Array): Uint8Array {
  return records.length < frame.length / 2 ? new Uint8Array(records) : records;
}

function accepted(
  index: number,
  { baseOffset, logAppendTime }: Appended,
  logStartOffset: bigint,
): PartitionResponse {
  const logAppendTimeMs = logAppendTime ?? NO_TIME;
  return { index, errorCode: ERROR.NONE, baseOffset, logAppendTimeMs, logStartOffset, recordErrors: [] };
}

function failed(index: number, error: unknown): PartitionResponse {
  const { errorCode, errorMessage } = toKafka(error);
  // Here, and nowhere else, a producer in whose place another has come is told so by its epoch.
  const isFenced = errorCode === ERROR.PRODUCER_FENCED;
  return { ...refused(index, isFenced ? ERROR.INVALID_PRODUCER_EPOCH : errorCode), errorMessage };
}

function refused(index: number, errorCode: number): PartitionResponse {
  return { index, errorCode, baseOffset: NO_OFFSET, recordErrors: [] };
}
