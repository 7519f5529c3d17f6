import { firstEpoch } from "../claim-epoch.js";
import { type Change, type Expected, MOST_STEPS, type Put } from "../meta/mirror.js";
import { sleep } from "../partition/clock.js";
import { partitionKey } from "../wal/wal.js";
import type { Broker, Cluster, Endpoints, Leadership } from "./cluster.js";
import { brokerKey, idOf, type LeaderEntry, leaderKey, placeOf } from "./entries.js";
import { Membership, type MembershipParts } from "./membership.js";
import { type SharedTopic, shareOf, type TopicPartition } from "./share.js";

interface KnownLeader extends LeaderEntry {
  readonly at: TopicPartition;
  readonly revision: number;
}

export interface ClusterParts extends MembershipParts {
  readonly topics: () => Promise<readonly SharedTopic[]>;
}

/** What happens to what this process has of a partition. */
export interface Writing {
  /** Brings all into the object store, and takes no more. @returns whether that is done: else it goes on here. */
  give(topicId: string, partition: number): Promise<boolean>;
}

/** Partitions are claimed so many at a time, and with each the one that led it may be looked at. */
const CLAIMS = Math.floor(MOST_STEPS / 2);
/** Partitions are given to others so many at a time. */
const GIVES = 16;
/** A new server gets its share when it has been there for so long: whoever starts and ends at once moves nothing. */
const SETTLED_MS = 2_000;
const REGULARLY_MS = 1_000;
const UNTIL_LED_MS = 5_000;
/** How often claims are tried that others are in the way of. */
const TRIES = 5;

/**
 * The servers of a log, by what etcd says of them. Each has a lease, and one key that ends with it; a partition's key says
 * who led it last, and counts only while that server's session lives. So the end of a server ends its leadership of
 * thousands of partitions at once, and each other takes its share of them, by compare-and-set.
 *
 * A lease says who should write. That nobody else does is the object store's to see to: clocks may lie, and a process may be
 * stopped between looking at its lease and doing what it does by it.
 */
export class EtcdCluster implements Cluster {
  readonly isShared = true;
  readonly #parts: ClusterParts;
  readonly #members: Membership;
  readonly #leaders = new Map<string, KnownLeader>();
  readonly #listeners = new Set<() => void>();
  readonly #ending = new AbortController();
  /** Partitions that are being given to others. */
  readonly #giving = new Map<string, TopicPartition>();
  #writing: Writing | undefined;
  #governing: Promise<void> | undefined;
  #isToGovern = false;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#members = new Membership(parts, {
      begun: () => this.#claimOwn(),
      renewed: () => this.#govern(),
      lapsed: () => this.#notify(),
    });
    parts.mirror.onChange((changes) => this.#take(changes));
  }

  get self(): number {
    return this.#members.self;
  }

  get isLive(): boolean {
    return this.#members.isSure;
  }

  brokers(): readonly Broker[] {
    return this.#members.brokers();
  }

  announce(endpoints: Endpoints): Promise<void> {
    return this.#members.announce(endpoints);
  }

  leader(topicId: string, partition: number): Leadership | undefined {
    const known = this.#leaders.get(partitionKey(topicId, partition));
    if (known === undefined || !this.#members.isLive(known)) return undefined;
    const { broker, epoch } = known;
    return { broker, epoch };
  }

  leads(topicId: string, partition: number): boolean {
    const known = this.#leaders.get(partitionKey(topicId, partition));
    if (known === undefined || known.session !== this.#members.session || !this.isLive) return false;
    return this.#giving.size === 0 || !this.#giving.has(partitionKey(topicId, partition));
  }

  epoch(topicId: string, partition: number): number {
    return this.#leaders.get(partitionKey(topicId, partition))?.epoch ?? 0;
  }

  controller(): number | undefined {
    return this.brokers()[0]?.id;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when somebody leads the partition, or has not for a while: the others decide, too. */
  async untilLed(topicId: string, partition: number): Promise<void> {
    const { clock } = this.#parts;
    const isLed = () => this.leads(topicId, partition) || this.#othersLead(topicId, partition);
    if (isLed()) return;
    const over = new AbortController();
    const stop = this.onChange(() => {
      if (isLed()) over.abort();
    });
    await sleep(clock, UNTIL_LED_MS, over.signal);
    stop();
  }

  /**
   * Becomes one of the brokers, and leads again what it led last, as far as nobody else has since: what is in its
   * write-ahead log goes on there.
   *
   * @throws LakehouseError STORAGE_FAILED
   */
  async join(): Promise<void> {
    if (this.isLive) await this.#claimOwn();
    else await this.#members.begin();
    this.#members.stay();
  }

  /** From here on it takes its share of what nobody leads, and gives what is more than that. */
  lead(writing: Writing): void {
    this.#writing = writing;
    this.#govern();
    void this.#regularly();
  }

  /** The others take what it led, at once. */
  async leave(): Promise<void> {
    this.#ending.abort();
    await this.#members.stop();
    await this.#governing;
    await this.#members.end();
  }

  #othersLead(topicId: string, partition: number): boolean {
    const leader = this.leader(topicId, partition);
    return leader !== undefined && leader.broker !== this.self;
  }

  /** What it led last, and nobody has since. Where others have, that is known then. */
  async #claimOwn(): Promise<void> {
    const { home } = this.#parts;
    for (let tries = 0; tries < TRIES; tries++) {
      const own = [...this.#leaders.values()].filter(
        (one) => one.home === home.id && !this.#members.isLive(one),
      );
      if (own.length === 0) return;
      await this.#claim(own.map(({ at }) => at));
    }
  }

  #take(changes: readonly Change[]): void {
    // That somebody who lives leads more than before leaves nothing to do: of ten thousand partitions, each claim is heard of.
    let isToGovern = false;
    for (const { key, value, revision } of changes) {
      const id = idOf(key);
      const at = placeOf(key);
      if (id !== undefined) this.#members.take(id, value);
      else if (at !== undefined) {
        const place = partitionKey(at.topicId, at.partition);
        if (value === undefined) this.#leaders.delete(place);
        else this.#leaders.set(place, { ...(JSON.parse(value) as LeaderEntry), at, revision });
      }
      isToGovern ||= at === undefined || this.leader(at.topicId, at.partition) === undefined;
    }
    this.#notify();
    if (isToGovern) this.#govern();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  async #regularly(): Promise<void> {
    const { signal } = this.#ending;
    for (;;) {
      await sleep(this.#parts.clock, REGULARLY_MS, signal);
      if (signal.aborted) return;
      this.#govern();
    }
  }

  /** One after the other; what has changed meanwhile is looked at again. */
  #govern(): void {
    this.#isToGovern = true;
    if (this.#writing === undefined || this.#ending.signal.aborted) return;
    this.#governing ??= this.#governOn().finally(() => {
      this.#governing = undefined;
    });
  }

  async #governOn(): Promise<void> {
    while (this.#isToGovern && !this.#ending.signal.aborted) {
      this.#isToGovern = false;
      if (!this.isLive) return;
      try {
        await this.#governOnce();
      } catch (error) {
        // It is done again in a while.
        this.#parts.onFailure?.(error);
        return;
      }
    }
  }

  async #governOnce(): Promise<void> {
    const topics = [...(await this.#parts.topics())].sort((a, b) => (a.id < b.id ? -1 : 1));
    const leader = (id: string, partition: number) => this.leader(id, partition)?.broker;
    const { claims, gives } = shareOf(this.self, this.#eligible(), topics, leader);
    if (claims.length > 0) return this.#claim(claims, topics);
    await Promise.all([...this.#giving.values()].map((at) => this.#give(at)));
    if (this.#parts.elapsed() - this.#members.changed < SETTLED_MS) return;
    await Promise.all(gives.slice(0, GIVES).map((at) => this.#give(at)));
  }

  /** Who can be reached goes before who cannot, such as a program that has the log open to append to it. */
  #eligible(): number[] {
    const all = this.brokers();
    const reached = all.filter(({ kafka, grpc }) => kafka !== undefined || grpc !== undefined);
    return (reached.length > 0 ? reached : all).map(({ id }) => id);
  }

  /** @param topics of those that may have had no leader. */
  async #claim(places: readonly TopicPartition[], topics: readonly SharedTopic[] = []): Promise<void> {
    const lost = new Map(topics.map(({ id, epoch }) => [id, epoch]));
    for (let start = 0; start < places.length; start += CLAIMS) {
      const session = this.#members.session;
      if (session === undefined) return;
      const some = places.slice(start, start + CLAIMS);
      const expected: Expected[] = some.map((at) => ({
        key: leaderKey(at),
        revision: this.#leaders.get(partitionKey(at.topicId, at.partition))?.revision ?? 0,
      }));
      // A process that was stopped must not claim by a lease that is over,
      expected.push({ key: brokerKey(this.self), lease: session });
      // nor because it has heard of the leader and not yet of his session.
      for (const key of this.#formerOf(some))
        expected.push({ key, revision: this.#parts.mirror.get(key)?.revision ?? 0 });
      await this.#parts.mirror.change(
        expected,
        some.map((at) => this.#claimOf(at, session, lost.get(at.topicId))),
      );
    }
  }

  /** The brokers that led them last, but for this one and those that gave them up. */
  #formerOf(places: readonly TopicPartition[]): Set<string> {
    const former = places.map(
      ({ topicId, partition }) => this.#leaders.get(partitionKey(topicId, partition))?.broker ?? 0,
    );
    return new Set(former.filter((id) => id !== 0 && id !== this.self).map((id) => brokerKey(id)));
  }

  #claimOf(at: TopicPartition, session: string, lost = 0): Put {
    const { home, clock } = this.#parts;
    const before = this.#leaders.get(partitionKey(at.topicId, at.partition));
    const epoch =
      before === undefined ? Math.max(lost + 1, firstEpoch(clock.now())) : epochAfter(before, home.id);
    const entry: LeaderEntry = { broker: this.self, session, home: home.id, epoch };
    return { key: leaderKey(at), value: JSON.stringify(entry) };
  }

  async #give(at: TopicPartition): Promise<void> {
    const { topicId, partition } = at;
    const key = partitionKey(topicId, partition);
    const known = this.#leaders.get(key);
    if (known === undefined || known.session !== this.#members.session) {
      this.#giving.delete(key);
      return;
    }
    this.#giving.set(key, at);
    const isGiven = await this.#writing?.give(topicId, partition);
    if (isGiven) {
      const { home, epoch, revision } = known;
      const entry: LeaderEntry = { broker: 0, session: "", home, epoch };
      const put = { key: leaderKey(at), value: JSON.stringify(entry) };
      // Where this fails, it may have been given: then it is not led here until that is known.
      await this.#parts.mirror.change([{ key: leaderKey(at), revision }], [put]);
    }
    this.#giving.delete(key);
  }
}

function epochAfter({ home, epoch }: LeaderEntry, next: string): number {
  return home === next ? epoch : epoch + 1;
}
