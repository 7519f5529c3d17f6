/** Appends of a producer that may be sent again. */
import { invalidArgument } from "../../errors.js";
import type { LogCore } from "../core.js";
import { type AppendedTo, intoBatches, joined } from "../into-batches.js";
import { sequenceAfter } from "../producers/producer-states.js";
import { prepareCompression } from "../records/compression.js";
import { checkPartition } from "../topics.js";
import type { AppendRequest, ProducerSequence } from "./generated/sololakehouse/log/v1/producer_pb.js";
import { ackOf, newRecordOf } from "./messages.js";

/** A producer is known by its last five batches: of more, the first would be appended again. */
const MOST_BATCHES = 5;

/**
 * The same records make the same batches, so that a request that is sent again is known by them.
 *
 * @throws LakehouseError as `Topic.append`; OUT_OF_ORDER_SEQUENCE, PRODUCER_FENCED
 */
export async function appendOnce(
  core: LogCore,
  { topic: name, records, ack, partition }: AppendRequest,
  { producer, sequence }: ProducerSequence,
): Promise<AppendedTo[]> {
  if (producer === undefined || partition === undefined)
    throw invalidArgument(
      name,
      "A producer's sequence is of one partition, and the request does not name both.",
      "Give the producer that InitProducer has answered with, and the partition.",
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
        kind: "idempotent",
      };
      baseSequence = sequenceAfter(baseSequence, count);
      return own as typeof own & { readonly kind: "idempotent" };
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
  return joined(
    await Promise.all(
      batches.map(async ({ batch }) => ({ partition, ...(await to.append(batch, acknowledgement)) })),
    ),
  );
}
