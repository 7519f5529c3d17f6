/** Appends of a producer that may be sent again, in a transaction or outside of one. */
import { invalidArgument } from "../../errors.js";
import type { LogCore } from "../core.js";
import { checkNotInternal } from "../internal-topics.js";
import { type AppendedTo, intoBatches, joined } from "../into-batches.js";
import { sequenceAfter } from "../producers/producer-states.js";
import { prepareCompression } from "../records/compression.js";
import { checkPartition } from "../topics.js";
import type { AppendRequest, ProducerSequence } from "./generated/sololakehouse/log/v1/producer_pb.js";
import { ackOf, newRecordOf } from "./messages.js";
import { isProducer, ownerOf } from "./transaction-messages.js";

/** A producer is known by its last five batches: of more, the first would be appended again. */
const MOST_BATCHES = 5;

/**
 * The same records make the same batches, so that a request that is sent again is known by them.
 *
 * @throws LakehouseError as `Topic.append`; OUT_OF_ORDER_SEQUENCE, PRODUCER_FENCED; in a transaction, as
 *   `TransactionCoordinator.addPartitions`
 */
export async function appendOnce(
  core: LogCore,
  { topic: name, records, ack, partition }: AppendRequest,
  { producer: given, sequence, transaction }: ProducerSequence,
): Promise<AppendedTo[]> {
  const owner = transaction === undefined ? undefined : ownerOf(transaction);
  const producer = transaction?.producer ?? given;
  if (producer === undefined || partition === undefined || !isProducer(producer) || sequence < 0)
    throw invalidArgument(
      name,
      "A producer's sequence is of one partition and counts up from 0, and the request does not name both as they are.",
      "Give the producer that InitProducer has answered with, and the partition.",
    );
  if (given !== undefined && (given.id !== producer.id || given.epoch !== producer.epoch))
    throw invalidArgument(
      name,
      "The request names one producer, and a transaction of another.",
      "Give the transaction's producer, or the transaction alone.",
    );
  const topic = await core.topic(name);
  checkPartition(topic, partition);
  await prepareCompression(topic.config.compression);
  let baseSequence = sequence;
  const batches = intoBatches(
    topic,
    records.map(newRecordOf),
    core.clock.now(),
    () => partition,
    (_, count) => {
      const own = {
        producerId: producer.id,
        producerEpoch: producer.epoch,
        baseSequence,
        kind: owner === undefined ? ("idempotent" as const) : ("transactional" as const),
      };
      baseSequence = sequenceAfter(baseSequence, count);
      return own;
    },
  );
  if (batches.length > MOST_BATCHES)
    throw invalidArgument(
      name,
      `The records of one request make ${batches.length} batches, where ${MOST_BATCHES} of a producer are known again.`,
      "Send fewer records at once: a few megabytes.",
    );
  const acknowledgement = ackOf(ack);
  const to = await core.partitionOf(topic, partition);
  if (owner !== undefined) {
    checkNotInternal(name);
    const transactions = await core.transactions();
    await transactions.addPartitions(owner, [{ topicId: topic.id, partition }], acknowledgement);
  }
  return joined(
    await Promise.all(
      batches.map(async ({ batch }) => ({ partition, ...(await to.append(batch, acknowledgement)) })),
    ),
  );
}
