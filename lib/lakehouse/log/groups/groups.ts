/** All consumer groups of a log. */

import { invalidConfig } from "../../errors.js";
import type { Cluster } from "../cluster/cluster.js";
import { WhileLed } from "../cluster/while-led.js";
import type { LogCore } from "../core.js";
import { noSuchTopic, notLeader } from "../errors.js";
import { GROUP_PARTITIONS, GROUP_TOPIC } from "../internal-topics.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { partitionOf } from "../partitioner.js";
import { openState, stateTopic } from "../state/open-state.js";
import type { Ending, OffsetsStanding, ProducerIdentity } from "../transaction-types.js";
import { type CoordinatorParts, GroupCoordinator, type GroupsConfig } from "./coordinator.js";
import { GroupEntries } from "./group-entries.js";
import type { FetchedOffset, OffsetOutcome, TopicPartition } from "./group-offsets.js";
import { type CommittedOffset, GROUP_FORMAT } from "./group-records.js";
import type {
  GroupDescription,
  GroupState,
  Joined,
  JoinRequest,
  Leaving,
  Left,
  MemberOf,
  Synced,
  SyncRequest,
} from "./group-types.js";
import { checkGroupId } from "./refusals.js";

/** As Kafka has them, but for the delay: it is three seconds there. */
const DEFAULTS: GroupsConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 500,
  maxSize: 10_000,
  offsetsRetentionMs: 7 * 24 * 60 * 60_000,
  expiryCheckMs: 10 * 60_000,
  offsetMetadataBytes: 4_096,
  stateAck: "wal",
};

/** Which groups to list; all where nothing is said. */
export interface GroupFilter {
  readonly states?: readonly GroupState[] | undefined;
}

/**
 * Groups, each by the coordinator that it belongs to. Whatever is asked, the group's id may be refused with
 * INVALID_GROUP_ID; a group that is being deleted or moved answers with COORDINATOR_NOT_AVAILABLE, and one that another
 * server coordinates with NOT_LEADER.
 */
export class Groups {
  readonly #topic: TopicRecord;
  readonly #coordinators: WhileLed<GroupCoordinator>;

  private constructor(core: LogCore, cluster: Cluster, topic: TopicRecord, config: GroupsConfig) {
    this.#topic = topic;
    const parts: CoordinatorParts = {
      clock: core.clock,
      config,
      topic: async (name) => {
        try {
          return await core.topic(name);
        } catch (error) {
          if (noSuchTopic.is(error)) return undefined;
          throw error;
        }
      },
    };
    this.#coordinators = new WhileLed({
      cluster,
      topic,
      open: async (number) => {
        const entries = new GroupEntries();
        const state = await openState(core, topic, number, GROUP_FORMAT, entries);
        return new GroupCoordinator(parts, state, entries);
      },
      close: (coordinator) => coordinator.close(),
    });
  }

  /** @throws LakehouseError LOG_IN_USE where another process writes the log; INVALID_CONFIG, CORRUPT_STATE, STORAGE_FAILED */
  static async open(core: LogCore, given: Partial<GroupsConfig> = {}): Promise<Groups> {
    const cluster = await core.cluster();
    // What only one machine has is lost with it, and by a takeover.
    const config = { ...DEFAULTS, ...given, ...(cluster.isShared ? { stateAck: "stored" as const } : {}) };
    for (const [name, value] of Object.entries(config))
      if (name !== "stateAck" && !(Number.isSafeInteger(value) && (value as number) >= 0))
        throw invalidConfig(
          name,
          `Groups cannot have ${String(value)} as their ${name}.`,
          "Give a whole number.",
        );
    // It has an epoch then, under which what follows is kept.
    if (!cluster.isShared) await core.startWriting();
    return new Groups(core, cluster, await stateTopic(core, GROUP_TOPIC, GROUP_PARTITIONS), config);
  }

  /** @throws LakehouseError as `Group.join` */
  async join(group: string, request: JoinRequest): Promise<Joined> {
    return (await this.#of(group)).join(group, request);
  }

  /** @throws LakehouseError as `Group.sync` */
  async sync(group: string, request: SyncRequest): Promise<Synced> {
    return (await this.#of(group)).sync(group, request);
  }

  /** @throws LakehouseError as `Group.heartbeat` */
  async heartbeat(group: string, request: MemberOf): Promise<void> {
    return (await this.#of(group)).heartbeat(group, request);
  }

  /** What each could not do is in its place. */
  async leave(group: string, leaving: readonly Leaving[]): Promise<Left[]> {
    return (await this.#of(group)).leave(group, leaving);
  }

  /**
   * Commits offsets, of a member or, while there is none, of nobody (generation -1). What a partition was refused for is in
   * its place: NO_SUCH_TOPIC, NO_SUCH_PARTITION, OFFSET_METADATA_TOO_LARGE.
   *
   * @throws LakehouseError as `Group.checkCommit`
   */
  async commit(group: string, by: MemberOf, offsets: readonly CommittedOffset[]): Promise<OffsetOutcome[]> {
    return (await this.#of(group, true)).commit(group, by, offsets);
  }

  /**
   * The same, which counts when the producer's transaction is committed.
   *
   * @param ask the transaction's coordinator, whether it goes on. The offsets survive what its records survive.
   */
  async hold(
    group: string,
    producer: ProducerIdentity,
    offsets: readonly CommittedOffset[],
    by: MemberOf,
    ask: () => Promise<OffsetsStanding>,
  ): Promise<OffsetOutcome[]> {
    return (await this.#of(group)).hold(group, producer, offsets, by, ask);
  }

  /**
   * A producer's transaction has ended: what it held becomes the groups', or is forgotten. Called again, it does nothing
   * more.
   *
   * @param ending of its epoch, or an earlier one, is what it held.
   * @param isDecided asks the transaction's coordinator whether it has to end so: the request may be an old one.
   * @throws LakehouseError COORDINATOR_NOT_AVAILABLE where it came late
   */
  async end(groups: readonly string[], ending: Ending, isDecided: () => Promise<boolean>): Promise<void> {
    const coordinators = await Promise.all(groups.map((group) => this.#of(group)));
    for (const coordinator of new Set(coordinators)) await coordinator.end(ending, isDecided);
  }

  /**
   * Where a group goes on: -1 for partitions that it has no offset of.
   *
   * @param partitions all that the group has offsets of, where not given.
   * @param requireStable answers with UNSTABLE_OFFSET_COMMIT, in its place, where a transaction holds the partition.
   */
  async fetch(
    group: string,
    partitions?: readonly TopicPartition[],
    { requireStable = false }: { readonly requireStable?: boolean | undefined } = {},
  ): Promise<FetchedOffset[]> {
    return (await this.#of(group, true)).fetch(group, partitions, requireStable);
  }

  /** @throws LakehouseError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP; a topic that members read: GROUP_SUBSCRIBED_TO_TOPIC, in its place */
  async deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<OffsetOutcome[]> {
    return (await this.#of(group, true)).deleteOffsets(group, partitions);
  }

  /** With its offsets. @throws LakehouseError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async delete(group: string): Promise<void> {
    return (await this.#of(group, true)).delete(group);
  }

  /** @throws LakehouseError GROUP_ID_NOT_FOUND */
  async describe(group: string): Promise<GroupDescription> {
    return (await this.#of(group, true)).describe(group);
  }

  /** Those that are coordinated here, by name. */
  async list({ states }: GroupFilter = {}): Promise<GroupDescription[]> {
    return (await this.#all())
      .flatMap((coordinator) => coordinator.list())
      .filter(({ state }) => states === undefined || states.length === 0 || states.includes(state))
      .sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  /** Who waits hears that he is to ask again. */
  close(): void {
    this.#coordinators.close();
  }

  /** Whether this process coordinates a group. */
  coordinates(group: string): boolean {
    return this.#coordinators.numbers.includes(this.placeOf(group).partition);
  }

  /** The partition that has a group: whoever leads it coordinates the group. */
  placeOf(group: string): { readonly topicId: string; readonly partition: number } {
    return { topicId: this.#topic.id, partition: partitionOf(group, this.#topic.partitions) };
  }

  #of(group: string, mayBeEmpty = false): Promise<GroupCoordinator> {
    checkGroupId(group, { mayBeEmpty });
    return this.#coordinators.of(partitionOf(group, this.#topic.partitions));
  }

  /** What is given to another server meanwhile is listed there. */
  async #all(): Promise<GroupCoordinator[]> {
    const opened = this.#coordinators.numbers.map((number) =>
      this.#coordinators.of(number).catch((error: unknown) => {
        if (!notLeader.is(error)) throw error;
      }),
    );
    return (await Promise.all(opened)).filter((coordinator) => coordinator !== undefined);
  }
}
