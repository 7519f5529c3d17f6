/** Transactions and producers, for who looks after them. */
import { invalidArgument } from "../../../../errors.js";
import type { LogCore } from "../../../core.js";
import { invalidTxnState } from "../../../errors.js";
import type { TransactionState } from "../../../transactions/transaction-entry.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type {
  describeProducers,
  describeTransactions,
  listTransactions,
  writeTxnMarkers,
} from "../../protocol/messages/transactions.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";
import { onceEach, partitionsOnce } from "../once-each.js";

type ProducersTopic = ResponseTo<typeof describeProducers>["topics"][number];
type Described = ResponseTo<typeof describeTransactions>["transactionStates"][number];
type Marker = RequestOf<typeof writeTxnMarkers>["markers"][number];
type MarkedTopic = ResponseTo<typeof writeTxnMarkers>["markers"][number]["topics"][number];

const NOTHING = -1;
const NO_OFFSET = -1n;
const STATES: Readonly<Record<TransactionState, string>> = {
  empty: "Empty",
  ongoing: "Ongoing",
  prepare_commit: "PrepareCommit",
  prepare_abort: "PrepareAbort",
  complete_commit: "CompleteCommit",
  complete_abort: "CompleteAbort",
};
/** Kafka has more of them, in which none is here. */
const KAFKAS: ReadonlySet<string> = new Set([...Object.values(STATES), "Dead", "PrepareEpochFence"]);

export async function answerDescribeProducers(
  { topics }: RequestOf<typeof describeProducers>,
  { broker: { core }, caller }: Context,
): Promise<ResponseTo<typeof describeProducers>> {
  const asked = topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes }));
  const answered: ProducersTopic[] = [];
  for (const { name, partitions } of partitionsOnce(asked, (number) => number)) {
    const found: ProducersTopic["partitions"][number][] = [];
    for (const partitionIndex of partitions)
      try {
        caller.check("read", "topic", name);
        const { topic } = await core.partition(name, partitionIndex);
        const { producers } = await core.writing(topic, partitionIndex);
        const activeProducers = producers.map(({ producerId, epoch, batches, openSince, lastUsed }) => ({
          producerId,
          producerEpoch: epoch,
          lastSequence: batches.at(-1)?.lastSequence ?? NOTHING,
          lastTimestamp: BigInt(lastUsed),
          coordinatorEpoch: NOTHING,
          currentTxnStartOffset: openSince ?? NO_OFFSET,
        }));
        found.push({ partitionIndex, errorCode: ERROR.NONE, activeProducers });
      } catch (error) {
        found.push({ partitionIndex, ...toKafka(error), activeProducers: [] });
      }
    answered.push({ name, partitions: found });
  }
  return { topics: answered };
}

export async function answerDescribeTransactions(
  { transactionalIds }: RequestOf<typeof describeTransactions>,
  context: Context,
): Promise<ResponseTo<typeof describeTransactions>> {
  const transactionStates: Described[] = [];
  for (const transactionalId of onceEach(transactionalIds, (id) => id))
    try {
      transactionStates.push(await described(transactionalId, context));
    } catch (error) {
      transactionStates.push(unknown(transactionalId, toKafka(error).errorCode));
    }
  return { transactionStates };
}

async function described(transactionalId: string, { broker: { core }, caller }: Context): Promise<Described> {
  caller.check("describe", "transactionalId", transactionalId);
  const entry = await (await core.transactions()).describe(transactionalId);
  if (entry === undefined) return unknown(transactionalId, ERROR.TRANSACTIONAL_ID_NOT_FOUND);
  const topics = new Map<string, number[]>();
  for (const { topicId, partition } of entry.partitions) {
    const name = (await core.topicOf(topicId))?.name;
    // One that is deleted, or is not to be known of.
    if (name === undefined || !caller.may("describe", "topic", name)) continue;
    topics.set(name, [...(topics.get(name) ?? []), partition]);
  }
  return {
    errorCode: ERROR.NONE,
    transactionalId,
    transactionState: STATES[entry.state],
    transactionTimeoutMs: entry.timeoutMs,
    transactionStartTimeMs: entry.state === "ongoing" ? BigInt(entry.startedAt) : NO_OFFSET,
    producerId: entry.producerId,
    producerEpoch: entry.epoch,
    topics: Array.from(topics, ([topic, partitions]) => ({ topic, partitions })),
  };
}

function unknown(transactionalId: string, errorCode: number): Described {
  return {
    ...{ errorCode, transactionalId, transactionState: "", transactionTimeoutMs: 0, topics: [] },
    ...{ transactionStartTimeMs: NO_OFFSET, producerId: NO_OFFSET, producerEpoch: NOTHING },
  };
}

/** Those that are coordinated here: clients ask every broker. */
export async function answerListTransactions(
  { stateFilters, producerIdFilters, durationFilter }: RequestOf<typeof listTransactions>,
  { broker: { core }, caller }: Context,
): Promise<ResponseTo<typeof listTransactions>> {
  const states = new Set(stateFilters);
  const producers = new Set(producerIdFilters);
  const now = core.clock.now();
  try {
    const all = await (await core.transactions()).list();
    const found = all.filter(
      ([id, { state, producerId, startedAt }]) =>
        (states.size === 0 || states.has(STATES[state])) &&
        (producers.size === 0 || producers.has(producerId)) &&
        (durationFilter < 0n || (state === "ongoing" && now - startedAt > Number(durationFilter))) &&
        caller.may("describe", "transactionalId", id),
    );
    return {
      errorCode: ERROR.NONE,
      unknownStateFilters: [...states].filter((state) => !KAFKAS.has(state)),
      transactionStates: found.map(([transactionalId, { producerId, state }]) => ({
        ...{ transactionalId, producerId, transactionState: STATES[state] },
      })),
    };
  } catch (error) {
    return { errorCode: toKafka(error).errorCode, unknownStateFilters: [], transactionStates: [] };
  }
}

/**
 * Aborts transactions that hang: a partition has them open, and no coordinator knows of them. Of one that a coordinator
 * knows, a part would be gone of what it commits; so that is refused.
 */
export async function answerWriteTxnMarkers(
  { markers }: RequestOf<typeof writeTxnMarkers>,
  context: Context,
): Promise<ResponseTo<typeof writeTxnMarkers>> {
  const answered: ResponseTo<typeof writeTxnMarkers>["markers"][number][] = [];
  for (const marker of markers) {
    const asked = marker.topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes }));
    const topics: MarkedTopic[] = [];
    for (const { name, partitions } of partitionsOnce(asked, (number) => number)) {
      const marked: MarkedTopic["partitions"][number][] = [];
      for (const partitionIndex of partitions)
        marked.push({
          partitionIndex,
          errorCode: await abort(marker, name, partitionIndex, context).then(
            () => ERROR.NONE,
            (error: unknown) => toKafka(error).errorCode,
          ),
        });
      topics.push({ name, partitions: marked });
    }
    answered.push({ producerId: marker.producerId, topics });
  }
  return { markers: answered };
}

async function abort(
  { producerId, producerEpoch: epoch, transactionResult }: Marker,
  name: string,
  number: number,
  { broker: { core, settings }, caller }: Context,
): Promise<void> {
  caller.check("alter", "cluster");
  const subject = `${name}/${number}, producer ${producerId}`;
  if (transactionResult || producerId < 0n)
    throw invalidArgument(subject, "A transaction is committed by its producer alone.", "Abort it.");
  const { topic } = await core.partition(name, number);
  const partition = await core.writing(topic, number);
  const before = partition.transactions.of(producerId);
  const { state } = await standing(core, producerId, epoch, topic.id, number);
  // It may have begun one meanwhile.
  if (state !== "none" || partition.transactions.of(producerId) !== before)
    throw invalidTxnState(
      subject,
      `The transaction of producer ${producerId} is known to its coordinator, which ends it.`,
      "Wait for its timeout, or fence its transactional id.",
    );
  await partition.appendMarker(producerId, epoch, "abort", settings.acksAll);
}

async function standing(core: LogCore, producerId: bigint, epoch: number, topicId: string, number: number) {
  const place = (await core.transactions()).placeOfProducer(producerId);
  const coordinator = await core.findPeer(place.topicId, place.partition);
  return coordinator.standing({ producerId, epoch }, { topicId, partition: number });
}
