import type { LogCore } from "../../../lib/lakehouse/log/core.js";
import type { Ack, Appended } from "../../../lib/lakehouse/log/partition/partition.js";
import type { ProducerIdentity, TransactionOwner } from "../../../lib/lakehouse/log/transaction-types.js";
import { batchOf } from "./records.js";

/** Sends batches as one of Kafka's clients does, which counts its sequences by partition. */
export class Sending {
  readonly #core: LogCore;
  readonly #producer: ProducerIdentity;
  readonly #kind: "idempotent" | "transactional";
  readonly #sequences = new Map<string, number>();

  constructor(core: LogCore, producer: ProducerIdentity, kind: "idempotent" | "transactional") {
    this.#core = core;
    this.#producer = producer;
    this.#kind = kind;
  }

  async send(topic: string, number: number, values: readonly string[], ack: Ack = "wal"): Promise<Appended> {
    const key = `${topic}/${number}`;
    const sequence = this.#sequences.get(key) ?? 0;
    const appended = await this.again(topic, number, values, sequence, ack);
    this.#sequences.set(key, sequence + values.length);
    return appended;
  }

  /** At a sequence that was sent before. */
  async again(
    topic: string,
    number: number,
    values: readonly string[],
    baseSequence: number,
    ack: Ack = "wal",
  ): Promise<Appended> {
    const { producerId, epoch } = this.#producer;
    const records = values.map((value) => ({ value }));
    const producer = { producerId, producerEpoch: epoch, baseSequence, kind: this.#kind };
    const batch = await batchOf(records, "none", 0n, producer);
    return (await this.#core.partition(topic, number)).append(batch, ack);
  }
}

/** An instance of a transactional producer, which has some partitions of a topic in its transaction. */
export async function beginTransaction(
  core: LogCore,
  transactionalId: string,
  topic: string,
  partitions: readonly number[],
  timeoutMs = 60_000,
): Promise<{ readonly owner: TransactionOwner; readonly sending: Sending }> {
  const transactions = await core.transactions();
  const identity = await transactions.initProducerId({ transactionalId, timeoutMs });
  const owner = { transactionalId, ...identity };
  const { id: topicId } = await core.topic(topic);
  await transactions.addPartitions(
    owner,
    partitions.map((partition) => ({ topicId, partition })),
    "wal",
  );
  return { owner, sending: new Sending(core, identity, "transactional") };
}
