/** A consumer group, as Kafka's classic protocol has it: who is in it, and who of them assigns the partitions. */
import type { LakehouseError } from "../../errors.js";
import { memberIdRequired } from "../errors.js";
import type { Clock } from "../partition/clock.js";
import { agrees, checkSession } from "./admission.js";
import { ExpectedMembers } from "./expected-members.js";
import type { GroupRecord } from "./group-records.js";
import type {
  GroupConfig,
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
import { copied, memberRecords, newMember, restoredMember } from "./member-records.js";
import { describeMembers, joinedAs, subscribedTopics } from "./member-views.js";
import { type Member, Members, saysTheSame } from "./members.js";
import {
  anotherGeneration,
  full,
  gone,
  notAMember,
  nothingInCommon,
  placeTaken,
  rebalancing,
} from "./refusals.js";
import { type Waiting, waiting } from "./waiting.js";

/** What a group needs of its coordinator. */
export interface GroupParts {
  readonly clock: Clock;
  readonly config: GroupConfig;
  /** Makes it durable. */
  readonly save: (record: GroupRecord) => Promise<void>;
  /** A text that no other is like. */
  readonly newId: () => string;
  readonly onRebalance: (rebalance: { readonly ms: number; readonly members: number }) => void;
}

/** What a member that cannot send heartbeats yet is given to join: five minutes, as in Kafka. */
const NEW_MEMBER_MS = 300_000;
const NOTHING = new Uint8Array();

/**
 * The state machine. Calls are answered in turn, and nothing happens but by calls, by the clock, and when something was
 * saved.
 *
 * A generation is saved before anybody hears of it, so that none is given twice, whenever the process ends.
 */
export class Group {
  readonly id: string;
  readonly #parts: GroupParts;
  readonly #members = new Members();
  readonly #expected: ExpectedMembers;
  #state: GroupState = "Empty";
  #since: number;
  #generation = 0;
  #protocolType = "";
  #protocol: string | undefined;
  /** A group that was empty waits for others: for how long still, after this delay, and whether one came. */
  #initial: { remainingMs: number; grew: boolean } | undefined;
  #cancelTimer: () => void = () => {};
  #rebalanceBegan = 0;
  #isCompleting = false;
  /** The generation whose assignment is being saved, or was. */
  #settling: number | undefined;
  #isClosed = false;

  /** @param record how the group was left, where it was there before. */
  constructor(id: string, parts: GroupParts, record?: GroupRecord) {
    this.id = id;
    this.#parts = parts;
    this.#expected = new ExpectedMembers(parts.clock, () => this.#completeIfAllJoined());
    this.#since = record?.since ?? parts.clock.now();
    if (record !== undefined) this.#restore(record);
  }

  get state(): GroupState {
    return this.#state;
  }

  /** When it came into its state, in milliseconds since the epoch. */
  get since(): number {
    return this.#since;
  }

  get protocolType(): string {
    return this.#protocolType;
  }

  /** Has neither members nor a past: it is not there but for offsets. */
  get isSimple(): boolean {
    return this.#state === "Empty" && this.#protocolType === "";
  }

  /**
   * Joins, which takes until the rebalance that it causes has every member.
   *
   * @throws LakehouseError UNKNOWN_MEMBER_ID, MEMBER_ID_REQUIRED, FENCED_INSTANCE_ID, INCONSISTENT_GROUP_PROTOCOL,
   *   INVALID_SESSION_TIMEOUT, GROUP_MAX_SIZE_REACHED, COORDINATOR_NOT_AVAILABLE, STORAGE_FAILED
   */
  async join(request: JoinRequest): Promise<Joined> {
    const { memberId, instanceId } = request;
    this.#checkAlive();
    checkSession(this.id, request.sessionTimeoutMs, this.#parts.config);
    if (!this.#hasRoomFor(request)) throw full(this.id, this.#members.size);
    if (memberId === "") return this.#joinAnew(request);
    if (this.#expected.has(memberId)) {
      this.#checkProtocols(request);
      this.#expected.take(memberId);
      return this.#add(memberId, request);
    }
    const member = this.#member(memberId, instanceId);
    this.#checkProtocols(request, member);
    const isSame = saysTheSame(member, request.protocols);
    const isLeader = this.#members.leader === memberId;
    // Its answer was lost, or nothing changed for it.
    if (isSame && (this.#state === "CompletingRebalance" || (this.#state === "Stable" && !isLeader))) {
      this.#prolong(member);
      return this.#joinedAs(member);
    }
    this.#update(member, request);
    return this.#awaitOthers(member);
  }

  /**
   * Asks for the member's assignment; the leader gives everybody's.
   *
   * @throws LakehouseError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID,
   *   INCONSISTENT_GROUP_PROTOCOL, COORDINATOR_NOT_AVAILABLE, STORAGE_FAILED
   */
  async sync(request: SyncRequest): Promise<Synced> {
    const member = this.#memberOf(request);
    const { protocolType = this.#protocolType, protocol = this.#protocol } = request;
    if (protocolType !== this.#protocolType || (protocol !== this.#protocol && this.#protocol !== undefined))
      throw nothingInCommon(this.id);
    if (this.#state === "PreparingRebalance") throw rebalancing(this.id);
    member.hasSynced = true;
    this.#prolong(member);
    if (this.#state === "Stable") return this.#syncedAs(member);
    member.syncing ??= waiting();
    const { answer } = member.syncing;
    if (member.memberId === this.#members.leader) this.#settle(request.assignments);
    return answer;
  }

  /** @throws LakehouseError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID, COORDINATOR_NOT_AVAILABLE */
  heartbeat(request: MemberOf): void {
    this.#prolong(this.#memberOf(request));
    if (this.#state === "PreparingRebalance") throw rebalancing(this.id);
  }

  /** @throws LakehouseError COORDINATOR_NOT_AVAILABLE; what each could not do is in its place. */
  leave(leaving: readonly Leaving[]): Left[] {
    this.#checkAlive();
    return leaving.map((one) => ({ ...one, error: this.#leave(one) }));
  }

  /**
   * Whether offsets may be committed by who asks. Without a member, while there is none.
   *
   * @throws LakehouseError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID,
   *   COORDINATOR_NOT_AVAILABLE
   */
  checkCommit(by: MemberOf, isTransactional: boolean): void {
    this.#checkAlive();
    const isMember = by.generation >= 0 || by.memberId !== "" || by.instanceId !== undefined;
    if (this.#state === "Empty" && by.generation < 0) return;
    // Producers of old say nothing of the member that they commit for.
    if (!isMember && isTransactional) return;
    const member = this.#memberOf(by);
    // It knows its generation, and cannot have read anything in it yet.
    if (this.#state === "CompletingRebalance") throw rebalancing(this.id);
    this.#prolong(member);
  }

  describe(): GroupDescription {
    const protocol = this.#state === "Stable" ? this.#protocol : undefined;
    return {
      group: this.id,
      state: this.#state,
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocol: protocol ?? "",
      members: describeMembers(this.#members, protocol),
    };
  }

  /** The topics that its members read; `undefined` where they are no consumers, or do not say it. */
  subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#protocolType === "consumer" ? subscribedTopics(this.#members, this.#protocol) : undefined;
  }

  /** Nobody joins from here on; back to Empty by `revive`. @returns whether it had no members. */
  kill(): boolean {
    if (this.#state !== "Empty" || this.#expected.size > 0) return false;
    this.#state = "Dead";
    return true;
  }

  revive(): void {
    if (this.#state === "Dead") this.#state = "Empty";
  }

  /** Ends all timers, and all that wait hear `reason`. */
  close(reason: unknown): void {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#expected.clear();
    for (const [, joining] of this.#members.takeJoining()) joining.reject(reason);
    for (const member of this.#members) {
      member.cancel();
      member.syncing?.reject(reason);
    }
  }

  #joinAnew(request: JoinRequest): Promise<Joined> {
    const { instanceId, clientId } = request;
    const old = instanceId === undefined ? undefined : this.#members.ofInstance(instanceId);
    this.#checkProtocols(request, old);
    const memberId = `${instanceId ?? clientId}-${this.#parts.newId()}`;
    if (old !== undefined) return this.#replace(old, memberId, request);
    if (instanceId !== undefined || !request.needsMemberId) return this.#add(memberId, request);
    this.#expected.add(memberId, request.sessionTimeoutMs);
    throw memberIdRequired(memberId, `A new member joins the group ${this.id} by an id of its own.`);
  }

  #add(memberId: string, request: JoinRequest): Promise<Joined> {
    const member = newMember(memberId, request);
    if (this.#members.size === 0) this.#protocolType = request.protocolType;
    this.#members.add(member);
    if (this.#initial !== undefined) this.#initial.grew = true;
    return this.#awaitOthers(member);
  }

  /** A static member has come back. Where nothing changes by it, it gets what it had, and nobody else hears of it. */
  async #replace(old: Member, memberId: string, request: JoinRequest): Promise<Joined> {
    const member = newMember(memberId, request);
    member.assignment = old.assignment;
    member.isNew = old.isNew;
    const leads = this.#members.leader === old.memberId;
    this.#stop(old, this.#members.replace(old, member), placeTaken(this.id, request.instanceId as string));
    if (this.#state !== "Stable" || this.#members.chooseProtocol() !== this.#protocol)
      return this.#awaitOthers(member);
    this.#prolong(member);
    await this.#parts.save(this.#record(memberRecords(this.#members, this.#protocol)));
    // Others may have come while it was saved.
    this.#checkAlive();
    this.#member(memberId, request.instanceId);
    if (this.#state !== "Stable") return this.#awaitOthers(member);
    const joined = this.#joinedAs(member);
    if (!leads) return joined;
    // A stable group would not spread what a leader assigned: it must not think that it is to do so.
    return request.maySkipAssignment
      ? { ...joined, skipAssignment: true }
      : { ...joined, leader: old.memberId, members: [] };
  }

  #update(member: Member, request: JoinRequest): void {
    this.#members.setProtocols(member, copied(request.protocols));
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = Math.max(request.rebalanceTimeoutMs, 0);
  }

  /** Waits for the rebalance to be complete, and begins one where none is under way. */
  #awaitOthers(member: Member): Promise<Joined> {
    const joining = this.#members.joining(member) ?? waiting();
    this.#members.setJoining(member, joining);
    this.#prolong(member);
    if (this.#state !== "PreparingRebalance") this.#prepare();
    this.#completeIfAllJoined();
    return joining.answer;
  }

  #prepare(): void {
    const { clock, config } = this.#parts;
    this.#failSyncing(rebalancing(this.id));
    this.#cancelTimer();
    const longest = this.#members.rebalanceTimeoutMs;
    if (this.#state === "Empty") {
      const delay = Math.min(config.initialRebalanceDelayMs, longest);
      this.#initial = { remainingMs: longest - delay, grew: false };
      this.#cancelTimer = clock.after(delay, () => this.#waitForMore());
    } else this.#completeWithin(longest);
    this.#rebalanceBegan = clock.now();
    this.#enter("PreparingRebalance");
    this.#completeIfAllJoined();
  }

  #waitForMore(): void {
    const initial = this.#initial;
    if (initial?.grew && initial.remainingMs > 0) {
      const delay = Math.min(this.#parts.config.initialRebalanceDelayMs, initial.remainingMs);
      this.#initial = { remainingMs: initial.remainingMs - delay, grew: false };
      this.#cancelTimer = this.#parts.clock.after(delay, () => this.#waitForMore());
      return;
    }
    this.#initial = undefined;
    this.#completeJoin();
  }

  #completeIfAllJoined(): void {
    if (this.#state !== "PreparingRebalance" || this.#initial !== undefined) return;
    if (this.#expected.size === 0 && this.#members.joiningCount === this.#members.size) this.#completeJoin();
  }

  #completeWithin(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#parts.clock.after(ms, () => this.#completeJoin());
  }

  /** Whoever has not joined is out, but for static members: they have their session to come back. */
  #completeJoin(): void {
    if (this.#isCompleting || this.#isClosed) return;
    this.#cancelTimer();
    for (const member of [...this.#members])
      if (member.instanceId === undefined && !this.#members.isJoining(member))
        this.#stop(member, this.#members.remove(member), notAMember(this.id, member.memberId));
    if (this.#members.size === 0) {
      this.#becomeEmpty();
      return;
    }
    if (this.#waitForStatic()) return;
    this.#isCompleting = true;
    const next = { generation: this.#generation + 1, since: this.#parts.clock.now() };
    void this.#parts.save({ ...this.#record([]), ...next }).then(
      () => this.#begin(),
      (error: unknown) => this.#failJoin(error),
    );
  }

  /** Where only static members are left, and none of them has joined, the next who does completes it. */
  #waitForStatic(): boolean {
    if (this.#members.electLeader()) return false;
    this.#completeWithin(this.#members.rebalanceTimeoutMs);
    return true;
  }

  /** The generation is saved: who has joined hears of it. */
  #begin(): void {
    this.#isCompleting = false;
    if (this.#isClosed) return;
    if (this.#members.size === 0) {
      this.#becomeEmpty();
      return;
    }
    if (this.#waitForStatic()) return;
    this.#generation++;
    const { clock, onRebalance } = this.#parts;
    const joined = this.#members.takeJoining();
    this.#protocol = this.#members.chooseProtocol();
    this.#enter("CompletingRebalance");
    this.#cancelTimer = clock.after(this.#members.rebalanceTimeoutMs, () => this.#dropSilent());
    for (const member of this.#members) {
      member.hasSynced = false;
      member.assignment = NOTHING;
    }
    for (const [member, { resolve }] of joined) {
      member.isNew = false;
      this.#prolong(member);
      resolve(this.#joinedAs(member));
    }
    onRebalance({ ms: clock.now() - this.#rebalanceBegan, members: joined.length });
  }

  #becomeEmpty(): void {
    this.#generation++;
    this.#protocol = undefined;
    this.#enter("Empty");
    // Where it fails, the group has members after a restart, until their sessions end.
    this.#parts.save(this.#record([])).catch(() => undefined);
  }

  #failJoin(error: unknown): void {
    this.#isCompleting = false;
    if (this.#isClosed) return;
    for (const [member, joining] of this.#members.takeJoining()) {
      joining.reject(error);
      // It never hears of its id.
      if (member.isNew)
        this.#stop(member, this.#members.remove(member), notAMember(this.id, member.memberId));
      else this.#prolong(member);
    }
    if (this.#members.size === 0) this.#enter("Empty");
    else this.#completeWithin(this.#members.rebalanceTimeoutMs);
  }

  /** The time to ask for assignments is over: who has not is out, and who waits for a leader that is out joins again. */
  #dropSilent(): void {
    const silent = [...this.#members].filter(({ hasSynced }) => !hasSynced);
    if (silent.length === 0) return;
    for (const member of silent)
      this.#stop(member, this.#members.remove(member), notAMember(this.id, member.memberId));
    this.#prepare();
  }

  #settle(assignments: SyncRequest["assignments"]): void {
    const generation = this.#generation;
    if (this.#settling === generation) return;
    this.#settling = generation;
    // Copies: what came with a request is a part of its bytes.
    const given = new Map(
      assignments.map(({ memberId, assignment }) => [memberId, new Uint8Array(assignment)]),
    );
    const records = memberRecords(this.#members, this.#protocol).map((record) => ({
      ...record,
      assignment: given.get(record.memberId) ?? NOTHING,
    }));
    const isOver = () =>
      this.#isClosed || this.#state !== "CompletingRebalance" || this.#generation !== generation;
    void this.#parts.save(this.#record(records)).then(
      () => {
        if (isOver()) return;
        for (const member of this.#members) {
          member.assignment = given.get(member.memberId) ?? NOTHING;
          const { syncing } = member;
          member.syncing = undefined;
          if (syncing === undefined) continue;
          this.#prolong(member);
          syncing.resolve(this.#syncedAs(member));
        }
        this.#enter("Stable");
      },
      (error: unknown) => {
        if (isOver()) return;
        this.#failSyncing(error);
        this.#prepare();
      },
    );
  }

  #failSyncing(error: unknown): void {
    for (const member of this.#members) {
      const { syncing } = member;
      if (syncing === undefined) continue;
      member.syncing = undefined;
      this.#prolong(member);
      syncing.reject(error);
    }
  }

  #leave({ memberId, instanceId }: Leaving): LakehouseError | undefined {
    if (this.#expected.take(memberId)) {
      this.#completeIfAllJoined();
      return undefined;
    }
    const member =
      instanceId === undefined ? this.#members.get(memberId) : this.#members.ofInstance(instanceId);
    if (member === undefined) return notAMember(this.id, memberId === "" ? String(instanceId) : memberId);
    if (memberId !== "" && member.memberId !== memberId) return placeTaken(this.id, String(instanceId));
    this.#drop(member);
    return undefined;
  }

  #drop(member: Member): void {
    this.#stop(member, this.#members.remove(member), notAMember(this.id, member.memberId));
    if (this.#state === "PreparingRebalance") this.#completeIfAllJoined();
    else this.#prepare();
  }

  #stop(member: Member, joining: Waiting<Joined> | undefined, reason: LakehouseError): void {
    member.cancel();
    joining?.reject(reason);
    member.syncing?.reject(reason);
  }

  /** The member is there: its session begins anew. */
  #prolong(member: Member): void {
    const ms = member.isNew ? NEW_MEMBER_MS : member.sessionTimeoutMs;
    member.cancel();
    member.cancel = this.#parts.clock.after(ms, () => this.#expire(member));
  }

  #expire(member: Member): void {
    const isWaiting = this.#members.isJoining(member) || member.syncing !== undefined;
    // Who waits for an answer sends no heartbeats.
    if (isWaiting && !member.isNew) this.#prolong(member);
    else this.#drop(member);
  }

  #joinedAs(member: Member): Joined {
    return joinedAs(member, this.#members, {
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocol: this.#protocol as string,
    });
  }

  #syncedAs({ assignment }: Member): Synced {
    return { protocolType: this.#protocolType, protocol: this.#protocol as string, assignment };
  }

  #memberOf({ memberId, instanceId, generation }: MemberOf): Member {
    this.#checkAlive();
    const member = this.#member(memberId, instanceId);
    if (generation !== this.#generation) throw anotherGeneration(this.id, generation, this.#generation);
    return member;
  }

  #member(memberId: string, instanceId: string | undefined): Member {
    const member =
      instanceId === undefined ? this.#members.get(memberId) : this.#members.ofInstance(instanceId);
    if (member === undefined) throw notAMember(this.id, memberId);
    if (member.memberId !== memberId) throw placeTaken(this.id, String(instanceId));
    return member;
  }

  #hasRoomFor({ memberId, instanceId }: JoinRequest): boolean {
    if (this.#members.has(memberId, instanceId) || this.#expected.has(memberId)) return true;
    // In a rebalance, who has not joined may be gone.
    const count = this.#state === "PreparingRebalance" ? this.#members.joiningCount : this.#members.size;
    return count + this.#expected.size < this.#parts.config.maxSize;
  }

  #checkAlive(): void {
    if (this.#state === "Dead" || this.#isClosed) throw gone(this.id);
  }

  #checkProtocols(request: JoinRequest, by?: Member): void {
    if (!agrees(request, this.#members, this.#protocolType, by)) throw nothingInCommon(this.id);
  }

  #enter(state: GroupState): void {
    this.#state = state;
    this.#since = this.#parts.clock.now();
  }

  #record(members: GroupRecord["members"]): GroupRecord {
    const { leader } = this.#members;
    const protocol = this.#protocol;
    const protocolType = this.#protocolType;
    return { generation: this.#generation, protocolType, protocol, leader, since: this.#since, members };
  }

  #restore({ generation, protocolType, protocol, leader, members }: GroupRecord): void {
    this.#generation = generation;
    this.#protocolType = protocolType;
    if (members.length === 0 || protocol === undefined) return;
    this.#protocol = protocol;
    this.#state = "Stable";
    for (const record of members) {
      const member = restoredMember(record, protocol);
      this.#members.add(member);
      this.#prolong(member);
    }
    if (leader !== undefined) this.#members.setLeader(leader);
  }
}
