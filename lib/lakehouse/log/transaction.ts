import { illegalGeneration, invalidTxnState } from "./errors.js";
import type { GroupBatch } from "./groups/group-reader.js";
import type { AppendedTo } from "./into-batches.js";
import type { NewRecord } from "./records/batch-builder.js";
import type { Marker } from "./records/control.js";

export interface AppendByProducerOptions {
  /** Where they all go; by key where not given, and those without one to one partition after the other. */
  readonly partition?: number | undefined;
}

/** Where a group goes on in a partition. */
export interface TransactionOffset {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to read. */
  readonly offset: bigint;
}

/** What a transaction is made of, in this process or at a server: each is told to call `begin` before it begins with one. */
export interface TransactionWork {
  readonly transactionalId: string;
  append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions,
    begin: () => void,
  ): Promise<AppendedTo[]>;
  sendOffsets(group: string, offsets: readonly TransactionOffset[], begin: () => void): Promise<void>;
  /** @returns `false` where another reader has the partition. */
  sendBatch(batch: GroupBatch, begin: () => void): Promise<boolean>;
  end(marker: Marker): Promise<void>;
}

/** A transaction of a producer, as long as it is open. */
export class Transaction {
  readonly #work: TransactionWork;
  readonly #pending = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;
  #hasBegun = false;
  #isOver = false;

  /** @internal */
  constructor(work: TransactionWork) {
    this.#work = work;
  }

  /**
   * Appends records, as `Topic.append` does. Where that fails, the transaction cannot be committed.
   *
   * @throws LakehouseError INVALID_TXN_STATE where the transaction has ended; PRODUCER_FENCED, NO_SUCH_TOPIC,
   *   NO_SUCH_PARTITION, INVALID_ARGUMENT, RECORD_TOO_LARGE, STORAGE_FAILED; LOG_UNAVAILABLE where a server does not answer
   */
  append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions = {},
  ): Promise<AppendedTo[]> {
    return this.#track((begin) => this.#work.append(topic, records, options, begin));
  }

  /**
   * Commits offsets of a group with the transaction: where it goes on, when what it read was dealt with in what is appended
   * here. Whoever asks for it: where several read as a group, `sendBatch` refuses who reads no more.
   *
   * @throws LakehouseError INVALID_TXN_STATE where the transaction has ended; PRODUCER_FENCED, INVALID_GROUP_ID, NO_SUCH_TOPIC,
   *   NO_SUCH_PARTITION, STORAGE_FAILED; LOG_UNAVAILABLE where a server does not answer
   */
  sendOffsets(group: string, offsets: readonly TransactionOffset[]): Promise<void> {
    return this.#track((begin) => this.#work.sendOffsets(group, offsets, begin));
  }

  /**
   * Commits with the transaction that the group goes on behind a batch of `consume`, when what came of it is appended here. Not
   * where another reader has the partition by now, which deals with the batch again: so what comes of it is there once. The
   * batch comes from the same log, in this process or by the same connection, and is read with `commit: "manual"`.
   *
   * @throws LakehouseError ILLEGAL_GENERATION where another reader has the partition; INVALID_TXN_STATE where the transaction
   *   has ended; PRODUCER_FENCED, INVALID_ARGUMENT, STORAGE_FAILED; LOG_UNAVAILABLE where a server does not answer
   * @example
   * for await (const batch of lake.log.consume(["flights"], { group: "delays", commit: "manual" }))
   *   await producer.transaction(async (tx) => {
   *     await tx.append("delays", delaysOf(batch.records));
   *     await tx.sendBatch(batch);
   *   });
   */
  async sendBatch(batch: GroupBatch): Promise<void> {
    await this.#track(async (begin) => {
      if (await this.#work.sendBatch(batch, begin)) return;
      throw illegalGeneration(
        `${batch.topic}/${batch.partition}`,
        `Another reader of the group has ${batch.topic}/${batch.partition} by now, and reads this batch again.`,
        "Leave the batch to it, and ask for the next.",
      );
    });
  }

  /** @internal Ends it, when all that was begun in it is done. */
  async end(marker: Marker): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#pending);
    if (marker === "commit" && this.#failure !== undefined) throw this.#failure.error;
    if (this.#hasBegun) await this.#work.end(marker);
  }

  async #track<Result>(work: (begin: () => void) => Promise<Result>): Promise<Result> {
    const { transactionalId } = this.#work;
    if (this.#isOver)
      throw invalidTxnState(
        transactionalId,
        `The transaction of ${transactionalId} has ended.`,
        "Await what is done in it before its function returns.",
      );
    const doing = work(() => {
      this.#hasBegun = true;
    });
    this.#pending.add(doing);
    try {
      return await doing;
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      this.#pending.delete(doing);
    }
  }
}
