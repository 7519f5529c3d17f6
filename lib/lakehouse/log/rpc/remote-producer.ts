import { checkOptions, type OptionNames } from "../../options.js";
import { storageFailed } from "../../storage/index.js";
import { logUnavailable, notLeader } from "../errors.js";
import { type AppendedTo, checkRecord, firstTurn, joined, listOf, placeOf } from "../into-batches.js";
import { sleep, systemClock } from "../partition/clock.js";
import type { Ack } from "../partition/partition.js";
import { sequenceAfter } from "../producers/producer-states.js";
import type { NewRecord } from "../records/batch-builder.js";
import { checkAck } from "../topic.js";
import type { AppendByProducerOptions } from "../transaction.js";
import { KeyedLock } from "../transactions/keyed-lock.js";
import type { Topic } from "./generated/sololakehouse/log/v1/admin_pb.js";
import type { Producer } from "./generated/sololakehouse/log/v1/producer_pb.js";
import { ACKS, checkNumber, newRecordMessage, sizeOf, topicOf } from "./messages.js";
import type { Remote } from "./remote-log.js";

export interface RemoteProducerOptions {
  /** When appends are done; `wal` where not given. */
  readonly ack?: Ack | undefined;
}

interface Identity {
  readonly producer: Producer;
  /** Of the next record, by topic and partition. */
  readonly sequences: Map<string, number>;
}

const OPTIONS: OptionNames<RemoteProducerOptions> = { ack: true };
const APPEND_OPTIONS: OptionNames<AppendByProducerOptions> = { partition: true };
/** Of one request: it becomes a batch or two. */
const REQUEST_BYTES = 1024 * 1024;
/** How long an append is tried again. As Kafka's `delivery.timeout.ms`. */
const DELIVERY_MS = 120_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

/**
 * A producer of a log that another process serves: each of its records is there once, also where an answer was lost and the
 * request is sent again, or the server was started anew meanwhile. Make it with `RemoteLog.producer`.
 */
export class RemoteProducer {
  readonly #remote: Remote;
  readonly #ack: Ack;
  #identity: Promise<Identity> | undefined;
  readonly #lock = new KeyedLock();
  #turn = firstTurn();

  /** @internal */
  constructor(remote: Remote, options: RemoteProducerOptions) {
    checkOptions("producer", options, OPTIONS);
    const { ack = "wal" } = options;
    checkAck(ack);
    this.#remote = remote;
    this.#ack = ack;
  }

  /**
   * Appends records, as `RemoteTopic.append` does. Where no answer comes, they are sent again for two minutes.
   *
   * @throws LakehouseError as `Topic.append`; LOG_UNAVAILABLE after those two minutes: then nobody knows whether they are there.
   */
  async append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions = {},
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
      this.#lock.run(`${id}/${number}`, () => this.#deliver({ topic, id, number }, own)),
    );
    return (await Promise.all(sent)).flat();
  }

  async #deliver(
    { topic, id, number }: { readonly topic: string; readonly id: string; readonly number: number },
    records: readonly NewRecord[],
  ): Promise<AppendedTo[]> {
    const key = `${id}/${number}`;
    const appended: AppendedTo[] = [];
    for (const some of pieces(records)) {
      const identity = this.#identify();
      const { producer, sequences } = await identity;
      const sequence = sequences.get(key) ?? 0;
      const request = {
        ...{ topic, partition: number, ack: ACKS[this.#ack], producer: { producer, sequence } },
        records: some.map(newRecordMessage),
      };
      try {
        const answer = await this.#try(() => this.#remote.producer.append(request));
        appended.push(...answer.appended);
      } catch (error) {
        // Its sequences may have a gap now: what comes next is another producer's.
        if (this.#identity === identity) this.#identity = undefined;
        throw error;
      }
      sequences.set(key, sequenceAfter(sequence, some.length));
    }
    return joined(
      appended.map(({ partition, baseOffset, lastOffset }) => ({ partition, baseOffset, lastOffset })),
    );
  }

  /** Until there is an answer, or it took too long. */
  async #try<T>(work: () => Promise<T>): Promise<T> {
    const until = systemClock.now() + DELIVERY_MS;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await this.#remote.call(work);
      } catch (error) {
        const isPassing = logUnavailable.is(error) || notLeader.is(error) || storageFailed.is(error);
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
    return { producer: await this.#try(() => this.#remote.producer.initProducer({})), sequences: new Map() };
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
