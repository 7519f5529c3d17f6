/** Reading topics as a member of a group. */
import { throwIfAborted } from "../../errors.js";
import { Merged } from "../merge.js";
import { holding, sleep } from "../partition/clock.js";
import type { LogBatch } from "../topic.js";
import type { TransactionOwner } from "../transaction-types.js";
import { type ConsumeOptions, checkConsume } from "./consume-options.js";
import type { Assignment } from "./consumer-protocol.js";
import type { TopicPartition } from "./group-offsets.js";
import type { CommittedOffset } from "./group-records.js";
import { type CommitAs, type GroupReaderParts, Membership } from "./membership.js";

/** Consecutive records of one partition, which no other reader of the group has meanwhile. */
export interface GroupBatch extends LogBatch {
  readonly topic: string;
  /**
   * The group goes on behind this batch.
   *
   * @returns `false` where the partition belongs to another reader by now, which reads the batch again.
   */
  commit(): Promise<boolean>;
  /** @internal Commits what is behind it as the reader that has it. @returns as `commit`. */
  commitAs?(
    commit: (offset: CommittedOffset, ...by: Parameters<CommitAs>) => ReturnType<CommitAs>,
  ): Promise<boolean>;
  /** @internal Of a batch that a server reads: commits it there. */
  readonly sendIn?: SendIn | undefined;
}

/** Lets a server's reader commit its batch with a transaction. */
export interface SendIn {
  /** The connection to the log that has the batch. */
  readonly connection: object;
  readonly group: string;
  /** @returns as `GroupBatch.commit`. */
  send(owner: TransactionOwner): Promise<boolean>;
}

const COMMIT_MS = 1_000;
const AGAIN_MS = 100;
const NO_EPOCH = -1;

/** A partition that the reader has. */
interface Held extends TopicPartition {
  /** Aborted when it reads no more of it. */
  readonly ending: AbortController;
  /** Another may have it. */
  isOver: boolean;
}

/**
 * Reads topics as a member of a group, until it is broken off or aborted. Each record is read at least once: who breaks off
 * in the midst of a batch, or ends before it is committed, leaves it to the next.
 */
export async function* consume(
  parts: GroupReaderParts,
  topics: readonly string[],
  options: ConsumeOptions,
): AsyncGenerator<GroupBatch> {
  checkConsume(topics, options);
  const { signal } = options;
  throwIfAborted(signal);
  const reader = new GroupReader(parts, topics, options);
  const stop = () => reader.stop();
  signal?.addEventListener("abort", stop);
  try {
    yield* reader.read();
  } finally {
    signal?.removeEventListener("abort", stop);
    await reader.leave();
  }
}

class GroupReader {
  readonly #parts: GroupReaderParts;
  readonly #options: ConsumeOptions;
  readonly #membership: Membership;
  readonly #merged = new Merged<{ readonly held: Held; readonly batch: LogBatch }>();
  readonly #held = new Map<string, Held>();
  readonly #leaving = new AbortController();
  /** Whose batch somebody is busy with. */
  #inHand: Held | undefined;
  #putDown = () => {};
  /** What is done and not committed, by partition. */
  #done = new Map<string, CommittedOffset>();
  #committedAt = 0;
  #committing: Promise<void> = Promise.resolve();

  constructor(parts: GroupReaderParts, topics: readonly string[], options: ConsumeOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#membership = new Membership(parts, [...new Set(topics)], options, this.#leaving.signal, () =>
      this.#commitIfDue(),
    );
  }

  async *read(): AsyncGenerator<GroupBatch> {
    this.#follow().catch((error: unknown) => this.#merged.end({ error }));
    for (;;) {
      const next = await holding(this.#parts.clock, this.#merged.next());
      if (next === undefined) return;
      const { held, batch } = next.value;
      if (held.ending.signal.aborted) continue;
      const { topic, partition } = held;
      const offset = (batch.records.at(-1)?.offset as bigint) + 1n;
      const place = placeAt(held, offset, batch.leaderEpoch);
      this.#inHand = held;
      const isOver = () => held.isOver;
      yield {
        topic,
        ...batch,
        commit: () => this.#membership.commit([place], isOver),
        commitAs: (commit) => this.#membership.commitAs((...by) => commit(place, ...by), isOver),
      };
      if (this.#options.commit !== "manual") this.#done.set(keyOf({ topic, partition }), place);
      this.#inHand = undefined;
      this.#putDown();
      await this.#commitIfDue();
    }
  }

  /** Reads no more. Whoever has a batch gets the time to be done with it. */
  stop(): void {
    this.#merged.end();
  }

  /** Ends the reading, and gives its partitions to others. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    this.#membership.stopHeartbeats();
    for (const { ending } of this.#held.values()) ending.abort();
    this.#putDown();
    await this.#commitDone();
    await this.#membership.leave();
  }

  /** From one generation of the group to the next, while what it has is read. */
  async #follow(): Promise<void> {
    while (!this.#leaving.signal.aborted) {
      if (!this.#membership.isIncremental) await this.#release([...this.#held.values()]);
      const joined = await this.#membership.join(assignmentOf(this.#held.values()));
      if (joined === undefined) return;
      const wanted = joined === "lost" ? new Map<string, readonly number[]>() : joined.assignment;
      const gone = [...this.#held.values()].filter(
        ({ topic, partition }) => !wanted.get(topic)?.includes(partition),
      );
      await this.#take(wanted);
      await this.#release(gone);
      // Others get what this one has given up when it joins again.
      if (joined === "lost" || gone.length > 0) continue;
      if ((await this.#membership.untilEnding()) === "lost") await this.#release([...this.#held.values()]);
    }
  }

  /** Reads no more of them, and commits what is done: then they may be another's. */
  async #release(all: readonly Held[]): Promise<void> {
    if (all.length === 0) return;
    for (const { ending } of all) ending.abort();
    while (this.#inHand !== undefined && all.includes(this.#inHand) && !this.#leaving.signal.aborted)
      await new Promise<void>((resolve) => {
        this.#putDown = resolve;
      });
    // Who leaves commits what is done then.
    if (this.#leaving.signal.aborted) return;
    await this.#commitDone();
    for (const held of all) {
      held.isOver = true;
      this.#held.delete(keyOf(held));
    }
  }

  /** Reads what of it is not read yet. */
  async #take(assignment: Assignment): Promise<void> {
    const fresh = [...assignment]
      .flatMap(([topic, numbers]) => numbers.map((partition) => ({ topic, partition })))
      .filter((place) => !this.#held.has(keyOf(place)));
    const { isolation } = this.#options;
    for (const { topic, partition, from } of await this.#positions(fresh)) {
      if (this.#leaving.signal.aborted) return;
      const ending = new AbortController();
      const held = { topic, partition, ending, isOver: false };
      this.#held.set(keyOf(held), held);
      const { signal } = ending;
      const batches = this.#parts.topic(topic).read({ partition, from, isolation, follow: true, signal });
      this.#merged.add(named(held, batches));
    }
  }

  async #positions(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartition & { readonly from: bigint })[]> {
    if (partitions.length === 0) return [];
    const { group, from = "beginning", isolation, commit = "auto" } = this.#options;
    const { signal } = this.#leaving;
    // Whatever the reader takes in: what another has read, and commits with a transaction that is open yet, is not to be
    // read again beside it. So do Kafka's own clients.
    const fetch = () => this.#parts.groups.fetch(group, partitions, { requireStable: true });
    let fetched = await fetch();
    while (!signal.aborted && fetched.some(({ error }) => error !== undefined)) {
      await sleep(this.#parts.clock, AGAIN_MS, signal);
      fetched = await fetch();
    }
    const positions: (TopicPartition & { readonly from: bigint })[] = [];
    for (const topic of new Set(partitions.map((one) => one.topic))) {
      const offsets = await this.#parts.topic(topic).offsets();
      for (const committed of fetched.filter((one) => one.topic === topic)) {
        const { partition } = committed;
        const there = offsets[partition];
        if (there === undefined) continue;
        const offset = await this.#standing(committed);
        const { start } = there;
        const isThere = offset >= start && offset <= there.end;
        const end = isolation === "read_committed" ? there.lastStable : there.end;
        // Of what it has not come to, what is kept is not passed over.
        const begin = from === "beginning" || (offset >= 0n && offset < start) ? start : end;
        positions.push({ topic, partition, from: isThere ? offset : begin });
        // What comes from here on is the group's, though nothing comes before it ends.
        if (!isThere && commit === "auto")
          this.#done.set(keyOf({ topic, partition }), placeAt({ topic, partition }, begin));
      }
    }
    if (!signal.aborted) await this.#commitDone();
    return positions;
  }

  /** Where the group stands. Of what it has read and a server has lost, others have the offsets by now: they are read, too. */
  async #standing({ topic, partition, offset, leaderEpoch }: CommittedOffset): Promise<bigint> {
    if (leaderEpoch === NO_EPOCH) return offset;
    const { endOffset } = await this.#parts.topic(topic).endOfEpoch(partition, leaderEpoch);
    return endOffset >= 0n && endOffset < offset ? endOffset : offset;
  }

  async #commitIfDue(): Promise<void> {
    const now = this.#parts.clock.now();
    if (now - this.#committedAt < (this.#options.commitEveryMs ?? COMMIT_MS)) return;
    this.#committedAt = now;
    await this.#commitDone();
  }

  /** One after the other: a later one must not be overtaken. */
  #commitDone(): Promise<void> {
    const committing = this.#committing.then(async () => {
      const done = [...this.#done.values()];
      this.#done = new Map();
      if (done.length > 0) await this.#membership.commit(done, () => false);
    });
    this.#committing = committing.catch(() => undefined);
    return committing;
  }
}

function placeAt(
  { topic, partition }: TopicPartition,
  offset: bigint,
  leaderEpoch = NO_EPOCH,
): CommittedOffset {
  return { topic, partition, offset, leaderEpoch, metadata: "" };
}

function keyOf({ topic, partition }: TopicPartition): string {
  return JSON.stringify([topic, partition]);
}

function assignmentOf(places: Iterable<TopicPartition>): Assignment {
  const assignment = new Map<string, number[]>();
  for (const { topic, partition } of places)
    assignment.set(topic, [...(assignment.get(topic) ?? []), partition]);
  return assignment;
}

async function* named(held: Held, batches: AsyncGenerator<LogBatch>) {
  try {
    for await (const batch of batches) yield { held, batch };
  } catch (error) {
    // Of what is read no more, nobody waits for anything.
    if (!held.ending.signal.aborted) throw error;
  }
}
