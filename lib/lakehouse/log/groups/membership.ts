/** A reader's part in its group: joining, assigning where it leads, and saying that it is there. */
import type { LakehouseError } from "../../errors.js";
import {
  coordinatorGone,
  illegalGeneration,
  memberIdRequired,
  rebalanceInProgress,
  unknownMember,
} from "../errors.js";
import { type Clock, sleep } from "../partition/clock.js";
import type { Topic } from "../topic.js";
import { ASSIGNORS, type AssignorName } from "./assignors.js";
import type { ConsumeOptions } from "./consume-options.js";
import {
  type Assignment,
  assignmentBytes,
  assignmentOf,
  cooperativeSubscriptionOf,
  keptIn,
  type Owned,
  ownedIn,
  subscriptionOf,
  topicsOf,
} from "./consumer-protocol.js";
import type { OffsetOutcome } from "./group-offsets.js";
import type { CommittedOffset } from "./group-records.js";
import type { Joined, MemberOf } from "./group-types.js";
import type { Groups } from "./groups.js";
import { IN_PROCESS } from "./member-records.js";

/** What a reader needs of a log, be it here or on a server. */
export interface GroupReaderParts {
  readonly clock: Clock;
  readonly groups: Pick<Groups, "join" | "sync" | "heartbeat" | "leave" | "commit" | "fetch">;
  readonly topic: (name: string) => Pick<Topic, "describe" | "offsets" | "read" | "endOfEpoch">;
}

/** Commits offsets as a member of a group, in whichever way. */
export type CommitAs = (group: string, by: MemberOf) => Promise<readonly OffsetOutcome[]>;

/** How members say what they have to who assigns. */
interface Saying {
  /** A member keeps what it has until it hears that others are to have it. */
  readonly isIncremental: boolean;
  readonly subscription: (topics: readonly string[], owned: Owned | undefined) => Uint8Array;
  readonly ownedIn: (subscription: Uint8Array) => Owned | undefined;
}

const SAYS_NOTHING: Saying = {
  isIncremental: false,
  subscription: (topics) => subscriptionOf(topics),
  ownedIn: () => undefined,
};
const SAYINGS: Readonly<Record<AssignorName, Saying>> = {
  range: SAYS_NOTHING,
  roundrobin: SAYS_NOTHING,
  sticky: { isIncremental: false, subscription: subscriptionOf, ownedIn },
  "cooperative-sticky": {
    isIncremental: true,
    subscription: cooperativeSubscriptionOf,
    ownedIn: keptIn,
  },
};

/** Joined; or taken for gone, so that all that it had may be another's by now. */
export type Membered = { readonly assignment: Assignment } | "lost";

const SESSION_MS = 45_000;
const REBALANCE_MS = 300_000;
const HEARTBEAT_MS = 3_000;
const AGAIN_MS = 100;

export class Membership {
  readonly isIncremental: boolean;
  readonly #parts: GroupReaderParts;
  readonly #topics: readonly string[];
  readonly #options: ConsumeOptions;
  readonly #assignor: AssignorName;
  /** Aborted when the reader leaves. */
  readonly #leaving: AbortSignal;
  readonly #onHeartbeat: () => Promise<void>;
  #memberId = "";
  #generation = -1;
  /** What it was assigned last, for who assigns next. */
  #owned: Owned | undefined;
  #joining: Promise<unknown> | undefined;
  #stopHeartbeats: () => void = () => {};
  /** How the generation ends, for this member. */
  #ending: Promise<"rebalance" | "lost"> = Promise.resolve("lost");
  /** How many partitions the topics had when this one assigned them. */
  #assigned: ReadonlyMap<string, number> | undefined;

  /** @param onHeartbeat called now and then, while it is a member. */
  constructor(
    parts: GroupReaderParts,
    topics: readonly string[],
    options: ConsumeOptions,
    leaving: AbortSignal,
    onHeartbeat: () => Promise<void>,
  ) {
    this.#parts = parts;
    this.#topics = topics;
    this.#options = options;
    this.#assignor = options.assignor ?? "range";
    this.isIncremental = SAYINGS[this.#assignor].isIncremental;
    this.#leaving = leaving;
    this.#onHeartbeat = onHeartbeat;
  }

  /**
   * Comes into the group's next generation.
   *
   * @param kept what the member still has. One that is not incremental has nothing any more.
   * @returns `undefined` where it leaves.
   */
  join(kept: Assignment): Promise<Membered | undefined> {
    const joining = this.#join(kept);
    const joined = joining.catch(() => undefined);
    this.#joining = joined;
    void joined.then(() => {
      if (this.#joining === joined) this.#joining = undefined;
    });
    return joining;
  }

  /** Resolves when it is to join again, while it is a member still, or is none any more; rejects with what else fails. */
  untilEnding(): Promise<"rebalance" | "lost"> {
    return this.#ending;
  }

  /** As `commitAs`, of these. */
  commit(offsets: readonly CommittedOffset[], isOver: () => boolean): Promise<boolean> {
    return this.commitAs((group, by) => this.#parts.groups.commit(group, by, offsets), isOver);
  }

  /** Whether offsets count: not where it is no member any more, or `isOver` says that another may have the partitions. */
  async commitAs(commit: CommitAs, isOver: () => boolean): Promise<boolean> {
    const { group, instanceId } = this.#options;
    while (!isOver()) {
      // Between two generations it is known by neither.
      const joining = this.#joining;
      try {
        const by = { memberId: this.#memberId, instanceId, generation: this.#generation };
        const outcomes = await commit(group, by);
        const refused = outcomes.find(({ error }) => error !== undefined)?.error;
        if (refused !== undefined) throw refused;
        return true;
      } catch (error) {
        const isBetween = rebalanceInProgress.is(error) || illegalGeneration.is(error);
        if (!isBetween || joining === undefined) {
          if (isRebalance(error)) return false;
          throw error;
        }
        await joining;
      }
    }
    return false;
  }

  stopHeartbeats(): void {
    this.#stopHeartbeats();
  }

  async leave(): Promise<void> {
    const { group, instanceId } = this.#options;
    // A static member comes back.
    if (this.#memberId === "" || instanceId !== undefined) return;
    // Where it fails, the group will miss it.
    await this.#parts.groups.leave(group, [{ memberId: this.#memberId }]).catch(() => undefined);
  }

  async #join(kept: Assignment): Promise<Membered | undefined> {
    for (const topic of this.#topics) await this.#parts.topic(topic).describe();
    while (!this.#leaving.aborted) {
      try {
        return await this.#joinOnce(kept);
      } catch (error) {
        if (this.#leaving.aborted) break;
        if (memberIdRequired.is(error)) this.#memberId = error.subject;
        else if (unknownMember.is(error) || illegalGeneration.is(error)) {
          if (unknownMember.is(error)) this.#memberId = "";
          return "lost";
        } else if (coordinatorGone.is(error)) await sleep(this.#parts.clock, AGAIN_MS, this.#leaving);
        else if (!rebalanceInProgress.is(error)) throw error;
      }
    }
    return undefined;
  }

  async #joinOnce(kept: Assignment): Promise<Membered> {
    const { group, instanceId } = this.#options;
    const { groups } = this.#parts;
    const saying = SAYINGS[this.#assignor];
    const { generation: since = -1 } = this.#owned ?? {};
    const owned = saying.isIncremental ? { generation: since, partitions: kept } : this.#owned;
    this.#stopHeartbeats();
    const joined = await groups.join(group, {
      memberId: this.#memberId,
      instanceId,
      clientId: "sololakehouse",
      clientHost: IN_PROCESS,
      sessionTimeoutMs: this.#sessionMs,
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? REBALANCE_MS,
      protocolType: "consumer",
      protocols: [{ name: this.#assignor, metadata: saying.subscription(this.#topics, owned) }],
      needsMemberId: true,
      maySkipAssignment: true,
    });
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    const { memberId, generation } = joined;
    const assignments = await this.#assign(joined);
    const { assignment } = await groups.sync(group, { memberId, instanceId, generation, assignments });
    const partitions = assignmentOf(assignment) ?? new Map();
    this.#owned = { generation, partitions };
    this.#beginHeartbeats();
    return { assignment: partitions };
  }

  async #assign({ members, skipAssignment }: Joined) {
    this.#assigned = undefined;
    if (members.length === 0 || skipAssignment) return [];
    const subscribers = members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      instanceId,
      topics: topicsOf(metadata) ?? [],
      owned: SAYINGS[this.#assignor].ownedIn(metadata),
    }));
    this.#assigned = await this.#count(subscribers.flatMap(({ topics }) => topics));
    const assigned = ASSIGNORS[this.#assignor](subscribers, this.#assigned);
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

  get #sessionMs(): number {
    return this.#options.sessionTimeoutMs ?? SESSION_MS;
  }

  #beginHeartbeats(): void {
    const ms = Math.min(HEARTBEAT_MS, this.#sessionMs / 3);
    this.#ending = new Promise((resolve, reject) => {
      if (this.#leaving.aborted) {
        resolve("lost");
        return;
      }
      let isOver = false;
      let cancel = () => {};
      const later = () => {
        if (!isOver) cancel = this.#parts.clock.after(ms, () => void this.#heartbeat().then(later, failed));
      };
      const failed = (error: unknown) => {
        // It is there, until it joins again: somebody may be busy with a batch.
        if (rebalanceInProgress.is(error)) {
          resolve("rebalance");
          later();
        } else if (isRebalance(error)) resolve("lost");
        else reject(error);
      };
      this.#stopHeartbeats = () => {
        isOver = true;
        cancel();
        resolve("lost");
      };
      later();
    });
    // Who reads may hear of it later, or not at all.
    this.#ending.catch(() => undefined);
  }

  async #heartbeat(): Promise<void> {
    const { group, instanceId } = this.#options;
    await this.#parts.groups.heartbeat(group, {
      memberId: this.#memberId,
      instanceId,
      generation: this.#generation,
    });
    await this.#onHeartbeat();
    if (this.#assigned === undefined) return;
    const now = await this.#count([...this.#assigned.keys()]);
    // Whoever assigned joins again where there are more partitions, or fewer topics: so all do.
    for (const [topic, count] of this.#assigned)
      if (now.get(topic) !== count) throw rebalanceInProgress(group, `The topic ${topic} has changed.`);
  }
}

/** The group goes on without it, or in another generation: it is to join again. */
function isRebalance(error: unknown): error is LakehouseError {
  return [rebalanceInProgress, unknownMember, illegalGeneration, coordinatorGone].some((kind) =>
    kind.is(error),
  );
}
