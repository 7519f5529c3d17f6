import { setMaxListeners } from "node:events";
import type { LogCore } from "../../../core.js";
import { offsetOutOfRange } from "../../../errors.js";
import type { TopicRecord } from "../../../meta/log-meta.js";
import type { EpochEnd } from "../../../partition/epoch-end.js";
import type { Isolation } from "../../../partition/partition.js";
import type { PartitionReader } from "../../../partition/partition-reader.js";
import { nextOffset } from "../../../partition/tail.js";
import type { LogPartition } from "../../../partitions.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import { NO_ID } from "../../protocol/fields.js";
import type { fetch } from "../../protocol/messages/fetch.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";
import type { FetchedPlace, FetchNews, FetchQuestion, WantedPartition } from "../fetch-sessions.js";
import { checkLeader } from "../leading.js";

type Request = RequestOf<typeof fetch>;
type Response = ResponseTo<typeof fetch>;
type TopicResponse = Response["responses"][number];
type PartitionResponse = TopicResponse["partitions"][number];

const NO_OFFSET = -1n;
/** An isolation level, by Kafka's number. */
const READ_COMMITTED = 1;
/** A client that would wait longer asks again. */
const LONGEST_WAIT_MS = 5 * 60_000;

/** From which version on topics are named by their ids (KIP-516). */
const IDS_SINCE = 13;

interface Wanted extends WantedPartition {
  readonly isolation: Isolation;
}

/** What there is of a partition. */
interface Found extends FetchNews {
  readonly response: PartitionResponse;
  /** Where there may be more, later: nothing where the partition cannot be read. */
  readonly next?: More | undefined;
}

interface More {
  readonly partition: LogPartition;
  readonly end: bigint;
  readonly isolation: Isolation;
}

/** Records from each partition, as soon as there are enough, or the client has waited long enough. */
export async function answerFetch(request: Request, context: Context): Promise<Response> {
  const { broker, signal, onSent } = context;
  const { clock } = broker.core;
  const fetching = broker.fetchSessions.begin(questionOf(request, context), clock.now());
  if (typeof fetching === "number") return { errorCode: fetching, responses: [] };
  const { sessionId, wanted } = fetching;
  const answer = (found: readonly Found[]): Response => ({
    errorCode: ERROR.NONE,
    sessionId,
    responses: byTopic(fetching.tell(found)),
  });
  const maxBytes = mostBytes(wanted, Math.min(request.maxBytes, broker.settings.maxFetchBytes));
  const deadline = new AbortController();
  // Not by the time of day, which may be set back meanwhile.
  const cancel =
    request.maxWaitMs > 0
      ? clock.after(Math.min(request.maxWaitMs, LONGEST_WAIT_MS), () => deadline.abort())
      : undefined;
  if (cancel === undefined) deadline.abort();
  else onSent(cancel);
  for (;;) {
    // As much as may come, since it is in memory until the client takes it.
    await broker.fetched.take(maxBytes, () => undefined);
    const found = await readAll(wanted, isolationOf(request), maxBytes, context);
    const bytes = found.reduce((sum, one) => sum + one.bytes, 0);
    broker.fetched.owe(bytes);
    broker.fetched.give(maxBytes);
    // As Kafka does: who asks for no partition, to end a session say, has nothing to wait for.
    const isDone =
      found.length === 0 ||
      bytes >= request.minBytes ||
      deadline.signal.aborted ||
      signal.aborted ||
      found.some(({ next }) => next === undefined);
    if (isDone) {
      onSent(() => broker.fetched.give(bytes));
      return answer(found);
    }
    broker.fetched.give(bytes);
    const failure = await untilNews(found, deadline.signal, context);
    // It may be readable as before, and would be waited for in vain again and again.
    if (failure !== undefined) return answer(failure);
  }
}

function questionOf(
  { sessionId, sessionEpoch, topics, forgottenTopicsData }: Request,
  { header, caller }: Context,
): FetchQuestion {
  return {
    user: caller.user,
    sessionId,
    sessionEpoch,
    byId: header.version >= IDS_SINCE,
    wanted: topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(
        ({
          partition: index,
          fetchOffset: from,
          partitionMaxBytes: maxBytes,
          currentLeaderEpoch: leaderEpoch,
          lastFetchedEpoch: lastEpoch,
        }) => ({ topic, topicId, index, from, maxBytes, leaderEpoch, lastEpoch }),
      ),
    ),
    forgotten: forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
      partitions.map((index) => ({ topic, topicId, index })),
    ),
  };
}

function isolationOf({ isolationLevel }: Request): Isolation {
  return isolationLevel === READ_COMMITTED ? "read_committed" : "read_uncommitted";
}

/** No more than its partitions may give, so that many who ask for little do not wait for each other. */
function mostBytes(wanted: readonly WantedPartition[], most: number): number {
  const ofAll = wanted.reduce((sum, { maxBytes }) => sum + Math.max(maxBytes, 0), 0);
  return Math.max(Math.min(ofAll, most), 1);
}

/** In their order: the first that has records gives some, however large its first batch is. */
async function readAll(
  all: readonly WantedPartition[],
  isolation: Isolation,
  maxBytes: number,
  context: Context,
): Promise<Found[]> {
  const found: Found[] = [];
  let left = maxBytes;
  let isFirst = true;
  const findings = new Map<string, Promise<TopicRecord | undefined>>();
  for (const one of all) {
    const name = one.topicId === NO_ID ? one.topic : one.topicId;
    const finding = findings.get(name) ?? find(one, context.broker.core);
    findings.set(name, finding);
    // Each of its partitions hears of a failure.
    finding.catch(() => undefined);
    const wanted = { ...one, maxBytes: Math.min(one.maxBytes, left), isolation };
    const read = await readOne(wanted, finding, isFirst, context).catch((error: unknown) =>
      failed(wanted, error),
    );
    if (read.bytes > 0) isFirst = false;
    left = Math.max(0, left - read.bytes);
    found.push(read);
  }
  return found;
}

async function readOne(
  wanted: Wanted,
  finding: Promise<TopicRecord | undefined>,
  isFirst: boolean,
  { broker, caller }: Context,
): Promise<Found> {
  const { topic, topicId, index, from, maxBytes, isolation, leaderEpoch, lastEpoch } = wanted;
  if (topicId === NO_ID) caller.check("read", "topic", topic);
  const known = await finding;
  if (known === undefined) return unreadable(wanted, ERROR.UNKNOWN_TOPIC_ID);
  caller.check("read", "topic", known.name);
  const partition = await broker.core.partitionOf(known, index);
  checkLeader(broker, known, index, leaderEpoch);
  const { reader } = partition;
  const offsets = await reader.offsets();
  const { start, end: highWatermark, lastStable } = offsets;
  const divergingEpoch =
    lastEpoch < 0 ? undefined : await divergence(reader, from, lastEpoch, `${known.name}/${index}`);
  if (divergingEpoch !== undefined)
    return {
      ...{ topic, topicId, index },
      bytes: 0,
      response: {
        partitionIndex: index,
        errorCode: ERROR.NONE,
        ...{ highWatermark, lastStableOffset: lastStable, logStartOffset: start, divergingEpoch },
        abortedTransactions: null,
        records: [],
      },
    };
  reader.check(from, offsets);
  const end = isolation === "read_committed" ? lastStable : highWatermark;
  const isWanted = from < end && (isFirst || maxBytes > 0);
  const batches = isWanted ? await reader.batches(from, maxBytes, { isolation }) : [];
  const last = batches.at(-1);
  const all = batches.map((batch) => batch.bytes);
  const bytes = all.reduce((sum, batch) => sum + batch.length, 0);
  const isTaken = isFirst || bytes <= maxBytes;
  return {
    ...{ topic, topicId, index },
    bytes: isTaken ? bytes : 0,
    next: { partition, end, isolation },
    response: {
      partitionIndex: index,
      errorCode: ERROR.NONE,
      highWatermark,
      lastStableOffset: lastStable,
      logStartOffset: start,
      abortedTransactions:
        isolation === "read_uncommitted"
          ? null
          : isTaken && last !== undefined
            ? await reader.abortedIn(from, nextOffset(last))
            : [],
      records: isTaken ? all : [],
    },
  };
}

/**
 * Up to where the client's records are those of this log, where that is not up to `from` (KIP-595).
 *
 * @throws LakehouseError OFFSET_OUT_OF_RANGE where nothing is known of the epoch.
 */
async function divergence(
  reader: PartitionReader,
  from: bigint,
  lastEpoch: number,
  name: string,
): Promise<EpochEnd | undefined> {
  const found = await reader.endOfEpoch(lastEpoch);
  if (found.epoch < 0)
    throw offsetOutOfRange(
      name,
      `A client has read ${name} under the leader's epoch ${lastEpoch}, which is later than all that are known.`,
      "Read from the beginning, or from the end.",
    );
  return found.epoch < lastEpoch || found.endOffset < from ? found : undefined;
}

const find = async ({ topic, topicId }: FetchedPlace, core: LogCore): Promise<TopicRecord | undefined> =>
  topicId === NO_ID ? core.topic(topic) : core.topicOf(topicId);

const failed = (wanted: FetchedPlace, error: unknown): Found => unreadable(wanted, toKafka(error).errorCode);

function unreadable({ topic, topicId, index }: FetchedPlace, errorCode: number): Found {
  const response = {
    partitionIndex: index,
    errorCode,
    highWatermark: NO_OFFSET,
    abortedTransactions: null,
    records: [],
  };
  return { topic, topicId, index, response, bytes: 0 };
}

/**
 * Until one of the partitions has more than it had, or cannot be waited for.
 *
 * @returns where one cannot: the answer, which has nothing but that.
 */
async function untilNews(
  found: readonly Found[],
  deadline: AbortSignal,
  { broker: { core }, signal }: Context,
): Promise<readonly Found[] | undefined> {
  const ending = new AbortController();
  // Each partition listens.
  setMaxListeners(0, ending.signal);
  const end = () => ending.abort();
  signal.addEventListener("abort", end);
  deadline.addEventListener("abort", end);
  if (signal.aborted || deadline.aborted) end();
  // The first to have news ends the waiting of all.
  let hasFailed = false;
  const waits = found.map(async (one) => {
    try {
      if (one.next !== undefined) await untilMore(one.next, core, ending.signal);
      return withoutRecords(one);
    } catch (error) {
      hasFailed = true;
      return failed(one, error);
    } finally {
      end();
    }
  });
  const waited = await Promise.all(waits);
  signal.removeEventListener("abort", end);
  deadline.removeEventListener("abort", end);
  return hasFailed ? waited : undefined;
}

/** They were given back to the memory that they are taken from. */
function withoutRecords(found: Found): Found {
  return { ...found, bytes: 0, response: { ...found.response, abortedTransactions: null, records: [] } };
}

async function untilMore(
  { partition, end, isolation }: More,
  core: LogCore,
  signal: AbortSignal,
): Promise<void> {
  // Its writer tells at once what is new; without one, the metadata has to be asked again and again.
  // A store that does not answer holds nobody up for longer than he wants to wait.
  await Promise.race([core.startWritingTo(partition.topic, partition.number), aborted(signal)]);
  await partition.reader.untilBeyond(end, signal, { isolation });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function byTopic(found: readonly Found[]): TopicResponse[] {
  const topics: (Pick<FetchedPlace, "topic" | "topicId"> & { partitions: PartitionResponse[] })[] = [];
  for (const { topic, topicId, response } of found) {
    const last = topics.at(-1);
    if (last?.topic === topic && last.topicId === topicId) last.partitions.push(response);
    else topics.push({ topic, topicId, partitions: [response] });
  }
  return topics;
}
