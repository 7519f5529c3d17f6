import { checkNotInternal } from "../../../internal-topics.js";
import type { TransactionOwner, TransactionPartition } from "../../../transaction-types.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  initProducerId,
} from "../../protocol/messages/transactions.js";
import type { Context } from "../context.js";
import { toKafkaOfCoordinator } from "../error-map.js";

const NO_PRODUCER = -1n;
const NO_EPOCH = -1;
/** From which version of each request on a client knows that it was fenced; before, its epoch is called invalid (KIP-588). */
const FENCED_SINCE = { initProducerId: 4, others: 2 } as const;

export async function answerInitProducerId(
  request: RequestOf<typeof initProducerId>,
  { broker, header, caller }: Context,
): Promise<ResponseTo<typeof initProducerId>> {
  const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch: epoch } = request;
  try {
    if (transactionalId !== null) caller.check("write", "transactionalId", transactionalId);
    else if (!caller.mayAnywhere("write", "topic")) caller.check("idempotentWrite", "cluster");
    const coordinator = await broker.core.transactions();
    const given = await coordinator.initProducerId({
      transactionalId: transactionalId ?? undefined,
      timeoutMs,
      current: producerId === NO_PRODUCER ? undefined : { producerId, epoch },
    });
    return { errorCode: ERROR.NONE, producerId: given.producerId, producerEpoch: given.epoch };
  } catch (error) {
    const code = codeOf(error, header.version >= FENCED_SINCE.initProducerId);
    // Who has no transactional id has no coordinator, either.
    const errorCode =
      code === ERROR.NOT_COORDINATOR && transactionalId === null ? ERROR.COORDINATOR_LOAD_IN_PROGRESS : code;
    return { errorCode, producerId: NO_PRODUCER, producerEpoch: NO_EPOCH };
  }
}

export async function answerAddPartitionsToTxn(
  request: RequestOf<typeof addPartitionsToTxn>,
  context: Context,
): Promise<ResponseTo<typeof addPartitionsToTxn>> {
  const { broker, header, caller } = context;
  const { topics } = request;
  const answer = (codeOf: (name: string, partition: number) => number) => ({
    results: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        errorCode: codeOf(name, partitionIndex),
      })),
    })),
  });
  try {
    caller.check("write", "transactionalId", request.transactionalId);
    const { found, failed } = await partitionsOf(topics, context);
    // All of them, or none.
    if (failed.size > 0)
      return answer((name, partition) => failed.get(`${name}/${partition}`) ?? ERROR.OPERATION_NOT_ATTEMPTED);
    const coordinator = await broker.core.transactions();
    await coordinator.addPartitions(ownerOf(request), found, broker.settings.acksAll);
    return answer(() => ERROR.NONE);
  } catch (error) {
    const errorCode = codeOf(error, header.version >= FENCED_SINCE.others);
    return answer(() => errorCode);
  }
}

async function partitionsOf(
  topics: RequestOf<typeof addPartitionsToTxn>["topics"],
  { broker: { core }, caller }: Context,
) {
  const found: TransactionPartition[] = [];
  const failed = new Map<string, number>();
  for (const { name, partitions } of topics)
    for (const number of partitions)
      try {
        caller.check("write", "topic", name);
        checkNotInternal(name);
        const { topic } = await core.partition(name, number);
        found.push({ topicId: topic.id, partition: number });
      } catch (error) {
        failed.set(`${name}/${number}`, toKafkaOfCoordinator(error).errorCode);
      }
  return { found, failed };
}

export async function answerAddOffsetsToTxn(
  request: RequestOf<typeof addOffsetsToTxn>,
  { broker, header, caller }: Context,
): Promise<ResponseTo<typeof addOffsetsToTxn>> {
  try {
    caller.check("write", "transactionalId", request.transactionalId);
    caller.check("read", "group", request.groupId);
    const coordinator = await broker.core.transactions();
    await coordinator.addOffsets(ownerOf(request), request.groupId, broker.settings.acksAll);
    return { errorCode: ERROR.NONE };
  } catch (error) {
    return { errorCode: codeOf(error, header.version >= FENCED_SINCE.others) };
  }
}

export async function answerEndTxn(
  request: RequestOf<typeof endTxn>,
  { broker, header, caller }: Context,
): Promise<ResponseTo<typeof endTxn>> {
  try {
    caller.check("write", "transactionalId", request.transactionalId);
    const coordinator = await broker.core.transactions();
    await coordinator.endTransaction(ownerOf(request), request.committed ? "commit" : "abort");
    return { errorCode: ERROR.NONE };
  } catch (error) {
    return { errorCode: codeOf(error, header.version >= FENCED_SINCE.others) };
  }
}

interface Owned {
  readonly transactionalId: string;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

function ownerOf({ transactionalId, producerId, producerEpoch }: Owned): TransactionOwner {
  return { transactionalId, producerId, epoch: producerEpoch };
}

function codeOf(error: unknown, knowsFenced: boolean): number {
  const { errorCode } = toKafkaOfCoordinator(error);
  return errorCode === ERROR.PRODUCER_FENCED && !knowsFenced ? ERROR.INVALID_PRODUCER_EPOCH : errorCode;
}
