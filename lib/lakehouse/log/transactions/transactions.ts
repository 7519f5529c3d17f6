/** All transactions of a log. */

import type { Cluster } from "../cluster/cluster.js";
import type { FindPeer } from "../cluster/peer.js";
import { WhileLed } from "../cluster/while-led.js";
import type { LogCore } from "../core.js";
import { fenced } from "../errors.js";
import { GROUP_PARTITIONS, GROUP_TOPIC, PRODUCER_ID_TOPIC, TRANSACTION_TOPIC } from "../internal-topics.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { type Clock, sleep } from "../partition/clock.js";
import type { Ack } from "../partition/partition.js";
import { partitionOf } from "../partitioner.js";
import { openState, stateTopic } from "../state/open-state.js";
import type {
  Ending,
  OffsetsStanding,
  ProducerIdentity,
  Standing,
  TransactionOwner,
  TransactionPartition,
} from "../transaction-types.js";
import type { Writer } from "../writer.js";
import { type InitProducerRequest, TransactionCoordinator } from "./coordinator.js";
import { endLeftOpen } from "./left-open.js";
import { PRODUCER_IDS, ProducerIdBlocks, ProducerIds } from "./producer-ids.js";
import { TransactionEntries } from "./transaction-entries.js";
import { TRANSACTIONS, type TransactionEntry } from "./transaction-entry.js";

/** Of a new log: each may have a coordinator of its own. */
const PARTITIONS = 8;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

export interface TransactionsParts {
  readonly cluster: Cluster;
  readonly findPeer: FindPeer;
  readonly writer: Writer;
}

/**
 * Transactions, each by the coordinator that its id belongs to, which another server may be: then NOT_LEADER says so. A
 * producer's coordinator is found by the producer's id, too: it is that id modulo the number of coordinators.
 */
export class Transactions {
  readonly #parts: TransactionsParts;
  readonly #clock: Clock;
  readonly #topic: TopicRecord;
  readonly #ack: Ack;
  readonly #coordinators: WhileLed<TransactionCoordinator>;
  readonly #blocks: WhileLed<ProducerIdBlocks>;
  readonly #ids: ProducerIds;
  readonly #closing = new AbortController();
  readonly #unlisten: () => void;
  #resuming: Promise<void> | undefined;
  #isOutdated = false;

  private constructor(
    core: LogCore,
    parts: TransactionsParts,
    topics: { readonly ids: TopicRecord; readonly transactions: TopicRecord },
  ) {
    const { cluster, findPeer } = parts;
    this.#parts = parts;
    this.#clock = core.clock;
    this.#topic = topics.transactions;
    // What only one machine has is lost with it, and by a takeover.
    this.#ack = cluster.isShared ? "stored" : "wal";
    this.#blocks = new WhileLed({
      cluster,
      topic: topics.ids,
      open: async (number) => new ProducerIdBlocks(await openState(core, topics.ids, number, PRODUCER_IDS)),
      close: () => undefined,
    });
    this.#ids = new ProducerIds(async () => (await findPeer(topics.ids.id, 0)).newProducerIds());
    this.#coordinators = new WhileLed({
      cluster,
      topic: this.#topic,
      open: (number, { epoch }) => this.#open(core, number, epoch),
      close: (coordinator) => coordinator.close(),
    });
    this.#unlisten = cluster.onChange(() => this.#resume());
  }

  /** @throws LakehouseError STORAGE_FAILED */
  static async open(core: LogCore, parts: TransactionsParts): Promise<Transactions> {
    const transactions = new Transactions(core, parts, {
      ids: await stateTopic(core, PRODUCER_ID_TOPIC, 1),
      transactions: await stateTopic(core, TRANSACTION_TOPIC, PARTITIONS),
    });
    transactions.#resume();
    return transactions;
  }

  /**
   * As `TransactionCoordinator.initProducerId`; a producer without transactions has a new id.
   *
   * @throws LakehouseError NOT_LEADER, as all of these do
   */
  async initProducerId(
    request: Omit<InitProducerRequest, "transactionalId"> & { readonly transactionalId: string | undefined },
  ): Promise<ProducerIdentity> {
    const { transactionalId } = request;
    if (transactionalId === undefined) return { producerId: await this.#newProducerId(0), epoch: 0 };
    return (await this.#of(transactionalId)).initProducerId({ ...request, transactionalId });
  }

  async addPartitions(
    owner: TransactionOwner,
    partitions: readonly TransactionPartition[],
    ack: Ack,
  ): Promise<void> {
    await (await this.#of(owner.transactionalId)).addPartitions(owner, partitions, ack);
  }

  async addOffsets(owner: TransactionOwner, group: string, ack: Ack): Promise<void> {
    await (await this.#of(owner.transactionalId)).addOffsets(owner, group, ack);
  }

  async endTransaction(owner: TransactionOwner, marker: Ending["marker"]): Promise<void> {
    await (await this.#of(owner.transactionalId)).endTransaction(owner, marker);
  }

  async checkOffsets(owner: TransactionOwner, group: string): Promise<OffsetsStanding> {
    return (await this.#of(owner.transactionalId)).checkOffsets(owner, group);
  }

  /** What is known of a transactional id. */
  async describe(transactionalId: string): Promise<TransactionEntry | undefined> {
    return (await this.#of(transactionalId)).describe(transactionalId);
  }

  /** All that are coordinated here. */
  async list(): Promise<[id: string, TransactionEntry][]> {
    const { numbers } = this.#coordinators;
    const coordinators = await Promise.all(numbers.map((number) => this.#coordinators.of(number)));
    return coordinators.flatMap((coordinator) => coordinator.list());
  }

  async standing(producer: ProducerIdentity, at: TransactionPartition): Promise<Standing> {
    const coordinator = await this.#coordinators.of(this.#numberOf(producer.producerId));
    return coordinator.standing(producer, at);
  }

  /** As `TransactionCoordinator.isEnding`. */
  async isEnding(ending: Ending): Promise<boolean> {
    return (await this.#coordinators.of(this.#numberOf(ending.producerId))).isEnding(ending);
  }

  /** The partition that has a transactional id: whoever leads it coordinates. */
  placeOf(transactionalId: string): TransactionPartition {
    return { topicId: this.#topic.id, partition: partitionOf(transactionalId, this.#topic.partitions) };
  }

  /** The same, by a producer that has such an id. */
  placeOfProducer(producerId: bigint): TransactionPartition {
    return { topicId: this.#topic.id, partition: this.#numberOf(producerId) };
  }

  async newProducerIds(): Promise<bigint> {
    return (await this.#blocks.of(0)).take();
  }

  /**
   * A coordinator that was paused must not end what its successor has let begin.
   *
   * @throws LakehouseError FENCED
   */
  checkCoordinator(producerId: bigint, epoch: number): void {
    const number = this.#numberOf(producerId);
    if (this.#parts.cluster.epoch(this.#topic.id, number) <= epoch) return;
    const name = `${this.#topic.name}/${number}`;
    throw fenced(name, `Another server coordinates the transactions of ${name} by now.`);
  }

  close(): void {
    this.#unlisten();
    this.#closing.abort();
    this.#coordinators.close();
    this.#blocks.close();
  }

  #of(transactionalId: string): Promise<TransactionCoordinator> {
    return this.#coordinators.of(this.placeOf(transactionalId).partition);
  }

  #numberOf(producerId: bigint): number {
    return Number(producerId % BigInt(this.#topic.partitions));
  }

  async #newProducerId(number: number): Promise<bigint> {
    return (await this.#ids.take()) * BigInt(this.#topic.partitions) + BigInt(number);
  }

  async #open(core: LogCore, number: number, epoch: number): Promise<TransactionCoordinator> {
    const { findPeer } = this.#parts;
    const entries = new TransactionEntries();
    return TransactionCoordinator.open({
      clock: core.clock,
      state: await openState(core, this.#topic, number, TRANSACTIONS, entries),
      entries,
      newProducerId: () => this.#newProducerId(number),
      ack: this.#ack,
      endAt: async (at, ending) => (await findPeer(at.topicId, at.partition)).endAt(at, ending, epoch),
      endOffsets: async (groups, ending) => {
        const { id, partitions } = await stateTopic(core, GROUP_TOPIC, GROUP_PARTITIONS);
        for (const number of new Set(groups.map((group) => partitionOf(group, partitions)))) {
          const those = groups.filter((group) => partitionOf(group, partitions) === number);
          await (await findPeer(id, number)).endOffsets(those, ending, epoch);
        }
      },
    });
  }

  /** Goes on with what others have left half done, also where nobody asks for it here. */
  #resume(): void {
    this.#isOutdated = true;
    this.#resuming ??= this.#resumeAll().finally(() => {
      this.#resuming = undefined;
    });
  }

  async #resumeAll(): Promise<void> {
    for (let wait = FIRST_WAIT_MS; this.#isOutdated && !this.#closing.signal.aborted; ) {
      this.#isOutdated = false;
      try {
        await Promise.all(this.#coordinators.numbers.map((number) => this.#coordinators.of(number)));
        await this.#endLeftOpen();
        wait = FIRST_WAIT_MS;
      } catch {
        // Who needs transactions meanwhile hears of it.
        this.#isOutdated = true;
        await sleep(this.#clock, wait, this.#closing.signal);
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      }
    }
  }

  async #endLeftOpen(): Promise<void> {
    const { writer, findPeer, cluster } = this.#parts;
    const leads = (topicId: string, partition: number) => cluster.leads(topicId, partition);
    for (const partition of await writer.leftOpen(leads))
      await endLeftOpen(
        partition,
        async (producer, at) => {
          const { topicId, partition } = this.placeOfProducer(producer.producerId);
          return (await findPeer(topicId, partition)).standing(producer, at);
        },
        this.#ack,
      );
  }
}
