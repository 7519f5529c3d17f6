/** Reading topics as a member of a group. */
import { type LakehouseError, throwIfAborted } from "../../errors.js";
import {
  coordinatorGone,
  illegalGeneration,
  memberIdRequired,
  rebalanceInProgress,
  unknownMember,
} from "../errors.js";
import { merge } from "../merge.js";
import { type Clock, holding, sleep } from "../partition/clock.js";
import type { LogBatch, Topic } from "../topic.js";
import { ASSIGNORS, type AssignorName } from "./assignors.js";
import { type ConsumeOptions, checkConsume } from "./consume-options.js";
import {
  assignmentBytes,
  assignmentOf,
  type Owned,
  ownedIn,
  subscriptionOf,
  topicsOf,
} from "./consumer-protocol.js";
import type { TopicPartition } from "./group-offsets.js";
import type { CommittedOffset } from "./group-records.js";
import type { Joined } from "./group-types.js";
import type { Groups } from "./groups.js";
import { IN_PROCESS } from "./member-records.js";

/** Consecutive records of one partition, which no other reader of the group has meanwhile. */
export interface GroupBatch extends LogBatch {
  readonly topic: string;
  /**
   * The group goes on behind this batch.
   *
   * @returns `false` where the partition belongs to another reader by now, which reads the batch again.
   */
  commit(): Promise<boolean>;
}

/** What a reader needs of a log, be it here or on a server. */
export interface GroupReaderParts {
  readonly clock: Clock;
  readonly groups: Pick<Groups, "join" | "sync" | "heartbeat" | "leave" | "commit" | "fetch">;
  readonly topic: (name: string) => Pick<Topic, "describe" | "offsets" | "read">;
}

const SESSION_MS = 45_000;
const REBALANCE_MS = 300_000;
const COMMIT_MS = 1_000;
const HEARTBEAT_MS = 3_000;
const AGAIN_MS = 100;

/** A reader's time between two rebalances. */
interface Session {
  /** Where it begins with each partition. */
  readonly positions: readonly (TopicPartition & { readonly from: bigint })[];
  /** Ends it. */
  readonly ending: AbortController;
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
    while (!signal?.aborted) {
      const session = await holding(parts.clock, reader.join());
      if (session === undefined) return;
      yield* reader.read(session);
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    await reader.leave();
  }
}

class GroupReader {
  readonly #parts: GroupReaderParts;
  readonly #topics: readonly string[];
  readonly #options: ConsumeOptions;
  #memberId = "";
  #generation = -1;
  #session: Session | undefined;
  /** What is done and not committed, by partition. */
  #done = new Map<string, CommittedOffset>();
  #committedAt = 0;
  #cancelHeartbeat: () => void = () => {};
  /** What it was assigned last, for who assigns next. */
  #owned: Owned | undefined;
  /** How many partitions the topics had when this one assigned them. */
  #assigned: ReadonlyMap<string, number> | undefined;
  #failure: unknown;
  #leaving: Promise<void> | undefined;

  constructor(parts: GroupReaderParts, topics: readonly string[], options: ConsumeOptions) {
    this.#parts = parts;
    this.#topics = [...new Set(topics)];
    this.#options = options;
  }

  /** @returns `undefined` when it has left. */
  async join(): Promise<Session | undefined> {
    this.#session = undefined;
    for (const topic of this.#topics) await this.#parts.topic(topic).describe();
    while (this.#leaving === undefined) {
      try {
        return await this.#joinOnce();
      } catch (error) {
        if (this.#leaving !== undefined) break;
        if (memberIdRequired.is(error)) this.#memberId = error.subject;
        else if (unknownMember.is(error) || illegalGeneration.is(error)) this.#memberId = "";
        else if (coordinatorGone.is(error)) await sleep(this.#parts.clock, AGAIN_MS, this.#options.signal);
        else if (!rebalanceInProgress.is(error)) throw error;
      }
    }
    return undefined;
  }

  async *read({ positions, ending }: Session): AsyncGenerator<GroupBatch> {
    const { signal } = ending;
    const { isolation, commit = "auto" } = this.#options;
    const sources = positions.map(({ topic, partition, from }) =>
      named(topic, this.#parts.topic(topic).read({ partition, from, isolation, follow: true, signal })),
    );
    try {
      if (sources.length === 0) await holding(this.#parts.clock, ended(signal));
      for await (const { topic, batch } of merge(sources)) {
        if (signal.aborted) break;
        const { partition, records } = batch;
        const offset = (records.at(-1)?.offset as bigint) + 1n;
        const place = { topic, partition, offset, leaderEpoch: -1, metadata: "" };
        const generation = this.#generation;
        yield { topic, ...batch, commit: () => this.#commit([place], generation) };
        if (commit === "auto") this.#done.set(JSON.stringify([topic, partition]), place);
        if (signal.aborted) break;
        await this.#commitIfDue();
      }
    } finally {
      ending.abort();
    }
    if (this.#failure !== undefined) throw this.#failure;
    // Before others get the partitions, in the next generation.
    await this.#commitDone();
  }

  /** Reads no more. Whoever has a batch gets the time to be done with it. */
  stop(): void {
    if (this.#session !== undefined) this.#session.ending.abort();
    // What fails is thrown where the reading ends.
    else void this.leave().catch(() => undefined);
  }

  /** Ends the reading, and gives its partitions to others. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    this.#cancelHeartbeat();
    this.#session?.ending.abort();
    await this.#commitDone();
    const { group, instanceId } = this.#options;
    // A static member comes back.
    if (this.#memberId === "" || instanceId !== undefined) return;
    // Where it fails, the group will miss it.
    await this.#parts.groups.leave(group, [{ memberId: this.#memberId }]).catch(() => undefined);
  }

  async #joinOnce(): Promise<Session> {
    const { group, instanceId, assignor = "range" } = this.#options;
    const { groups } = this.#parts;
    this.#cancelHeartbeat();
    const joined = await groups.join(group, {
      memberId: this.#memberId,
      instanceId,
      clientId: "sololakehouse",
      clientHost: IN_PROCESS,
      sessionTimeoutMs: this.#sessionMs,
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? REBALANCE_MS,
      protocolType: "consumer",
      protocols: [
        {
          name: assignor,
          metadata: subscriptionOf(this.#topics, assignor === "sticky" ? this.#owned : undefined),
        },
      ],
      needsMemberId: true,
      maySkipAssignment: true,
    });
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    const { memberId, generation } = joined;
    const assignments = await this.#assign(joined, assignor);
    const { assignment } = await groups.sync(group, { memberId, instanceId, generation, assignments });
    const ending = new AbortController();
    this.#beginHeartbeats(ending);
    const partitions = assignmentOf(assignment) ?? new Map();
    this.#owned = { generation, partitions };
    this.#session = { positions: await this.#positions(partitions), ending };
    if (this.#leaving !== undefined) ending.abort();
    return this.#session;
  }

  async #assign({ members, skipAssignment }: Joined, assignor: AssignorName) {
    this.#assigned = undefined;
    if (members.length === 0 || skipAssignment) return [];
    const subscribers = members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      instanceId,
      topics: topicsOf(metadata) ?? [],
      owned: ownedIn(metadata),
    }));
    this.#assigned = await this.#count(subscribers.flatMap(({ topics }) => topics));
    const assigned = ASSIGNORS[assignor](subscribers, this.#assigned);
    return Array.from(assigned, ([memberId, assignment]) => ({
      memberId,
      assignment: assignmentBytes(assignment),
    }));
  }

  /** How many partitions each topic has. Others of the group may read topics that are not there. */
  async #count(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const topic of new Set(topics)) {
      const there = await this.#parts
        .topic(topic)
        .describe()
        .catch(() => undefined);
      if (there !== undefined) counts.set(topic, there.partitions);
    }
    return counts;
  }

  async #positions(assignment: ReadonlyMap<string, readonly number[]>): Promise<Session["positions"]> {
    const { group, from = "beginning", isolation, commit = "auto" } = this.#options;
    const partitions = [...assignment].flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    );
    const requireStable = isolation === "read_committed";
    let fetched = await this.#parts.groups.fetch(group, partitions, { requireStable });
    while (this.#leaving === undefined && fetched.some(({ error }) => error !== undefined)) {
      await sleep(this.#parts.clock, AGAIN_MS, this.#options.signal);
      fetched = await this.#parts.groups.fetch(group, partitions, { requireStable });
    }
    const positions: (TopicPartition & { readonly from: bigint })[] = [];
    for (const topic of assignment.keys()) {
      const offsets = await this.#parts.topic(topic).offsets();
      for (const committed of fetched.filter((one) => one.topic === topic)) {
        const there = offsets[committed.partition];
        if (there === undefined) continue;
        const { partition, offset } = committed;
        const isThere = offset >= there.start && offset <= there.end;
        const end = requireStable ? there.lastStable : there.end;
        const begin = from === "beginning" ? there.start : end;
        positions.push({ topic, partition, from: isThere ? offset : begin });
        // What comes from here on is the group's, though nothing comes before it ends.
        if (!isThere && commit === "auto")
          this.#done.set(JSON.stringify([topic, partition]), {
            topic,
            partition,
            offset: begin,
            leaderEpoch: -1,
            metadata: "",
          });
      }
    }
    if (this.#leaving === undefined) await this.#commitDone();
    return positions;
  }

  get #sessionMs(): number {
    return this.#options.sessionTimeoutMs ?? SESSION_MS;
  }

  #beginHeartbeats(ending: AbortController): void {
    const ms = Math.min(HEARTBEAT_MS, this.#sessionMs / 3);
    let isOver = false;
    let cancel = () => {};
    const later = () => {
      cancel = this.#parts.clock.after(ms, () => void this.#heartbeat().then(again, failed));
    };
    const again = () => {
      if (!isOver) later();
    };
    const failed = (error: unknown) => {
      ending.abort();
      // It is there, until it joins again: somebody may be busy with a batch.
      if (rebalanceInProgress.is(error)) again();
      else if (!isRebalance(error)) this.#failure = error;
    };
    this.#cancelHeartbeat = () => {
      isOver = true;
      cancel();
    };
    later();
  }

  async #heartbeat(): Promise<void> {
    const { group, instanceId } = this.#options;
    const { groups } = this.#parts;
    await groups.heartbeat(group, {
      memberId: this.#memberId,
      instanceId,
      generation: this.#generation,
    });
    await this.#commitIfDue();
    if (this.#assigned === undefined) return;
    const now = await this.#count([...this.#assigned.keys()]);
    // Whoever assigned joins again where there are more partitions, or fewer topics: so all do.
    for (const [topic, count] of this.#assigned)
      if (now.get(topic) !== count) throw rebalanceInProgress(group, `The topic ${topic} has changed.`);
  }

  async #commitIfDue(): Promise<void> {
    const now = this.#parts.clock.now();
    if (now - this.#committedAt < (this.#options.commitEveryMs ?? COMMIT_MS)) return;
    this.#committedAt = now;
    await this.#commitDone();
  }

  async #commitDone(): Promise<void> {
    const done = [...this.#done.values()];
    if (done.length === 0) return;
    this.#done = new Map();
    await this.#commit(done, this.#generation);
  }

  async #commit(offsets: readonly CommittedOffset[], generation: number): Promise<boolean> {
    const { group, instanceId } = this.#options;
    try {
      const by = { memberId: this.#memberId, instanceId, generation };
      const outcomes = await this.#parts.groups.commit(group, by, offsets);
      const refused = outcomes.find(({ error }) => error !== undefined)?.error;
      if (refused !== undefined) throw refused;
      return true;
    } catch (error) {
      if (isRebalance(error)) return false;
      throw error;
    }
  }
}

/** The group goes on without it, or in another generation: it is to join again. */
function isRebalance(error: unknown): error is LakehouseError {
  return [rebalanceInProgress, unknownMember, illegalGeneration, coordinatorGone].some((kind) =>
    kind.is(error),
  );
}

async function* named(topic: string, batches: AsyncGenerator<LogBatch>) {
  for await (const batch of batches) yield { topic, batch };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
