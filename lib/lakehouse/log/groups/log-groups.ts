/** Consumer groups, for who looks after them. */
import { checkOptions, type OptionNames } from "../../options.js";
import type { LogCore } from "../core.js";
import { groupNotFound } from "../errors.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { offsetOf, type ReadFrom } from "../topic.js";
import { assignmentOf } from "./consumer-protocol.js";
import type { CommittedOffset } from "./group-records.js";
import type { GroupDescription } from "./group-types.js";
import type { GroupFilter, Groups } from "./groups.js";
import { notEmpty } from "./refusals.js";
import type { ReadGroups } from "./stored-groups.js";

/** How far a group is with a partition. */
export interface GroupLag {
  readonly topic: string;
  readonly partition: number;
  /** Where it goes on. */
  readonly offset: bigint;
  /** One behind the last record. */
  readonly end: bigint;
  /** How many offsets are between the two. */
  readonly lag: bigint;
  /** What was kept with the offset. */
  readonly metadata: string;
  /** The member that reads it, where there is one. */
  readonly memberId: string | undefined;
}

export interface GroupDetails extends GroupDescription {
  /** By topic and partition: of each that the group has an offset of. */
  readonly offsets: readonly GroupLag[];
}

export interface ResetGroupOptions {
  readonly topic: string;
  /** Where the group is to go on: an offset, the beginning, the end, or the first record of a time. */
  readonly to: ReadFrom;
  /** All of them where not given. */
  readonly partition?: number | undefined;
  /** Only says where the group would go on. */
  readonly dryRun?: boolean | undefined;
}

const RESET_OPTIONS: OptionNames<ResetGroupOptions> = {
  topic: true,
  to: true,
  partition: true,
  dryRun: true,
};

/**
 * The groups that read a log's topics, and where they are. Who reads as one calls `consume`. To list and to describe them
 * makes no process the one that writes: another sees them as the object store has them.
 */
export class LogGroups {
  readonly #core: LogCore;

  constructor(core: LogCore) {
    this.#core = core;
  }

  /** By name. @param filter `states`: only groups in one of them. */
  async list(filter: GroupFilter = {}): Promise<GroupDescription[]> {
    return (await this.#read()).list(filter);
  }

  /** A group with its members, and how far it is. @throws LakehouseError GROUP_ID_NOT_FOUND */
  async describe(group: string): Promise<GroupDetails> {
    const groups = await this.#read();
    const description = await groups.describe(group);
    const readers = new Map<string, string>();
    for (const { memberId, assignment } of description.members)
      for (const [topic, partitions] of assignmentOf(assignment) ?? [])
        for (const partition of partitions) readers.set(JSON.stringify([topic, partition]), memberId);
    const offsets: GroupLag[] = [];
    for (const { topic, partition, offset, metadata } of await groups.fetch(group)) {
      const { end } = await (await this.#core.partition(topic, partition)).reader.offsets();
      const lag = end > offset ? end - offset : 0n;
      const memberId = readers.get(JSON.stringify([topic, partition]));
      offsets.push({ topic, partition, offset, end, lag, metadata, memberId });
    }
    offsets.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
    return { ...description, offsets };
  }

  async #read(): Promise<ReadGroups> {
    const { isShared } = await this.#core.cluster();
    const own = this.#core.isWriting ? await this.#core.groups() : undefined;
    if (own !== undefined && !isShared) return own;
    const { storedGroups } = await import("./stored-groups.js");
    const stored = await storedGroups(this.#core);
    // Of those that other servers coordinate, the object store has what was committed.
    return own === undefined ? stored : joined(own, stored);
  }

  /** With its offsets. @throws LakehouseError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async delete(group: string): Promise<void> {
    await (await this.#core.groups()).delete(group);
  }

  /**
   * Lets a group go on elsewhere. It has no members meanwhile.
   *
   * @returns where it goes on, by partition.
   * @throws LakehouseError NON_EMPTY_GROUP, NO_SUCH_TOPIC, NO_SUCH_PARTITION, OFFSET_OUT_OF_RANGE, INVALID_ARGUMENT
   */
  async reset(group: string, options: ResetGroupOptions): Promise<CommittedOffset[]> {
    checkOptions("reset", options, RESET_OPTIONS);
    const { topic: name, to, partition, dryRun = false } = options;
    const groups = await this.#core.groups();
    const there = await groups.describe(group).catch((error: unknown) => {
      if (!groupNotFound.is(error)) throw error;
    });
    if (there !== undefined && there.state !== "Empty") throw notEmpty(group);
    const topic = await this.#core.topic(name);
    const numbers = partition === undefined ? everyPartition(topic) : [partition];
    const offsets: CommittedOffset[] = [];
    for (const number of numbers) {
      const { reader } = await this.#core.partitionOf(topic, number);
      const known = await reader.offsets();
      const offset = await offsetOf(reader, to, known);
      reader.check(offset, known);
      offsets.push({ topic: name, partition: number, offset, leaderEpoch: -1, metadata: "" });
    }
    if (!dryRun) await groups.commit(group, { memberId: "", generation: -1 }, offsets);
    return offsets;
  }
}

function joined(own: Groups, stored: ReadGroups): ReadGroups {
  const of = (group: string) => (own.coordinates(group) ? own : stored);
  return {
    list: async (filter) => {
      const elsewhere = (await stored.list(filter)).filter(({ group }) => !own.coordinates(group));
      return [...(await own.list(filter)), ...elsewhere].sort((a, b) => (a.group < b.group ? -1 : 1));
    },
    describe: (group) => of(group).describe(group),
    fetch: (group) => of(group).fetch(group),
  };
}

function everyPartition({ partitions }: TopicRecord): number[] {
  return Array.from({ length: partitions }, (_, number) => number);
}
