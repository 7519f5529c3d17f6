import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import { sleep } from "../../../lib/lakehouse/log/partition/clock.js";
import type { Ack, Appended } from "../../../lib/lakehouse/log/partition/partition.js";
import { sequenceAfter } from "../../../lib/lakehouse/log/producers/producer-states.js";
import type { ProducerIdentity } from "../../../lib/lakehouse/log/transaction-types.js";
import { batchOf } from "./records.js";
import type { SimulatedServer } from "./simulated-server.js";
import type { World } from "./world.js";

/** The machine, as clients see it: one server after the other. */
export class Connection {
  #server: SimulatedServer | undefined;
  #waiting: (() => void)[] = [];
  #lose: (error: unknown) => void = () => {};
  #lost: Promise<never> = Promise.reject(LOST);

  constructor() {
    this.#lost.catch(() => undefined);
  }

  up(server: SimulatedServer): void {
    this.#server = server;
    this.#lost = new Promise((_, reject) => {
      this.#lose = reject;
    });
    this.#lost.catch(() => undefined);
    for (const go of this.#waiting.splice(0)) go();
  }

  down(): void {
    this.#server = undefined;
    this.#lose(LOST);
  }

  /** Does it, again and again where the answer is lost or the disk fails: as Kafka's clients do. */
  async call<T>(work: (server: SimulatedServer) => Promise<T>): Promise<T> {
    for (;;) {
      const server = this.#server;
      if (server === undefined) {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
        continue;
      }
      try {
        return await Promise.race([work(server), this.#lost]);
      } catch (error) {
        if (error !== LOST && codeOf(error) !== "STORAGE_FAILED") throw error;
      }
    }
  }
}

const LOST = new Error("The server has died.");

export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}

/**
 * How a transaction, or a batch of none, may end. `open`: nobody sees it as committed. `asked`: all of it is seen, or nothing.
 * `committed`: all of it. `any`: it was on a disk that is lost.
 */
export type Fate = "open" | "asked" | "committed" | "any";

/** What was sent together, and has to be seen together. */
export interface Sent {
  readonly ack: Ack;
  readonly isTransactional: boolean;
  /** By partition. */
  readonly values: { readonly partition: number; readonly value: string }[];
  fate: Fate;
}

const REFUSALS = /^(PRODUCER_FENCED|OUT_OF_ORDER_SEQUENCE|INVALID_TXN_STATE|INVALID_PRODUCER_ID_MAPPING)$/;

/** A producer of Kafka's, which outlives the server: `next` does one thing after the other. */
export class SimulatedClient {
  readonly #world: World;
  readonly #connection: Connection;
  readonly #topic: TopicRecord;
  readonly #transactionalId: string | undefined;
  readonly #sent: Sent[];
  readonly #number: number;
  #identity: ProducerIdentity | undefined;
  #sequences: number[] = [];
  #count = 0;
  isBusy = false;

  /** @param sent gets all that it sends. */
  constructor(
    world: World,
    connection: Connection,
    topic: TopicRecord,
    number: number,
    transactionalId: string | undefined,
    sent: Sent[],
  ) {
    this.#world = world;
    this.#connection = connection;
    this.#topic = topic;
    this.#number = number;
    this.#transactionalId = transactionalId;
    this.#sent = sent;
  }

  /** Does the next thing: a transaction from its beginning to its end, or a batch. Refused, it begins anew. */
  async next(): Promise<void> {
    this.isBusy = true;
    try {
      this.#identity ??= await this.#init();
      await (this.#transactionalId === undefined ? this.#batch() : this.#transaction(this.#transactionalId));
    } catch (error) {
      if (!REFUSALS.test(codeOf(error) ?? "")) throw error;
      this.#identity = undefined;
    } finally {
      this.isBusy = false;
    }
  }

  async #init(): Promise<ProducerIdentity> {
    this.#sequences = this.#sequences.map(() => 0);
    const timeoutMs = 100 + this.#world.below(2_000);
    const transactionalId = this.#transactionalId;
    const identity = await this.#connection.call(async ({ coordinator, producerIds }) =>
      transactionalId === undefined
        ? { producerId: await producerIds.take(), epoch: 0 }
        : coordinator.initProducerId({ transactionalId, timeoutMs }),
    );
    // Near the end of the numbers, now and then. Of a producer that is not known, any is the first.
    const first = this.#world.chance(0.5) ? 0 : 2 ** 31 - 1 - this.#world.below(4);
    this.#sequences = Array.from({ length: this.#topic.partitions }, () =>
      transactionalId === undefined ? first : 0,
    );
    return identity;
  }

  async #batch(): Promise<void> {
    const sent = this.#begin(false);
    // Once it is sent, it may be there.
    sent.fate = "asked";
    await this.#send(sent, this.#world.below(this.#topic.partitions), "idempotent");
    if (sent.fate === "asked") sent.fate = "committed";
  }

  async #transaction(transactionalId: string): Promise<void> {
    const owner = { transactionalId, ...(this.#identity as ProducerIdentity) };
    const sent = this.#begin(true);
    const batches = 1 + this.#world.below(3);
    for (let i = 0; i < batches; i++) {
      const partition = this.#world.below(this.#topic.partitions);
      await this.#connection.call(({ coordinator }) =>
        coordinator.addPartitions(owner, [{ topicId: this.#topic.id, partition }], sent.ack),
      );
      await this.#send(sent, partition, "transactional");
    }
    const marker = this.#world.chance(0.7) ? "commit" : "abort";
    if (marker === "commit" && sent.fate === "open") sent.fate = "asked";
    await this.#connection.call(({ coordinator }) => coordinator.endTransaction(owner, marker));
    if (marker === "commit" && sent.fate === "asked") sent.fate = "committed";
  }

  #begin(isTransactional: boolean): Sent {
    const ack = this.#world.chance(0.5) ? "wal" : "stored";
    const sent: Sent = { ack, isTransactional, values: [], fate: "open" };
    this.#sent.push(sent);
    return sent;
  }

  async #send(sent: Sent, partition: number, kind: "idempotent" | "transactional"): Promise<void> {
    const { producerId, epoch: producerEpoch } = this.#identity as ProducerIdentity;
    const records = Array.from({ length: 1 + this.#world.below(3) }, () => ({
      value: `${this.#number}-${this.#count++}`.padEnd(this.#world.below(150), "."),
    }));
    for (const { value } of records) sent.values.push({ partition, value });
    const baseSequence = this.#sequences[partition] as number;
    const once = () =>
      this.#connection.call(async ({ writer, coordinator }) => {
        const batch = await batchOf(records, "none", 0n, { producerId, producerEpoch, baseSequence, kind });
        const to = await writer.partition(this.#topic, partition);
        if (kind === "transactional") {
          const at = { topicId: this.#topic.id, partition };
          await to.transactions.learn({ producerId, epoch: producerEpoch }, async () => {
            const standing = coordinator.standing({ producerId, epoch: producerEpoch }, at);
            // The end may overtake the answer.
            if (this.#world.chance(0.5)) await sleep(this.#world.clock, this.#world.below(20));
            return standing.state === "open" ? standing.startedAt : undefined;
          });
        }
        return to.append(batch, sent.ack);
      });
    const answers: Appended[] = await Promise.all(this.#world.chance(0.2) ? [once(), once()] : [once()]);
    this.#sequences[partition] = sequenceAfter(baseSequence, records.length);
    if (answers.some(({ baseOffset }) => baseOffset !== answers[0]?.baseOffset))
      throw new Error(`one batch is at ${answers.map(({ baseOffset }) => baseOffset).join(" and ")}`);
  }
}
