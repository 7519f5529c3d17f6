import { checkOptions } from "../../options.js";
import { storageFailed } from "../../storage/index.js";
import { coordinatorGone, logUnavailable, notLeader } from "../errors.js";
import { type AppendedTo, checkRecord, firstTurn, joined, listOf, placeOf } from "../into-batches.js";
import { sleep, systemClock } from "../partition/clock.js";
import type { Ack } from "../partition/partition.js";
import {
  APPEND_OPTIONS,
  PRODUCER_OPTIONS,
  type ProducerOptions,
  TRANSACTION_TIMEOUT_MS,
} from "../producer.js";
import { sequenceAfter } from "../producers/producer-states.js";
import type { NewRecord } from "../records/batch-builder.js";
import { checkAck } from "../topic.js";
import type { AppendByProducerOptions, Transaction } from "../transaction.js";
import { type BegunTransaction, TransactionTurns } from "../transaction-turns.js";
import type { TransactionOwner } from "../transaction-types.js";
import { checkTimeout } from "../transactions/checks.js";
import { KeyedLock } from "../transactions/keyed-lock.js";
import type { Topic } from "./generated/sololakehouse/log/v1/admin_pb.js";
import type { Producer } from "./generated/sololakehouse/log/v1/producer_pb.js";
import { ACKS, checkNumber, newRecordMessage, sizeOf, topicOf } from "./messages.js";
import type { Remote } from "./remote-log.js";
import { remoteTransaction } from "./remote-transaction.js";
import { transactionMessage } from "./transaction-messages.js";

interface Identity {
  readonly producer: Producer;
  /** Of the next record, by topic and partition. */
  readonly sequences: Map<string, number>;
  /** How many transactions it has begun. */
  transactions: number;
  /** Of the first append that failed: which sequences were used is not known, and its transaction sends nothing more. */
  failure: { readonly error: unknown } | undefined;
}

/** Where records go: a partition of a topic. */
interface Place {
  readonly topic: string;
  readonly id: string;
  readonly number: number;
}

/** Of one request: it becomes a batch or two. */
const REQUEST_BYTES = 1024 * 1024;
/** How long an append is tried again. As Kafka's `delivery.timeout.ms`. */
const DELIVERY_MS = 120_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/** What is in the way of a call for a while, or of its answer. */
const MAY_PASS = [logUnavailable, notLeader, coordinatorGone, storageFailed];

/**
 * A producer of a log that another process serves: each of its records is there once, also where an answer was lost and the
 * request is sent again, or the server was started anew meanwhile. Make it with `RemoteLog.producer`.
 */
export class RemoteProducer {
  readonly #remote: Remote;
  readonly #coordinator: Remote;
  readonly #groups: Remote;
  readonly #turns: TransactionTurns;
  readonly #ack: Ack;
  readonly #timeoutMs: number;
  #identity: Promise<Identity> | undefined;
  /** The latest that it was given. */
  #current: Producer | undefined;
  readonly #lock = new KeyedLock();
  #turn = firstTurn();

  /** @internal */
  constructor(remote: Remote, options: ProducerOptions) {
    checkOptions("producer", options, PRODUCER_OPTIONS);
    const { transactionalId, ack = "wal", transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options;
    checkAck(ack);
    this.#remote = remote;
    this.#coordinator = remote.apart();
    this.#groups = remote.apart();
    this.#turns = new TransactionTurns(transactionalId, (id) => this.#begin(id));
    this.#ack = ack;
    this.#timeoutMs = transactionTimeoutMs;
  }

  /**
   * Appends records, as `RemoteTopic.append` does. Where no answer comes, they are sent again for two minutes.
   *
   * @throws LakehouseError INVALID_TXN_STATE where the producer writes in transactions; as `Topic.append`; LOG_UNAVAILABLE
   *   after those two minutes: then nobody knows whether they are there.
   */
  async append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions = {},
  ): Promise<AppendedTo[]> {
    this.#turns.checkNone();
    return this.#append(topic, records, options, async (place, own) =>
      this.#deliver(place, own, await this.#identify()),
    );
  }

  /**
   * Does the work in a transaction, as `Producer.transaction`, which says more. What is not answered is asked again for two
   * minutes.
   *
   * @throws what `work` does; LakehouseError as `Producer.transaction`; LOG_UNAVAILABLE where committing was not answered in
   *   those two minutes: then it is seen as a whole or not at all, and the next transaction aborts what is open.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    return this.#turns.run(work);
  }

  async #begin(transactionalId: string): Promise<BegunTransaction> {
    const identity = await this.#identify();
    const { id: producerId, epoch } = identity.producer;
    const owner = { transactionalId, producerId, epoch, number: identity.transactions++ };
    const work = remoteTransaction({
      ...{ remote: this.#coordinator, groups: this.#groups, owner, ack: this.#ack },
      append: (topic, records, options, begin) =>
        this.#append(topic, records, options, async (place, own) => {
          if (identity.failure !== undefined) throw identity.failure.error;
          begin();
          return this.#deliver(place, own, identity, owner);
        }),
      retry: (remote, doing, ms) => this.#try(doing, remote, ms),
    });
    return { work, leftOpen: () => this.#renew(identity) };
  }

  async #append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions,
    deliver: (place: Place, records: readonly NewRecord[]) => Promise<AppendedTo[]>,
  ): Promise<AppendedTo[]> {
    checkOptions("append", options, APPEND_OPTIONS);
    const { partition } = options;
    checkNumber(partition);
    const all = listOf(records);
    for (const record of all) checkRecord(record);
    const { id, partitions } = await this.#try(async () =>
      topicOf((await this.#remote.admin.describeTopic({ name: topic })).topic as Topic),
    );
    const turn = this.#turn++;
    const byPartition = new Map<number, NewRecord[]>();
    for (const record of all) {
      const number = partition ?? placeOf(record.key, partitions, turn);
      const others = byPartition.get(number);
      if (others === undefined) byPartition.set(number, [record]);
      else others.push(record);
    }
    const sent = [...byPartition].map(([number, own]) =>
      // One after the other: what is tried again must not come behind the next.
      this.#lock.run(`${id}/${number}`, () => deliver({ topic, id, number }, own)),
    );
    return (await Promise.all(sent)).flat();
  }

  async #deliver(
    { topic, id, number }: Place,
    records: readonly NewRecord[],
    identity: Identity,
    owner?: TransactionOwner,
  ): Promise<AppendedTo[]> {
    const key = `${id}/${number}`;
    const { producer, sequences } = identity;
    // Who coordinates the transaction is asked, and hands on what another leads.
    const remote = owner === undefined ? this.#remote : this.#coordinator;
    const transaction = owner && transactionMessage(owner);
    const appended: AppendedTo[] = [];
    for (const some of pieces(records)) {
      const sequence = sequences.get(key) ?? 0;
      const request = {
        ...{ topic, partition: number, ack: ACKS[this.#ack], producer: { producer, sequence, transaction } },
        records: some.map(newRecordMessage),
      };
      try {
        const answer = await this.#try(() => remote.producer.append(request), remote);
        appended.push(...answer.appended);
      } catch (error) {
        // Its sequences may have a gap now: what comes next has a later epoch, or is another producer's.
        identity.failure ??= { error };
        this.#renew(identity);
        throw error;
      }
      sequences.set(key, sequenceAfter(sequence, some.length));
    }
    return joined(
      appended.map(({ partition, baseOffset, lastOffset }) => ({ partition, baseOffset, lastOffset })),
    );
  }

  /** Until there is an answer, or it took too long. */
  async #try<T>(work: () => Promise<T>, remote = this.#remote, ms = DELIVERY_MS): Promise<T> {
    const until = systemClock.now() + ms;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await remote.call(work);
      } catch (error) {
        const isPassing = MAY_PASS.some((kind) => kind.is(error));
        if (!isPassing || this.#remote.isClosed() || systemClock.now() + wait > until) throw error;
        await sleep(systemClock, wait);
      }
    }
  }

  #identify(): Promise<Identity> {
    this.#identity ??= this.#init().catch((error: unknown) => {
      this.#identity = undefined;
      throw error;
    });
    return this.#identity;
  }

  async #init(): Promise<Identity> {
    const { transactionalId } = this.#turns;
    const isIn = transactionalId !== undefined;
    if (isIn) checkTimeout(this.#timeoutMs);
    const remote = isIn ? this.#coordinator : this.#remote;
    const request = isIn
      ? { transactionalId, transactionTimeoutMs: this.#timeoutMs, current: this.#current }
      : {};
    const producer = await this.#try(() => remote.producer.initProducer(request), remote);
    this.#current = producer;
    return { producer, sequences: new Map(), transactions: 0, failure: undefined };
  }

  #renew({ producer }: Identity): void {
    if (this.#current === producer) this.#identity = undefined;
  }
}

/** Of about a megabyte each. */
function* pieces(records: readonly NewRecord[]): Generator<readonly NewRecord[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, record] of records.entries()) {
    const size = sizeOf(record);
    if (at > from && bytes + size > REQUEST_BYTES) {
      yield records.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < records.length) yield records.slice(from);
}
