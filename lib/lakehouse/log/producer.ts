import { checkOptions, type OptionNames } from "../options.js";
import { storageFailed } from "../storage/index.js";
import type { LogCore } from "./core.js";
import { logUnavailable, notLeader } from "./errors.js";
import { type AppendedTo, firstTurn, intoBatches, joined, listOf, placeOf } from "./into-batches.js";
import { localTransaction } from "./local-transaction.js";
import type { TopicRecord } from "./meta/log-meta.js";
import { holding, sleep } from "./partition/clock.js";
import type { Ack, Appended } from "./partition/partition.js";
import { sequenceAfter } from "./producers/producer-states.js";
import type { NewRecord } from "./records/batch-builder.js";
import { prepareCompression } from "./records/compression.js";
import { checkAck } from "./topic.js";
import { checkPartition } from "./topics.js";
import type { AppendByProducerOptions, Transaction } from "./transaction.js";
import { type BegunTransaction, TransactionTurns } from "./transaction-turns.js";
import type { ProducerIdentity } from "./transaction-types.js";
import { KeyedLock } from "./transactions/keyed-lock.js";
import { partitionKey } from "./wal/wal.js";

export interface ProducerOptions {
  /**
   * The name of who writes in transactions: a later producer of that name, in whatever process, takes the place of an earlier
   * one, and aborts what that has left open.
   */
  readonly transactionalId?: string | undefined;
  /** When appends and transactions are done; `wal` where not given. */
  readonly ack?: Ack | undefined;
  /** How long a transaction may take before it is aborted, in milliseconds. A minute where not given, 15 at most. */
  readonly transactionTimeoutMs?: number | undefined;
}

export const PRODUCER_OPTIONS: OptionNames<ProducerOptions> = {
  transactionalId: true,
  ack: true,
  transactionTimeoutMs: true,
};
export const APPEND_OPTIONS: OptionNames<AppendByProducerOptions> = { partition: true };
export const TRANSACTION_TIMEOUT_MS = 60_000;
/** What is in the way of an append for a while. */
const MAY_PASS = [storageFailed, notLeader, logUnavailable];
/** How long an append is tried again. As Kafka's `delivery.timeout.ms`. */
const DELIVERY_MS = 120_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

/**
 * A producer of a log: each of its records is there once, whatever was tried again. It gets its identity when it first
 * appends, and what it appends to a partition goes there one call after the other.
 *
 * @example
 * const payments = lake.log.producer({ transactionalId: "payments" });
 * await payments.transaction(async (tx) => {
 *   await tx.append("payments", { key: "HNL", value: "12" });
 *   await tx.append("receipts", { value: "HNL paid 12" });
 * });
 */
export class Producer {
  readonly #core: LogCore;
  readonly #turns: TransactionTurns;
  readonly #ack: Ack;
  readonly #timeoutMs: number;
  #identity: Promise<ProducerIdentity> | undefined;
  /** The latest that it was given. */
  #current: ProducerIdentity | undefined;
  readonly #sequences = new Map<string, number>();
  readonly #lock = new KeyedLock();
  #turn = firstTurn();

  /** @internal */
  constructor(core: LogCore, options: ProducerOptions) {
    checkOptions("producer", options, PRODUCER_OPTIONS);
    const { transactionalId, ack = "wal", transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options;
    checkAck(ack);
    this.#core = core;
    this.#turns = new TransactionTurns(transactionalId, (id) => this.#begin(id));
    this.#ack = ack;
    this.#timeoutMs = transactionTimeoutMs;
  }

  /**
   * Appends records, as `Topic.append` does. What the disk refuses is tried again for two minutes.
   *
   * @throws LakehouseError INVALID_TXN_STATE where the producer writes in transactions; NO_SUCH_TOPIC, NO_SUCH_PARTITION,
   *   INVALID_ARGUMENT, RECORD_TOO_LARGE; STORAGE_FAILED after those two minutes: calls that wait behind it may be refused
   *   with OUT_OF_ORDER_SEQUENCE then
   */
  async append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions = {},
  ): Promise<AppendedTo[]> {
    this.#turns.checkNone();
    return this.#send(topic, records, options, "idempotent", async () => {});
  }

  /**
   * Does the work in a transaction: when it is done, readers of what is committed see all that was appended, and where it
   * throws, nothing.
   *
   * @param work may append as long as it has not ended.
   * @throws what `work` does; LakehouseError INVALID_TXN_STATE where another transaction of the producer is open;
   *   PRODUCER_FENCED where a later producer of the id has come, or it took too long; INVALID_TRANSACTION_TIMEOUT;
   *   STORAGE_FAILED. After all of these, nothing is seen. CLOSED where the log was closed meanwhile: then it is seen as a whole
   *   or not at all when the log is opened again.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    return this.#turns.run(work);
  }

  async #begin(transactionalId: string): Promise<BegunTransaction> {
    const transactions = await this.#core.transactions();
    const owner = { transactionalId, ...(await this.#identify()) };
    const work = localTransaction({
      ...{ core: this.#core, transactions, owner, ack: this.#ack },
      send: (topic, records, options, add) => this.#send(topic, records, options, "transactional", add),
    });
    return { work, leftOpen: () => this.#renew(owner) };
  }

  /** @param before done when the partitions are known, and before anything is sent. */
  async #send(
    name: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions,
    kind: "idempotent" | "transactional",
    before: (topic: TopicRecord, partitions: readonly number[]) => Promise<void>,
  ): Promise<AppendedTo[]> {
    checkOptions("append", options, APPEND_OPTIONS);
    const { partition } = options;
    const topic = await this.#core.topic(name);
    if (partition !== undefined) checkPartition(topic, partition);
    await prepareCompression(topic.config.compression);
    const identity = await this.#identify();
    // In one turn from here on, so that sequences are in the order in which batches are sent.
    const turn = this.#turn++;
    const sequences = new Map<string, number>();
    const batches = intoBatches(
      topic,
      listOf(records),
      this.#core.clock.now(),
      (key) => partition ?? placeOf(key, topic.partitions, turn),
      (number, count) => {
        const key = partitionKey(topic.id, number);
        const baseSequence = sequences.get(key) ?? this.#sequences.get(key) ?? 0;
        sequences.set(key, sequenceAfter(baseSequence, count));
        const { producerId, epoch: producerEpoch } = identity;
        return { producerId, producerEpoch, baseSequence, kind };
      },
    );
    for (const [key, next] of sequences) this.#sequences.set(key, next);
    const ready = before(
      topic,
      batches.map((one) => one.partition),
    );
    const isRetried = kind === "idempotent";
    try {
      return joined(
        await Promise.all(
          batches.map(({ partition, batch }) =>
            // One after the other: what is tried again must not come behind the next.
            this.#lock.run(partitionKey(topic.id, partition), async () => {
              await ready;
              return { partition, ...(await this.#deliver(topic, partition, batch, isRetried)) };
            }),
          ),
        ),
      );
    } catch (error) {
      this.#renew(identity);
      throw error;
    }
  }

  async #deliver(
    topic: TopicRecord,
    number: number,
    batch: Uint8Array,
    isRetried: boolean,
  ): Promise<Appended> {
    const { clock } = this.#core;
    const partition = await this.#core.partitionOf(topic, number);
    const until = clock.now() + DELIVERY_MS;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await partition.append(batch, this.#ack);
      } catch (error) {
        if (!isRetried || !MAY_PASS.some((kind) => kind.is(error)) || clock.now() + wait > until) throw error;
        await holding(clock, sleep(clock, wait));
      }
    }
  }

  #identify(): Promise<ProducerIdentity> {
    this.#identity ??= this.#init().catch((error: unknown) => {
      this.#identity = undefined;
      throw error;
    });
    return this.#identity;
  }

  async #init(): Promise<ProducerIdentity> {
    const coordinator = await this.#core.transactions();
    const identity = await coordinator.initProducerId({
      transactionalId: this.#turns.transactionalId,
      timeoutMs: this.#timeoutMs,
      current: this.#current,
    });
    this.#sequences.clear();
    this.#current = identity;
    return identity;
  }

  /** The identity's sequences may have a gap: what comes next gets a later epoch, or another id. */
  #renew(identity: ProducerIdentity): void {
    if (this.#current?.producerId === identity.producerId && this.#current.epoch === identity.epoch)
      this.#identity = undefined;
  }
}
