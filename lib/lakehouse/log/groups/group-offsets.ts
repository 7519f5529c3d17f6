/** The offsets of groups: committed, held by transactions, read and removed. */
import type { LakehouseError } from "../../errors.js";
import { noSuchPartition, noSuchTopic, offsetMetadataTooLarge, unstableOffset } from "../errors.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { logCommits } from "../metrics.js";
import type { Clock } from "../partition/clock.js";
import type { Ack } from "../partition/partition.js";
import type { StateTopic } from "../state/state-topic.js";
import type { Ending } from "../transaction-types.js";
import type { GroupEntries } from "./group-entries.js";
import {
  type CommittedOffset,
  type GroupValue,
  heldKey,
  type OffsetRecord,
  offsetKey,
} from "./group-records.js";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What became of one partition's offset. */
export interface OffsetOutcome extends TopicPartition {
  readonly error: LakehouseError | undefined;
}

/** Where a group goes on. */
export interface FetchedOffset extends CommittedOffset {
  readonly error: LakehouseError | undefined;
}

export interface OffsetParts {
  readonly clock: Clock;
  readonly entries: GroupEntries;
  readonly state: StateTopic<GroupValue>;
  readonly ack: Ack;
  /** The longest text that is kept with an offset, in bytes. */
  readonly metadataBytes: number;
  readonly topic: (name: string) => Promise<TopicRecord | undefined>;
}

const NO_EPOCH = -1;

type Change = readonly [string, GroupValue | undefined];

export class GroupOffsets {
  readonly #parts: OffsetParts;
  /** Of the last commit. */
  #commit = 0;
  /** Ends when those who called before have begun to write. */
  #turn: Promise<void> = Promise.resolve();
  /** What is on its way to the disk. */
  readonly #writing = new Set<Promise<void>>();

  constructor(parts: OffsetParts) {
    this.#parts = parts;
  }

  /**
   * Commits, in the order of the calls.
   *
   * @param check called in the moment of it: throws where it must not be.
   */
  async commit(
    group: string,
    offsets: readonly CommittedOffset[],
    check: () => void,
  ): Promise<OffsetOutcome[]> {
    const outcomes = await this.#append(offsets, check, (records) =>
      this.#write(
        records.map((record) => [offsetKey(group, record.topic, record.partition), offsetOf(group, record)]),
      ),
    );
    if (logCommits.hasSubscribers)
      logCommits.publish({ partitions: outcomes.filter(({ error }) => error === undefined).length });
    return outcomes;
  }

  /** Keeps offsets that count when the producer's transaction is committed. */
  async hold(
    group: string,
    producerId: bigint,
    epoch: number,
    offsets: readonly CommittedOffset[],
    check: () => void,
    ack: Ack,
  ): Promise<OffsetOutcome[]> {
    return this.#append(offsets, check, (records, commit) => {
      const record = { producerId, epoch, commit, offsets: records };
      const held: Change = [heldKey(group, producerId, commit), { group, kind: "held", record }];
      return this.#write([held], ack);
    });
  }

  /**
   * A transaction has ended: what it held counts, or is forgotten. Called again, it does nothing more.
   *
   * @param check called in the moment of it: throws where it must not be.
   */
  async end(ending: Ending, check: () => void): Promise<void> {
    const pass = await this.#takeTurn();
    try {
      // What it does depends on what was committed before, and that may be on its way.
      await Promise.allSettled(this.#writing);
      check();
      const writing = this.#write(this.#changesOf(ending), ending.ack);
      pass();
      await writing;
    } finally {
      pass();
    }
  }

  #changesOf({ producerId, epoch, marker }: Ending): Change[] {
    const { entries, clock } = this.#parts;
    const committedAt = clock.now();
    const latest = new Map<string, { readonly group: string; readonly record: OffsetRecord }>();
    const changes: Change[] = [];
    for (const [key, { group, record }] of entries.heldBy(producerId)) {
      // A later epoch's transaction is another.
      if (record.epoch > epoch) continue;
      changes.push([key, undefined]);
      for (const offset of record.offsets)
        latest.set(offsetKey(group, offset.topic, offset.partition), { group, record: offset });
    }
    if (marker === "abort") return changes;
    for (const [key, { group, record }] of latest) {
      const known = entries.get(key);
      // What was committed without the transaction since is the later word.
      if (known?.kind === "offset" && known.record.commit > record.commit) continue;
      changes.push([key, offsetOf(group, { ...record, committedAt })]);
    }
    return changes;
  }

  /**
   * @param partitions all that the group has offsets of, where not given.
   * @param requireStable answers with an error where a transaction holds offsets of the partition: what it does will be
   *   known soon.
   */
  async fetch(
    group: string,
    partitions: readonly TopicPartition[] | undefined,
    requireStable: boolean,
  ): Promise<FetchedOffset[]> {
    const entry = this.#parts.entries.entry(group);
    const records = [...(entry?.offsets.values() ?? [])].flatMap((one) => [...one.values()]);
    const topics = await this.#topics((partitions ?? records).map(({ topic }) => topic));
    const held = new Set<string>();
    if (requireStable)
      for (const { offsets } of entry?.held.values() ?? [])
        for (const { topic, partition } of offsets) held.add(offsetKey(group, topic, partition));
    const isThere = ({ topic, topicId }: OffsetRecord) => topics.get(topic)?.id === topicId;
    return (partitions ?? records.filter(isThere)).map(({ topic, partition }) => {
      const nothing = { topic, partition, offset: -1n, leaderEpoch: NO_EPOCH, metadata: "" };
      if (held.has(offsetKey(group, topic, partition)))
        return { ...nothing, error: unstable(topic, partition) };
      const record = entry?.offsets.get(topic)?.get(partition);
      if (record === undefined || !isThere(record)) return { ...nothing, error: undefined };
      const { offset, leaderEpoch, metadata } = record;
      return { topic, partition, offset, leaderEpoch, metadata, error: undefined };
    });
  }

  async remove(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    await this.#write(
      partitions.map(({ topic, partition }) => [offsetKey(group, topic, partition), undefined]),
    );
  }

  async #append(
    offsets: readonly CommittedOffset[],
    check: () => void,
    write: (records: OffsetRecord[], commit: number) => Promise<void>,
  ): Promise<OffsetOutcome[]> {
    const pass = await this.#takeTurn();
    try {
      const topics = await this.#topics(offsets.map(({ topic }) => topic));
      check();
      const commit = Math.max(this.#commit, this.#parts.entries.commits) + 1;
      this.#commit = commit;
      const committedAt = this.#parts.clock.now();
      const outcomes: OffsetOutcome[] = [];
      const records: OffsetRecord[] = [];
      for (const one of offsets) {
        const { topic, partition } = one;
        const error = this.#refusal(one, topics.get(topic));
        outcomes.push({ topic, partition, error });
        const topicId = topics.get(topic)?.id;
        if (error !== undefined || topicId === undefined) continue;
        const leaderEpoch = Math.max(one.leaderEpoch, NO_EPOCH);
        records.push({ ...one, leaderEpoch, topicId, committedAt, commit });
      }
      const writing = records.length === 0 ? undefined : write(records, commit);
      pass();
      await writing;
      return outcomes;
    } finally {
      pass();
    }
  }

  #refusal(
    { topic, partition, metadata }: CommittedOffset,
    there: TopicRecord | undefined,
  ): LakehouseError | undefined {
    if (there === undefined) return noSuchTopic(topic, `There is no topic ${topic}.`);
    const name = `${topic}/${partition}`;
    if (!Number.isInteger(partition) || partition < 0 || partition >= there.partitions)
      return noSuchPartition(name, `The topic ${topic} has ${there.partitions} partitions, from 0 on.`);
    const bytes = Buffer.byteLength(metadata);
    if (bytes <= this.#parts.metadataBytes) return undefined;
    return offsetMetadataTooLarge(
      name,
      `The text with the offset of ${name} has ${bytes} bytes, where ${this.#parts.metadataBytes} are kept.`,
      "Keep it elsewhere, and commit where.",
    );
  }

  /** Waits until those who called before have begun to write. @returns what lets the next begin. */
  async #takeTurn(): Promise<() => void> {
    const before = this.#turn;
    let pass = () => {};
    this.#turn = new Promise<void>((resolve) => {
      pass = resolve;
    });
    await before;
    return pass;
  }

  /** @param ack where more than the groups' own is asked for. */
  #write(changes: readonly Change[], ack: Ack = "wal"): Promise<void> {
    const isStored = ack === "stored" || this.#parts.ack === "stored";
    const writing = this.#parts.state.write(changes, isStored ? "stored" : "wal");
    this.#writing.add(writing);
    const done = () => this.#writing.delete(writing);
    writing.then(done, done);
    return writing;
  }

  async #topics(names: readonly string[]): Promise<Map<string, TopicRecord | undefined>> {
    const topics = new Map<string, TopicRecord | undefined>();
    for (const name of new Set(names)) topics.set(name, await this.#parts.topic(name));
    return topics;
  }
}

function offsetOf(group: string, record: OffsetRecord): GroupValue {
  return { group, kind: "offset", record };
}

function unstable(topic: string, partition: number) {
  const name = `${topic}/${partition}`;
  return unstableOffset(name, `A transaction that has not ended holds an offset of ${name}.`, "Try again.");
}
