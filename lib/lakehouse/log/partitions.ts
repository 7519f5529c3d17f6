/** The partitions of a log: appended to where they are led, read wherever it is. */
import type { FindPeer } from "./cluster/peer.js";
import { isInternal, refuseInternal } from "./internal-topics.js";
import type { PartitionSize, TopicRecord } from "./meta/log-meta.js";
import type { Metadata } from "./metadata.js";
import { logAppends } from "./metrics.js";
import { systemClock } from "./partition/clock.js";
import type { Ack, Appended, Partition } from "./partition/partition.js";
import { PartitionReader } from "./partition/partition-reader.js";
import type { Place } from "./partition/place.js";
import type { Segments } from "./partition/segments.js";
import { transactionOf } from "./records/header.js";
import type { StoredSegment } from "./segment/layout.js";
import { checkPartition } from "./topics.js";
import type { Transactions } from "./transactions/transactions.js";
import type { Writer } from "./writer.js";

/** One partition of a topic, to append to and to read. It is looked up once: who keeps it does not see the topic change. */
export interface LogPartition {
  readonly topic: TopicRecord;
  readonly number: number;
  /**
   * Appends one record batch, in Kafka's version 2. Its base offset is set in place.
   *
   * @throws LakehouseError INTERNAL_TOPIC, and what `Partition.append` throws.
   */
  append(batch: Uint8Array, ack: Ack): Promise<Appended>;
  /**
   * Lets the partition begin at an offset: readers have nothing before it from now on, and the objects go when it is time.
   *
   * @returns where it begins then, which is no less than before.
   * @throws LakehouseError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION, INTERNAL_TOPIC, STORAGE_FAILED
   */
  deleteRecords(before: bigint): Promise<bigint>;
  readonly reader: PartitionReader;
}

/** A segment, and the object that it is. */
export interface LogSegment extends StoredSegment {
  readonly uri: string;
}

export interface PartitionsParts {
  readonly meta: Metadata;
  readonly place: Place;
  readonly segments: Segments;
  /** Who writes here, where somebody does. */
  readonly opened: () => Writer | undefined;
  /** The same; this process, from then on. */
  readonly writer: () => Promise<Writer>;
  readonly transactions: () => Promise<Transactions>;
  readonly findPeer: FindPeer;
}

/** Each is appended to by whoever leads it: in this process, where nobody does. */
export class Partitions {
  readonly #parts: PartitionsParts;

  constructor(parts: PartitionsParts) {
    this.#parts = parts;
  }

  /** As clients may use it: the log's own are only read. @throws LakehouseError NO_SUCH_PARTITION */
  async of(topic: TopicRecord, number: number): Promise<LogPartition> {
    const partition = await this.internal(topic, number);
    if (isInternal(topic.name)) {
      const refuse = async () => refuseInternal(topic.name);
      return { ...partition, append: refuse, deleteRecords: refuse };
    }
    const isElsewhere = () => this.#parts.meta.isShared && this.#opened(topic, number) === undefined;
    return {
      ...partition,
      append: async (batch, ack) => {
        const append = () =>
          isElsewhere() ? this.#appendAtLeader(partition, batch, ack) : partition.append(batch, ack);
        if (!logAppends.hasSubscribers) return append();
        const began = performance.now();
        const appended = await append();
        logAppends.publish({ ack, bytes: batch.length, milliseconds: performance.now() - began });
        return appended;
      },
    };
  }

  /** One that may be appended to, be it of the log's own topics; in this process. @throws LakehouseError NO_SUCH_PARTITION */
  async internal(topic: TopicRecord, number: number): Promise<LogPartition> {
    checkPartition(topic, number);
    this.#opened(topic, number)?.configure(topic.config);
    const { meta, segments, writer } = this.#parts;
    // What servers keep there is not lost with one of them.
    const isStored = meta.isShared && isInternal(topic.name);
    return {
      topic,
      number,
      append: (batch, asked) => {
        const ack = isStored ? "stored" : asked;
        const opened = this.#opened(topic, number);
        return opened !== undefined && takes(opened, batch)
          ? opened.append(batch, ack)
          : this.#appendFirst(topic, number, batch, ack);
      },
      deleteRecords: async (before) => (await writer()).upkeep.deleteRecords(topic, number, before),
      reader: new PartitionReader(topic, number, {
        meta: await meta.open(),
        segments,
        clock: systemClock,
        writer: () => this.#opened(topic, number),
        learn: meta.isShared ? () => meta.learn(topic, number) : undefined,
      }),
    };
  }

  /**
   * Its writer, in this process.
   *
   * @throws LakehouseError NOT_LEADER, and what opening it fails with.
   */
  async writing(topic: TopicRecord, number: number): Promise<Partition> {
    const writer = await this.#parts.writer();
    await this.#parts.meta.untilLed(topic, number);
    return writer.partition(topic, number);
  }

  /**
   * Lets what follows get its place when it is called: the partition is open, and knows the batch's transaction, if it is of
   * one that is open.
   *
   * @throws LakehouseError NOT_LEADER, and what opening the partition fails with.
   */
  async prepareAppend(topic: TopicRecord, number: number, batch: Uint8Array): Promise<Partition> {
    const { transactions, findPeer } = this.#parts;
    const partition = this.#opened(topic, number) ?? (await this.writing(topic, number));
    const producer = transactionOf(batch);
    if (producer !== undefined)
      await partition.transactions.learn(producer, async () => {
        const coordinator = (await transactions()).placeOfProducer(producer.producerId);
        const peer = await findPeer(coordinator.topicId, coordinator.partition);
        const standing = await peer.standing(producer, { topicId: topic.id, partition: number });
        return standing.state === "open" ? standing.startedAt : undefined;
      });
    return partition;
  }

  /** Segments that are in the object store, in their order. @throws LakehouseError NO_SUCH_PARTITION */
  async segments(topic: TopicRecord, number: number): Promise<LogSegment[]> {
    checkPartition(topic, number);
    const { meta, place } = this.#parts;
    await meta.learn(topic, number);
    const segments = await (await meta.open()).segments(topic.id, number);
    return segments.map((segment) => ({ ...segment, uri: place.object(segment) }));
  }

  /** What a topic's partitions have in the object store: of those that have something, by number. */
  async sizes(topic: TopicRecord): Promise<PartitionSize[]> {
    const { meta } = this.#parts;
    for (let number = 0; number < topic.partitions; number++) await meta.learn(topic, number);
    return (await meta.open()).sizes(topic.id);
  }

  #opened({ id }: TopicRecord, number: number): Partition | undefined {
    return this.#parts.opened()?.opened(id, number);
  }

  async #appendFirst(topic: TopicRecord, number: number, batch: Uint8Array, ack: Ack): Promise<Appended> {
    return (await this.prepareAppend(topic, number, batch)).append(batch, ack);
  }

  async #appendAtLeader(partition: LogPartition, batch: Uint8Array, ack: Ack): Promise<Appended> {
    const { topic, number } = partition;
    const cluster = await this.#parts.meta.cluster();
    if (cluster.leader(topic.id, number) === undefined) await this.writing(topic, number);
    if (cluster.leads(topic.id, number)) return partition.append(batch, ack);
    const peer = await this.#parts.findPeer(topic.id, number);
    return peer.append({ topicId: topic.id, partition: number }, batch, ack);
  }
}

/** Whether nobody has to be asked first. */
function takes({ transactions }: Partition, batch: Uint8Array): boolean {
  const producer = transactionOf(batch);
  return producer === undefined || transactions.has(producer.producerId, producer.epoch);
}
