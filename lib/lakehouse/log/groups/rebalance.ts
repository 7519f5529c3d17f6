/** How a group comes from one generation to the next. */
import type { LakehouseError } from "../../errors.js";
import type { Clock } from "../partition/clock.js";
import { ExpectedMembers } from "./expected-members.js";
import type { GroupRecord } from "./group-records.js";
import type { GroupConfig, GroupState, Joined, Synced, SyncRequest } from "./group-types.js";
import { IN_PROCESS, memberRecords, restoredMember } from "./member-records.js";
import { joinedAs as toJoined } from "./member-views.js";
import type { Member, Members } from "./members.js";
import { notAMember, rebalancing } from "./refusals.js";
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
 * A group's state, and its timers: nothing happens but by calls, by the clock, and when something was saved.
 *
 * A generation is saved before anybody hears of it, so that none is given twice, whenever the process ends.
 */
export class Rebalance {
  /** Ids that were given out and have not joined yet. */
  readonly expected: ExpectedMembers;
  readonly #id: string;
  readonly #parts: GroupParts;
  readonly #members: Members;
  #state: GroupState = "Empty";
  #since: number;
  #generation = 0;
  #protocolType = "";
  #protocol: string | undefined;
  /** A group that was empty waits for others: for how long still, after this delay, and whether one came. */
  #initial: { remainingMs: number; grew: boolean } | undefined;
  #cancelTimer: () => void = () => {};
  #began = 0;
  #isCompleting = false;
  /** The generation whose assignment is being saved, or was. */
  #settling: number | undefined;
  #isClosed = false;

  /** @param record how the group was left, where it was there before. */
  constructor(id: string, parts: GroupParts, members: Members, record: GroupRecord | undefined) {
    this.#id = id;
    this.#parts = parts;
    this.#members = members;
    this.expected = new ExpectedMembers(parts.clock, () => this.completeIfAllJoined());
    this.#since = record?.since ?? parts.clock.now();
    if (record !== undefined) this.#restore(record);
  }

  get state(): GroupState {
    return this.#state;
  }

  get since(): number {
    return this.#since;
  }

  get generation(): number {
    return this.#generation;
  }

  get protocolType(): string {
    return this.#protocolType;
  }

  /** What the members of the generation have agreed on. */
  get protocol(): string | undefined {
    return this.#protocol;
  }

  /** Is of no use any more. */
  get isOver(): boolean {
    return this.#state === "Dead" || this.#isClosed;
  }

  /** A new member, of which nobody knows yet. */
  add(member: Member, protocolType: string): Promise<Joined> {
    if (this.#members.size === 0) this.#protocolType = protocolType;
    this.#members.add(member);
    if (this.#initial !== undefined) this.#initial.grew = true;
    return this.awaitOthers(member);
  }

  /** Saves who is in the generation. */
  saveMembers(): Promise<void> {
    return this.#parts.save(this.#record(memberRecords(this.#members, this.#protocol)));
  }

  /** @returns whether it had no members. */
  kill(): boolean {
    if (this.#state !== "Empty" || this.expected.size > 0) return false;
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
    this.expected.clear();
    for (const [, joining] of this.#members.takeJoining()) joining.reject(reason);
    for (const member of this.#members) {
      member.cancel();
      member.syncing?.reject(reason);
    }
  }

  /** Waits for the rebalance to be complete, and begins one where none is under way. */
  awaitOthers(member: Member): Promise<Joined> {
    const joining = this.#members.joining(member) ?? waiting();
    this.#members.setJoining(member, joining);
    this.prolong(member);
    if (this.#state !== "PreparingRebalance") this.#prepare();
    this.completeIfAllJoined();
    return joining.answer;
  }

  #prepare(): void {
    const { clock, config } = this.#parts;
    this.#failSyncing(rebalancing(this.#id));
    this.#cancelTimer();
    const longest = this.#members.rebalanceTimeoutMs;
    if (this.#state === "Empty") {
      const delay = Math.min(config.initialRebalanceDelayMs, longest);
      this.#initial = { remainingMs: longest - delay, grew: false };
      this.#cancelTimer = clock.after(delay, () => this.#waitForMore());
    } else this.#completeWithin(longest);
    this.#began = clock.now();
    this.#enter("PreparingRebalance");
    this.completeIfAllJoined();
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

  /** Goes on where nobody is waited for any more. */
  completeIfAllJoined(): void {
    if (this.#state !== "PreparingRebalance" || this.#initial !== undefined) return;
    if (this.expected.size === 0 && this.#members.joiningCount === this.#members.size) this.#completeJoin();
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
        this.stop(member, this.#members.remove(member), notAMember(this.#id, member.memberId));
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
      this.prolong(member);
      resolve(this.joinedAs(member));
    }
    onRebalance({ ms: clock.now() - this.#began, members: joined.length });
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
        this.stop(member, this.#members.remove(member), notAMember(this.#id, member.memberId));
      else this.prolong(member);
    }
    if (this.#members.size === 0) this.#enter("Empty");
    else this.#completeWithin(this.#members.rebalanceTimeoutMs);
  }

  /** The time to ask for assignments is over: who has not is out, and who waits for a leader that is out joins again. */
  #dropSilent(): void {
    const silent = [...this.#members].filter(({ hasSynced }) => !hasSynced);
    if (silent.length === 0) return;
    for (const member of silent)
      this.stop(member, this.#members.remove(member), notAMember(this.#id, member.memberId));
    this.#prepare();
  }

  /** The leader has assigned: when that is saved, everybody hears of it. */
  settle(assignments: SyncRequest["assignments"]): void {
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
          this.prolong(member);
          syncing.resolve(this.syncedAs(member));
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
      this.prolong(member);
      syncing.reject(error);
    }
  }

  /** A member is out, and the others join again. */
  drop(member: Member): void {
    this.stop(member, this.#members.remove(member), notAMember(this.#id, member.memberId));
    if (this.#state === "PreparingRebalance") this.completeIfAllJoined();
    else this.#prepare();
  }

  /** Ends the timer of a member that is out, and what it waits for. */
  stop(member: Member, joining: Waiting<Joined> | undefined, reason: LakehouseError): void {
    member.cancel();
    joining?.reject(reason);
    member.syncing?.reject(reason);
  }

  /** The member is there: its session begins anew. */
  prolong(member: Member): void {
    const ms = member.isNew ? NEW_MEMBER_MS : member.sessionTimeoutMs;
    member.cancel();
    member.cancel = this.#parts.clock.after(ms, () => this.#expire(member));
  }

  #expire(member: Member): void {
    const isWaiting = this.#members.isJoining(member) || member.syncing !== undefined;
    // Who waits for an answer sends no heartbeats.
    if (isWaiting && !member.isNew) this.prolong(member);
    else this.drop(member);
  }

  /** What the member hears of the generation. */
  joinedAs(member: Member): Joined {
    return toJoined(member, this.#members, {
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocol: this.#protocol as string,
    });
  }

  syncedAs({ assignment }: Member): Synced {
    return { protocolType: this.#protocolType, protocol: this.#protocol as string, assignment };
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
      this.prolong(member);
    }
    if (leader !== undefined) this.#members.setLeader(leader);
    // They were in the process that had the log before, which is over: nobody has to wait for them.
    for (const member of [...this.#members])
      if (member.clientHost === IN_PROCESS && member.instanceId === undefined) this.drop(member);
  }
}
