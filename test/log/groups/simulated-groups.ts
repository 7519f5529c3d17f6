/** Groups in a simulated world, and clients that do what they like. */
import { expect } from "vitest";
import { GroupCoordinator, type GroupsConfig } from "../../../lib/lakehouse/log/groups/coordinator.js";
import { GroupEntries } from "../../../lib/lakehouse/log/groups/group-entries.js";
import { GROUP_FORMAT } from "../../../lib/lakehouse/log/groups/group-records.js";
import type { Joined } from "../../../lib/lakehouse/log/groups/group-types.js";
import type { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { sleep } from "../../../lib/lakehouse/log/partition/clock.js";
import type { Ack } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import type { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import type { Marker } from "../../../lib/lakehouse/log/records/control.js";
import { StateTopic } from "../../../lib/lakehouse/log/state/state-topic.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { simulatedTopic } from "../support/simulated-server.js";
import type { World } from "../support/world.js";

export const GROUPS = simulatedTopic("__groups", "01234567-89ab-cdef-0123-456789abcdef", 1);
const FLIGHTS = simulatedTopic("flights", "11234567-89ab-cdef-0123-456789abcdef", 4);
const GROUP = "readers";
const PRODUCER = 7n;

const CONFIG: Omit<GroupsConfig, "stateAck"> = {
  minSessionTimeoutMs: 1,
  maxSessionTimeoutMs: 10_000,
  initialRebalanceDelayMs: 20,
  maxSize: 4,
  offsetsRetentionMs: 10 ** 15,
  expiryCheckMs: 10 ** 12,
  offsetMetadataBytes: 10,
};
/** What a client may hear, whatever it does right. */
const REFUSALS =
  /^(UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION|REBALANCE_IN_PROGRESS|FENCED_INSTANCE_ID|GROUP_MAX_SIZE_REACHED|INVALID_TXN_STATE|STORAGE_FAILED|CLOSED)$/;

/** A commit, in the order of the calls. */
interface Commit {
  readonly offset: bigint;
  /** It counts; undefined where nobody knows. */
  counts: boolean | undefined;
  /** Of one in a transaction: it was answered. */
  isHeld: boolean;
}

/** What is known of a group by those who were told, over all lives of the server. */
export class Chronicle {
  /** The largest that anybody has heard of. */
  generation = 0;
  readonly faults: string[] = [];
  readonly commits = new Map<number, Commit[]>(
    Array.from({ length: FLIGHTS.partitions }, (_, n) => [n, [{ offset: -1n, counts: true, isHeld: false }]]),
  );
  /** What the producer's transaction holds. */
  held: Commit[] = [];
  /** How the transaction is ending, where it is. */
  ending: Marker | undefined;
  /** The producer's transaction, by a number that grows. */
  startedAt = 1;
  /** Of this life of the server, once it is there. */
  coordinator: GroupCoordinator | undefined;
  readonly #hasStatic: boolean;
  readonly #leaders = new Map<number, string>();
  readonly #owners = new Map<string, string>();

  constructor(hasStatic: boolean) {
    this.#hasStatic = hasStatic;
  }

  heard({ generation, leader, memberId }: Joined): void {
    this.generation = Math.max(this.generation, generation);
    const before = this.#leaders.get(generation) ?? leader;
    // A static leader that comes back leads by another id.
    if (before !== leader && !this.#hasStatic)
      this.faults.push(`${memberId} heard of ${leader} as the leader of ${generation}, others of ${before}`);
    this.#leaders.set(generation, leader);
  }

  given(generation: number, name: string, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const key = `${generation}/${partition}`;
      const before = this.#owners.get(key) ?? name;
      if (before !== name) this.faults.push(`${key} belongs to ${before} and to ${name}`);
      this.#owners.set(key, name);
    }
  }

  /** Of each partition the last that counts when this is called, or one behind it of which nobody knows. */
  async check(coordinator: GroupCoordinator): Promise<void> {
    const since = [...this.commits.values()].map((commits) =>
      commits.findLastIndex(({ counts }) => counts === true),
    );
    const fetched = await coordinator.fetch(GROUP, undefined, false);
    for (const [partition, commits] of this.commits) {
      const possible = commits.slice(since[partition]).filter(({ counts }) => counts !== false);
      const found = fetched.find((one) => one.partition === partition)?.offset ?? -1n;
      expect(possible.map(({ offset }) => offset)).toContain(found);
    }
  }
}

export async function openCoordinator(world: World, meta: SqliteMeta, place: Place, stateAck: Ack) {
  const { store, clock, disk } = world;
  const sizes = { bufferBytes: 4_096, keptBytes: 300 };
  const writer = await untilItDoes(() => Writer.open({ store, clock, disk, meta, place, ...sizes }));
  const partition = await untilItDoes(() => writer.partition(GROUPS, 0));
  const segments = new Segments(store, place, 2_000);
  const reader = new PartitionReader(GROUPS, 0, { meta, segments, clock, writer: () => partition });
  const append = (batch: Uint8Array, ack: Ack) => partition.append(batch, ack);
  return untilItDoes(async () => {
    const entries = new GroupEntries();
    const at = { topic: GROUPS, number: 0, append, reader };
    const state = await StateTopic.open(at, GROUP_FORMAT, clock, entries);
    const topic = async (name: string) => (name === FLIGHTS.name ? FLIGHTS : undefined);
    return new GroupCoordinator(
      { clock, config: { ...CONFIG, stateAck }, topic, newId: () => String(world.random()) },
      state,
      entries,
    );
  });
}

/**
 * The producer's transaction ends, and those who asked for it come late, some of them in the next life; whoever waits for the end of one calls again until it
 * does, in the next life, too.
 */
export async function endTransaction(
  world: World,
  coordinator: GroupCoordinator,
  chronicle: Chronicle,
  marker: Marker,
): Promise<void> {
  chronicle.ending = marker;
  const { held } = chronicle;
  const isCommitted = marker === "commit";
  if (isCommitted) for (const commit of held) commit.counts = undefined;
  const { startedAt } = chronicle;
  const ending = { producerId: PRODUCER, epoch: 0, startedAt, marker, ack: "wal" } as const;
  const isDecided = async () => {
    const answer = chronicle.ending === marker && chronicle.startedAt === startedAt;
    if (world.chance(0.5)) await sleep(world.clock, world.below(300));
    return answer;
  };
  for (let late = world.below(3); late > 0; late--)
    world.network.clock.after(
      world.below(2_000),
      () => void chronicle.coordinator?.end(ending, isDecided).catch(() => undefined),
    );
  await untilItDoes(() => coordinator.end(ending, isDecided));
  for (const commit of held) if (commit.isHeld) commit.counts = isCommitted;
  chronicle.held = [];
  chronicle.ending = undefined;
  chronicle.startedAt++;
}

/** A client: it joins, reads nothing, commits what it pleases, leaves, falls silent, and comes back. */
export class SimulatedClient {
  readonly #world: World;
  readonly #chronicle: Chronicle;
  readonly #name: string;
  readonly #instanceId: string | undefined;
  #memberId = "";
  #generation = -1;
  #partitions: readonly number[] = [];
  #isBusy = false;
  #metadata = 0;

  constructor(world: World, chronicle: Chronicle, name: string, isStatic: boolean) {
    this.#world = world;
    this.#chronicle = chronicle;
    this.#name = name;
    this.#instanceId = isStatic ? name : undefined;
  }

  /** The server is another: what this one waited for never comes. */
  disconnect(): void {
    this.#isBusy = false;
  }

  async act(coordinator: GroupCoordinator): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#act(coordinator);
    } catch (error) {
      const { code = String(error) } = error as { code?: string };
      if (!REFUSALS.test(code)) this.#chronicle.faults.push(`${this.#name} heard ${String(error)}`);
      if (/UNKNOWN|FENCED/.test(code)) this.#memberId = "";
    }
    this.#isBusy = false;
  }

  async #act(coordinator: GroupCoordinator): Promise<void> {
    const { below, chance } = { below: this.#world.below(10), chance: this.#world.chance(0.3) };
    const by = { memberId: this.#memberId, generation: this.#generation, instanceId: this.#instanceId };
    if (this.#memberId === "" || this.#generation < 0 || below === 0) return this.#join(coordinator, chance);
    if (below < 5) return this.#commit(coordinator);
    if (below < 7) {
      try {
        return await coordinator.heartbeat(GROUP, by);
      } catch (error) {
        if ((error as { code?: string }).code !== "REBALANCE_IN_PROGRESS") throw error;
        return this.#join(coordinator, chance);
      }
    }
    if (below === 7) {
      await coordinator.leave(GROUP, [{ memberId: this.#memberId, instanceId: this.#instanceId }]);
      this.#memberId = "";
    } else if (below === 8) this.#memberId = "";
  }

  async #join(coordinator: GroupCoordinator, hasChanged: boolean): Promise<void> {
    if (hasChanged) this.#metadata++;
    const joined = await coordinator.join(GROUP, {
      memberId: this.#memberId,
      instanceId: this.#instanceId,
      clientId: this.#name,
      clientHost: "/",
      sessionTimeoutMs: 300,
      rebalanceTimeoutMs: 500,
      protocolType: "consumer",
      protocols: [{ name: "any", metadata: Buffer.from(String(this.#metadata)) }],
      needsMemberId: false,
      maySkipAssignment: true,
    });
    this.#chronicle.heard(joined);
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    this.#partitions = [];
    // It may end here, and never ask for its partitions.
    if (this.#world.chance(0.1)) return;
    const assignments = joined.skipAssignment ? [] : this.#assign(joined);
    const { memberId, generation } = joined;
    const synced = await coordinator.sync(GROUP, {
      memberId,
      generation,
      instanceId: this.#instanceId,
      assignments,
    });
    this.#partitions = [...synced.assignment];
    this.#chronicle.given(generation, this.#instanceId ?? memberId, this.#partitions);
  }

  /** Each partition to a member by chance; a partition is a byte. */
  #assign({ members }: Joined) {
    const given = members.map(({ memberId }) => ({ memberId, partitions: [] as number[] }));
    if (given.length > 0)
      for (let partition = 0; partition < FLIGHTS.partitions; partition++)
        given[this.#world.below(given.length)]?.partitions.push(partition);
    return given.map(({ memberId, partitions }) => ({ memberId, assignment: Buffer.from(partitions) }));
  }

  async #commit(coordinator: GroupCoordinator): Promise<void> {
    const { generation } = this.#chronicle;
    const isHeld = this.#chronicle.ending === undefined && this.#world.chance(0.2);
    const made = (this.#partitions.length > 0 ? this.#partitions : [0]).map((partition) => {
      const commits = this.#chronicle.commits.get(partition) as Commit[];
      const commit: Commit = {
        offset: BigInt(commits.length),
        counts: isHeld ? false : undefined,
        isHeld: false,
      };
      commits.push(commit);
      if (isHeld) this.#chronicle.held.push(commit);
      return { partition, commit };
    });
    const by = { memberId: this.#memberId, generation: this.#generation, instanceId: this.#instanceId };
    const offsets = made.map(({ partition, commit: { offset } }) => ({
      topic: FLIGHTS.name,
      partition,
      offset,
      leaderEpoch: -1,
      metadata: "",
    }));
    try {
      const outcomes = isHeld
        ? await coordinator.hold(GROUP, { producerId: PRODUCER, epoch: 0 }, offsets, by, async () => ({
            startedAt: this.#chronicle.startedAt,
            ack: "wal",
          }))
        : await coordinator.commit(GROUP, by, offsets);
      expect(outcomes.every(({ error }) => error === undefined)).toBe(true);
    } catch (error) {
      // On the disk or not: only a refusal says that it does not count.
      if ((error as { code?: string }).code !== "STORAGE_FAILED") this.#forget(made);
      throw error;
    }
    if (this.#generation < generation)
      this.#chronicle.faults.push(`a commit of ${this.#generation} counts after ${generation} had begun`);
    for (const { commit } of made)
      if (isHeld) commit.isHeld = true;
      else commit.counts = true;
  }

  #forget(made: readonly { readonly partition: number; readonly commit: Commit }[]): void {
    for (const { commit } of made) {
      commit.counts = false;
      this.#chronicle.held = this.#chronicle.held.filter((held) => held !== commit);
    }
  }
}

async function untilItDoes<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: string }).code !== "STORAGE_FAILED") throw error;
    }
  }
}
