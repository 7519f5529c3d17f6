/** The members of a group, and what they agree on. */
import type { Joined, Synced } from "./group-types.js";
import type { Waiting } from "./waiting.js";

/** A way of assigning partitions that a member knows, and what it says of itself to the leader that uses it. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** What a member is, to others. */
export interface MemberIdentity {
  readonly memberId: string;
  /** Of a static member (KIP-345): who comes back with it takes its place. */
  readonly instanceId: string | undefined;
  readonly clientId: string;
  /** Where it connects from. */
  readonly clientHost: string;
}

export interface Member extends MemberIdentity {
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  /** The one that it would rather have first. */
  protocols: readonly GroupProtocol[];
  /** What the leader gave it; empty where it has none. */
  assignment: Uint8Array;
  /** It has never heard of a generation, and so does not know its id: it cannot send heartbeats. */
  isNew: boolean;
  /** It has asked for its assignment in this generation. */
  hasSynced: boolean;
  syncing: Waiting<Synced> | undefined;
  /** Ends the timer by which it is taken for gone. */
  cancel: () => void;
}

const NO_METADATA = new Uint8Array();

export class Members implements Iterable<Member> {
  readonly #members = new Map<string, Member>();
  readonly #byInstance = new Map<string, string>();
  readonly #joining = new Map<string, Waiting<Joined>>();
  /** How many members know each protocol. */
  readonly #known = new Map<string, number>();
  #leader: string | undefined;

  get size(): number {
    return this.#members.size;
  }

  /** How many wait for the rebalance to be complete. */
  get joiningCount(): number {
    return this.#joining.size;
  }

  /** Of whoever assigns. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** The longest that a member needs to join again, in milliseconds. */
  get rebalanceTimeoutMs(): number {
    let most = 0;
    for (const { rebalanceTimeoutMs } of this) most = Math.max(most, rebalanceTimeoutMs);
    return most;
  }

  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values();
  }

  get(memberId: string): Member | undefined {
    return this.#members.get(memberId);
  }

  has(memberId: string, instanceId: string | undefined): boolean {
    return this.#members.has(memberId) || (instanceId !== undefined && this.#byInstance.has(instanceId));
  }

  /** The member that has the instance's id now. */
  ofInstance(instanceId: string): Member | undefined {
    return this.#members.get(this.#byInstance.get(instanceId) ?? "");
  }

  add(member: Member): void {
    this.#members.set(member.memberId, member);
    if (member.instanceId !== undefined) this.#byInstance.set(member.instanceId, member.memberId);
    this.#count(member.protocols, 1);
    this.#leader ??= member.memberId;
  }

  /** @returns who waited for it to join. */
  remove(member: Member): Waiting<Joined> | undefined {
    this.#members.delete(member.memberId);
    if (member.instanceId !== undefined) this.#byInstance.delete(member.instanceId);
    this.#count(member.protocols, -1);
    if (this.#leader === member.memberId) this.#leader = this.#members.keys().next().value;
    const waiting = this.#joining.get(member.memberId);
    this.#joining.delete(member.memberId);
    return waiting;
  }

  /** Another takes a static member's place, and its assignment; and leads where it led. @returns who waited. */
  replace(old: Member, member: Member): Waiting<Joined> | undefined {
    const leads = this.#leader === old.memberId;
    const waiting = this.remove(old);
    this.add(member);
    if (leads) this.#leader = member.memberId;
    return waiting;
  }

  setLeader(memberId: string): void {
    if (this.#members.has(memberId)) this.#leader = memberId;
  }

  setProtocols(member: Member, protocols: readonly GroupProtocol[]): void {
    this.#count(member.protocols, -1);
    member.protocols = protocols;
    this.#count(protocols, 1);
  }

  isJoining(member: Member): boolean {
    return this.#joining.has(member.memberId);
  }

  joining(member: Member): Waiting<Joined> | undefined {
    return this.#joining.get(member.memberId);
  }

  setJoining(member: Member, waiting: Waiting<Joined>): void {
    this.#joining.set(member.memberId, waiting);
  }

  /** Who waits, who then waits no more. */
  takeJoining(): [Member, Waiting<Joined>][] {
    const all = [...this.#joining].map(
      ([memberId, waiting]) => [this.#members.get(memberId) as Member, waiting] as [Member, Waiting<Joined>],
    );
    this.#joining.clear();
    return all;
  }

  /** The leader stays where it has joined; else the first that has becomes it. @returns whether there is one. */
  electLeader(): boolean {
    if (this.#leader !== undefined && this.#joining.has(this.#leader)) return true;
    const first = this.#joining.keys().next().value;
    if (first === undefined) return false;
    this.#leader = first;
    return true;
  }

  /** All have one of them in common; a member is free to give up those that it had. */
  support(protocols: readonly GroupProtocol[], by?: Member): boolean {
    const others = by === undefined ? this.size : this.size - 1;
    return protocols.some(({ name }) => {
      const known = this.#known.get(name) ?? 0;
      return (by?.protocols.some((one) => one.name === name) ? known - 1 : known) === others;
    });
  }

  /** What all know and most would rather have. @throws Error where they have nothing in common, which `support` rules out */
  chooseProtocol(): string {
    const votes = new Map<string, number>();
    for (const { protocols } of this) {
      const first = protocols.find(({ name }) => this.#known.get(name) === this.size);
      if (first !== undefined) votes.set(first.name, (votes.get(first.name) ?? 0) + 1);
    }
    let chosen: string | undefined;
    for (const [name, count] of votes) if (count > (votes.get(chosen ?? "") ?? 0)) chosen = name;
    if (chosen === undefined) throw new Error("the members of a group have no protocol in common");
    return chosen;
  }

  #count(protocols: readonly GroupProtocol[], by: 1 | -1): void {
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#known.get(name) ?? 0) + by;
      if (count > 0) this.#known.set(name, count);
      else this.#known.delete(name);
    }
  }
}

/** What the member says to a leader that uses the protocol. */
export function metadataOf({ protocols }: Member, protocol: string | undefined): Uint8Array {
  return protocols.find(({ name }) => name === protocol)?.metadata ?? NO_METADATA;
}

/** Whether it says the same as before. */
export function saysTheSame({ protocols }: Member, others: readonly GroupProtocol[]): boolean {
  return (
    protocols.length === others.length &&
    protocols.every(
      ({ name, metadata }, i) =>
        name === others[i]?.name && Buffer.compare(metadata, others[i].metadata) === 0,
    )
  );
}
