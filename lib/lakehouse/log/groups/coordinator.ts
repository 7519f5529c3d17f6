import { randomUUID } from "node:crypto";
import type { LakehouseError } from "../../errors.js";
import { groupSubscribed } from "../errors.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { type LogRebalance, logRebalances } from "../metrics.js";
import type { Clock } from "../partition/clock.js";
import type { Ack } from "../partition/partition.js";
import { OpenTransactions } from "../producers/open-transactions.js";
import type { StateTopic } from "../state/state-topic.js";
import type { Ending, OffsetsStanding, ProducerIdentity } from "../transaction-types.js";
import { Group } from "./group.js";
import type { GroupEntries, GroupEntry } from "./group-entries.js";
import {
  type FetchedOffset,
  GroupOffsets,
  type OffsetOutcome,
  type TopicPartition,
} from "./group-offsets.js";
import {
  type CommittedOffset,
  type GroupRecord,
  type GroupValue,
  groupKey,
  heldKey,
  offsetKey,
} from "./group-records.js";
import type {
  GroupConfig,
  GroupDescription,
  Joined,
  JoinRequest,
  Leaving,
  Left,
  MemberOf,
  Synced,
  SyncRequest,
} from "./group-types.js";
import { anotherGeneration, gone, noSuchGroup, notAMember, notEmpty, transactionOver } from "./refusals.js";

/** How groups and their offsets are kept. */
export interface GroupsConfig extends GroupConfig {
  /** How long offsets stay that nobody reads on from, in milliseconds. */
  readonly offsetsRetentionMs: number;
  /** How often it is looked for such, in milliseconds. */
  readonly expiryCheckMs: number;
  /** The longest text that is kept with an offset, in bytes. */
  readonly offsetMetadataBytes: number;
  /** When a commit is done. */
  readonly stateAck: Ack;
}

/** What a coordinator needs of the log. */
export interface CoordinatorParts {
  readonly clock: Clock;
  readonly config: GroupsConfig;
  /** A topic by its name, where there is one. */
  readonly topic: (name: string) => Promise<TopicRecord | undefined>;
  /** A UUID where not given. */
  readonly newId?: (() => string) | undefined;
  /** Hears what fails while nobody waits for it. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** The groups of one partition of `__groups`: members in memory, generations and offsets as the partition has them. */
export class GroupCoordinator {
  readonly #parts: CoordinatorParts;
  readonly #state: StateTopic<GroupValue>;
  readonly #entries: GroupEntries;
  readonly #offsets: GroupOffsets;
  readonly #groups = new Map<string, Group>();
  readonly #transactions = new OpenTransactions();
  #cancel: () => void = () => {};
  #isClosed = false;

  /** @param entries what the state keeps its values in. */
  constructor(parts: CoordinatorParts, state: StateTopic<GroupValue>, entries: GroupEntries) {
    this.#parts = parts;
    this.#state = state;
    this.#entries = entries;
    const { clock, topic, config } = parts;
    const { stateAck: ack, offsetMetadataBytes: metadataBytes } = config;
    this.#offsets = new GroupOffsets({ clock, entries, state, ack, metadataBytes, topic });
    for (const group of entries.groups()) this.#find(group);
    this.#expireLater();
  }

  async join(group: string, request: JoinRequest): Promise<Joined> {
    const found = this.#find(group);
    if (found === undefined && request.memberId !== "") throw notAMember(group, request.memberId);
    return (found ?? this.#make(group)).join(request);
  }

  async sync(group: string, request: SyncRequest): Promise<Synced> {
    return this.#withMember(group, request.memberId).sync(request);
  }

  async heartbeat(group: string, request: MemberOf): Promise<void> {
    this.#withMember(group, request.memberId).heartbeat(request);
  }

  async leave(group: string, leaving: readonly Leaving[]): Promise<Left[]> {
    const found = this.#find(group);
    if (found !== undefined) return found.leave(leaving);
    return leaving.map((one) => ({ ...one, error: notAMember(group, one.memberId) }));
  }

  commit(group: string, by: MemberOf, offsets: readonly CommittedOffset[]): Promise<OffsetOutcome[]> {
    return this.#offsets.commit(group, offsets, () => this.#checkCommit(group, by, false));
  }

  /** @param ask the coordinator of the producer's transaction whether it goes on. */
  async hold(
    group: string,
    producer: ProducerIdentity,
    offsets: readonly CommittedOffset[],
    by: MemberOf,
    ask: () => Promise<OffsetsStanding>,
  ): Promise<OffsetOutcome[]> {
    const { producerId, epoch } = producer;
    const question = this.#transactions.ask(producerId);
    try {
      const { startedAt, ack } = await ask();
      const check = () => {
        this.#checkCommit(group, by, true);
        if (question.isOver) throw transactionOver(group, producerId);
        this.#transactions.add(producer, startedAt);
      };
      return await this.#offsets.hold(group, producerId, epoch, offsets, check, ack);
    } finally {
      question.done();
    }
  }

  /** @param isDecided asks the coordinator of the transaction whether that is how it ends. */
  async end(ending: Ending, isDecided: () => Promise<boolean>): Promise<void> {
    const { producerId } = ending;
    if (this.#entries.heldBy(producerId).length > 0) await this.#transactions.untilDecided(ending, isDecided);
    await this.#offsets.end(ending, () => {
      if (this.#isClosed) throw gone(`producer ${producerId}`);
      this.#transactions.endOf(ending);
    });
  }

  fetch(
    group: string,
    partitions: readonly TopicPartition[] | undefined,
    requireStable: boolean,
  ): Promise<FetchedOffset[]> {
    return this.#offsets.fetch(group, partitions, requireStable);
  }

  /** @throws LakehouseError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<OffsetOutcome[]> {
    const found = this.#there(group);
    const topics = found.state === "Empty" ? new Set<string>() : found.subscribedTopics();
    if (topics === undefined) throw notEmpty(group);
    await this.#offsets.remove(
      group,
      partitions.filter(({ topic }) => !topics.has(topic)),
    );
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      error: topics.has(topic) ? subscribed(group, topic) : undefined,
    }));
  }

  /** @throws LakehouseError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  async delete(group: string): Promise<void> {
    const found = this.#there(group);
    if (!found.kill()) throw notEmpty(group);
    await this.#bury(group, found);
  }

  /** @throws LakehouseError GROUP_ID_NOT_FOUND */
  describe(group: string): GroupDescription {
    return this.#there(group).describe();
  }

  list(): GroupDescription[] {
    for (const group of this.#entries.groups()) this.#find(group);
    return [...this.#groups.values()]
      .filter((group) => !this.#isNothing(group))
      .map((group) => group.describe());
  }

  /** Who waits hears that he is to ask again. */
  close(): void {
    this.#isClosed = true;
    this.#cancel();
    for (const group of this.#groups.values()) group.close(gone(group.id));
  }

  /**
   * Forgets what is older than it is kept: offsets of groups without members, since the last of them left, and of topics
   * that the members do not read, since they were committed. A group that has nothing more is forgotten, too.
   */
  async expire(): Promise<void> {
    const before = this.#parts.clock.now() - this.#parts.config.offsetsRetentionMs;
    for (const id of [...new Set([...this.#groups.keys(), ...this.#entries.groups()])]) {
      const group = this.#find(id);
      if (group === undefined || group.state === "Dead") continue;
      const entry = this.#entries.entry(id);
      const old = entry === undefined ? [] : expired(group, entry, before);
      if (old.length > 0) await this.#offsets.remove(id, old);
      if (this.#isClosed) return;
      const left = this.#entries.entry(id);
      if (left !== undefined && (left.offsets.size > 0 || left.held.size > 0)) continue;
      const isOver = this.#isNothing(group) || (group.state === "Empty" && group.since <= before);
      if (isOver && group.kill()) await this.#bury(id, group);
    }
  }

  async #bury(id: string, group: Group): Promise<void> {
    const entry = this.#entries.entry(id);
    const keys = entry === undefined ? [] : keysOf(id, entry);
    try {
      const { stateAck } = this.#parts.config;
      await this.#state.write(
        keys.map((key) => [key, undefined]),
        stateAck,
      );
    } catch (error) {
      group.revive();
      throw error;
    }
    this.#groups.delete(id);
  }

  #expireLater(): void {
    const { clock, config, onFailure } = this.#parts;
    this.#cancel = clock.after(config.expiryCheckMs, () => {
      void this.expire()
        // The disk fails: it is tried again with the next.
        .catch((error: unknown) => onFailure?.(error))
        .finally(() => {
          if (!this.#isClosed) this.#expireLater();
        });
    });
  }

  #checkCommit(group: string, by: MemberOf, isTransactional: boolean): void {
    if (this.#isClosed) throw gone(group);
    const found = this.#find(group);
    if (found !== undefined) found.checkCommit(by, isTransactional);
    else if (by.generation >= 0) throw anotherGeneration(group, by.generation, -1);
  }

  #withMember(group: string, memberId: string): Group {
    const found = this.#find(group);
    if (found === undefined) throw notAMember(group, memberId);
    return found;
  }

  /** Of a group that was only asked to be joined, and then was not, nobody knows. */
  #isNothing(group: Group): boolean {
    return group.isSimple && this.#entries.entry(group.id) === undefined;
  }

  #there(id: string): Group {
    const group = this.#find(id);
    if (group === undefined || group.state === "Dead") throw noSuchGroup(id);
    return group;
  }

  #find(id: string): Group | undefined {
    if (this.#isClosed) throw gone(id);
    const group = this.#groups.get(id);
    if (group !== undefined) return group;
    const entry = this.#entries.entry(id);
    return entry === undefined ? undefined : this.#make(id, entry);
  }

  #make(id: string, entry?: GroupEntry): Group {
    const { clock, config } = this.#parts;
    const parts = {
      clock,
      config,
      newId: this.#parts.newId ?? randomUUID,
      save: (record: GroupRecord) =>
        this.#state.set(groupKey(id), { group: id, kind: "group", record }, config.stateAck),
      onRebalance: (rebalance: LogRebalance) => logRebalances.publish(rebalance),
    };
    const group = new Group(id, parts, entry?.record);
    this.#groups.set(id, group);
    return group;
  }
}

function expired(group: Group, { offsets, held }: GroupEntry, before: number): TopicPartition[] {
  const isHeld = (topic: string, partition: number) =>
    [...held.values()].some((one) =>
      one.offsets.some((offset) => offset.topic === topic && offset.partition === partition),
    );
  const topics = group.state === "Empty" ? new Set<string>() : group.subscribedTopics();
  if (topics === undefined || (group.state !== "Empty" && group.state !== "Stable")) return [];
  const since = group.state === "Empty" && !group.isSimple ? group.since : 0;
  return [...offsets.values()]
    .flatMap((partitions) => [...partitions.values()])
    .filter(
      ({ topic, partition, committedAt }) =>
        !topics.has(topic) && Math.max(committedAt, since) <= before && !isHeld(topic, partition),
    );
}

function keysOf(group: string, { record, offsets, held }: GroupEntry): string[] {
  return [
    ...(record === undefined ? [] : [groupKey(group)]),
    ...[...offsets.values()].flatMap((partitions) =>
      Array.from(partitions.values(), ({ topic, partition }) => offsetKey(group, topic, partition)),
    ),
    ...Array.from(held.values(), ({ producerId, commit }) => heldKey(group, producerId, commit)),
  ];
}

function subscribed(group: string, topic: string): LakehouseError {
  return groupSubscribed(
    topic,
    `The group ${group} reads the topic ${topic}, so its offsets there stay.`,
    "Stop its readers first. One that was killed is let go when its session is over.",
  );
}
