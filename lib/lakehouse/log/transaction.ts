import { invalidArgument } from "../errors.js";
import type { LogCore } from "./core.js";
import { illegalGeneration, invalidTxnState } from "./errors.js";
import type { GroupBatch } from "./groups/group-reader.js";
import type { MemberOf } from "./groups/group-types.js";
import type { AppendedTo } from "./into-batches.js";
import type { TopicRecord } from "./meta/log-meta.js";
import type { Ack } from "./partition/partition.js";
import type { NewRecord } from "./records/batch-builder.js";
import type { Marker } from "./records/control.js";
import type { TransactionOwner } from "./transaction-types.js";
import type { Transactions } from "./transactions/transactions.js";

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

/** The library's reader of a group is no member of it that could be told apart. */
const NOBODY: MemberOf = { memberId: "", generation: -1 };

/** Makes batches of records and sends them, when `add` has made their partitions part of the transaction. */
type Send = (
  topic: string,
  records: NewRecord | readonly NewRecord[],
  options: AppendByProducerOptions,
  add: (topic: TopicRecord, partitions: readonly number[]) => Promise<void>,
) => Promise<AppendedTo[]>;

/** A transaction of a producer, as long as it is open. */
export class Transaction {
  readonly #core: LogCore;
  readonly #transactions: Transactions;
  readonly #owner: TransactionOwner;
  readonly #ack: Ack;
  readonly #send: Send;
  readonly #pending = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;
  #hasBegun = false;
  #isOver = false;

  /** @internal */
  constructor(core: LogCore, transactions: Transactions, owner: TransactionOwner, ack: Ack, send: Send) {
    this.#core = core;
    this.#transactions = transactions;
    this.#owner = owner;
    this.#ack = ack;
    this.#send = send;
  }

  /**
   * Appends records, as `Topic.append` does. Where that fails, the transaction cannot be committed.
   *
   * @throws LakehouseError INVALID_TXN_STATE where the transaction has ended; PRODUCER_FENCED, NO_SUCH_TOPIC,
   *   NO_SUCH_PARTITION, INVALID_ARGUMENT, RECORD_TOO_LARGE, STORAGE_FAILED
   */
  async append(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    options: AppendByProducerOptions = {},
  ): Promise<AppendedTo[]> {
    return this.#track(() =>
      this.#send(topic, records, options, async ({ id: topicId }, partitions) => {
        this.#hasBegun = true;
        await this.#transactions.addPartitions(
          this.#owner,
          partitions.map((partition) => ({ topicId, partition })),
          this.#ack,
        );
      }),
    );
  }

  /**
   * Commits offsets of a group with the transaction: where it goes on, when what it read was dealt with in what is appended
   * here. Whoever asks for it: where several read as a group, `sendBatch` refuses who reads no more.
   *
   * @throws LakehouseError INVALID_TXN_STATE where the transaction has ended; PRODUCER_FENCED, INVALID_GROUP_ID, NO_SUCH_TOPIC,
   *   NO_SUCH_PARTITION, STORAGE_FAILED
   */
  async sendOffsets(group: string, offsets: readonly TransactionOffset[]): Promise<void> {
    await this.#track(async () => {
      this.#hasBegun = true;
      await this.#transactions.addOffsets(this.#owner, group, this.#ack);
      const committed = offsets.map((one) => ({ ...one, leaderEpoch: -1, metadata: "" }));
      const groups = await this.#core.groups();
      const outcomes = await groups.hold(group, this.#owner, committed, NOBODY, () =>
        this.#core.checkOffsets(this.#owner, group),
      );
      for (const { error } of outcomes) if (error !== undefined) throw error;
    });
  }

  /**
   * Commits with the transaction that the group goes on behind a batch of `consume`, when what came of it is appended here. Not
   * where another reader has the partition by now, which deals with the batch again: so what comes of it is there once. The
   * batch is of this process, and read with `commit: "manual"`.
   *
   * @throws LakehouseError ILLEGAL_GENERATION where another reader has the partition; INVALID_TXN_STATE where the transaction
   *   has ended; PRODUCER_FENCED, INVALID_ARGUMENT, STORAGE_FAILED
   * @example
   * for await (const batch of lake.log.consume(["flights"], { group: "delays", commit: "manual" }))
   *   await producer.transaction(async (tx) => {
   *     await tx.append("delays", delaysOf(batch.records));
   *     await tx.sendBatch(batch);
   *   });
   */
  async sendBatch(batch: GroupBatch): Promise<void> {
    await this.#track(async () => {
      if (batch.commitAs === undefined)
        throw invalidArgument(
          "batch",
          "This batch is none that this process reads as a member of a group.",
          "Give a batch of lake.log.consume.",
        );
      this.#hasBegun = true;
      const groups = await this.#core.groups();
      const isHeld = await batch.commitAs(async (offset, group, by) => {
        await this.#transactions.addOffsets(this.#owner, group, this.#ack);
        return groups.hold(group, this.#owner, [offset], by, () =>
          this.#core.checkOffsets(this.#owner, group),
        );
      });
      if (isHeld) return;
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
    if (this.#hasBegun) await this.#transactions.endTransaction(this.#owner, marker);
  }

  async #track<Result>(work: () => Promise<Result>): Promise<Result> {
    const { transactionalId } = this.#owner;
    if (this.#isOver)
      throw invalidTxnState(
        transactionalId,
        `The transaction of ${transactionalId} has ended.`,
        "Await what is done in it before its function returns.",
      );
    const doing = work();
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
