/** A consumer group, as Kafka's classic protocol has it: who is in it, and who of them assigns the partitions. */
import type { LakehouseError } from "../../errors.js";
import { memberIdRequired } from "../errors.js";
import { agrees, checkSession } from "./admission.js";
import type { GroupRecord } from "./group-records.js";
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
import { copied, newMember } from "./member-records.js";
import { describeMembers, subscribedTopics } from "./member-views.js";
import { type Member, Members, saysTheSame } from "./members.js";
import { type GroupParts, Rebalance } from "./rebalance.js";
import {
  anotherGeneration,
  full,
  gone,
  notAMember,
  nothingInCommon,
  placeTaken,
  rebalancing,
} from "./refusals.js";
import { waiting } from "./waiting.js";

/**
 * What members ask of their group, and who may ask for what. Calls are answered in turn; what they lead to is the
 * rebalance's.
 */
export class Group {
  readonly id: string;
  readonly #parts: GroupParts;
  readonly #members = new Members();
  readonly #rebalance: Rebalance;

  /** @param record how the group was left, where it was there before. */
  constructor(id: string, parts: GroupParts, record?: GroupRecord) {
    this.id = id;
    this.#parts = parts;
    this.#rebalance = new Rebalance(id, parts, this.#members, record);
  }

  get state(): GroupState {
    return this.#rebalance.state;
  }

  /** When it came into its state, in milliseconds since the epoch. */
  get since(): number {
    return this.#rebalance.since;
  }

  get protocolType(): string {
    return this.#rebalance.protocolType;
  }

  /** Has neither members nor a past: it is not there but for offsets. */
  get isSimple(): boolean {
    return this.#rebalance.state === "Empty" && this.#rebalance.protocolType === "";
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
    if (this.#rebalance.expected.has(memberId)) {
      this.#checkProtocols(request);
      this.#rebalance.expected.take(memberId);
      return this.#rebalance.add(newMember(memberId, request), request.protocolType);
    }
    const member = this.#member(memberId, instanceId);
    this.#checkProtocols(request, member);
    const isSame = saysTheSame(member, request.protocols);
    const isLeader = this.#members.leader === memberId;
    // Its answer was lost, or nothing changed for it.
    if (
      isSame &&
      (this.#rebalance.state === "CompletingRebalance" || (this.#rebalance.state === "Stable" && !isLeader))
    ) {
      this.#rebalance.prolong(member);
      return this.#rebalance.joinedAs(member);
    }
    this.#update(member, request);
    return this.#rebalance.awaitOthers(member);
  }

  /**
   * Asks for the member's assignment; the leader gives everybody's.
   *
   * @throws LakehouseError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID,
   *   INCONSISTENT_GROUP_PROTOCOL, COORDINATOR_NOT_AVAILABLE, STORAGE_FAILED
   */
  async sync(request: SyncRequest): Promise<Synced> {
    const member = this.#memberOf(request);
    const { protocolType = this.#rebalance.protocolType, protocol = this.#rebalance.protocol } = request;
    if (
      protocolType !== this.#rebalance.protocolType ||
      (protocol !== this.#rebalance.protocol && this.#rebalance.protocol !== undefined)
    )
      throw nothingInCommon(this.id);
    if (this.#rebalance.state === "PreparingRebalance") throw rebalancing(this.id);
    member.hasSynced = true;
    this.#rebalance.prolong(member);
    if (this.#rebalance.state === "Stable") return this.#rebalance.syncedAs(member);
    member.syncing ??= waiting();
    const { answer } = member.syncing;
    if (member.memberId === this.#members.leader) this.#rebalance.settle(request.assignments);
    return answer;
  }

  /** @throws LakehouseError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID, COORDINATOR_NOT_AVAILABLE */
  heartbeat(request: MemberOf): void {
    this.#rebalance.prolong(this.#memberOf(request));
    if (this.#rebalance.state === "PreparingRebalance") throw rebalancing(this.id);
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
    if (this.#rebalance.state === "Empty" && by.generation < 0) return;
    // Producers of old say nothing of the member that they commit for.
    if (!isMember && isTransactional) return;
    const member = this.#memberOf(by);
    // It knows its generation, and cannot have read anything in it yet.
    if (this.#rebalance.state === "CompletingRebalance") throw rebalancing(this.id);
    this.#rebalance.prolong(member);
  }

  describe(): GroupDescription {
    const protocol = this.#rebalance.state === "Stable" ? this.#rebalance.protocol : undefined;
    return {
      group: this.id,
      state: this.#rebalance.state,
      generation: this.#rebalance.generation,
      protocolType: this.#rebalance.protocolType,
      protocol: protocol ?? "",
      members: describeMembers(this.#members, protocol),
    };
  }

  /** The topics that its members read; `undefined` where they are no consumers, or do not say it. */
  subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#rebalance.protocolType === "consumer"
      ? subscribedTopics(this.#members, this.#rebalance.protocol)
      : undefined;
  }

  /** Nobody joins from here on; back to Empty by `revive`. @returns whether it had no members. */
  kill(): boolean {
    return this.#rebalance.kill();
  }

  revive(): void {
    this.#rebalance.revive();
  }

  /** Ends all timers, and all that wait hear `reason`. */
  close(reason: unknown): void {
    this.#rebalance.close(reason);
  }

  #joinAnew(request: JoinRequest): Promise<Joined> {
    const { instanceId, clientId } = request;
    const old = instanceId === undefined ? undefined : this.#members.ofInstance(instanceId);
    this.#checkProtocols(request, old);
    const memberId = `${instanceId ?? clientId}-${this.#parts.newId()}`;
    if (old !== undefined) return this.#replace(old, memberId, request);
    if (instanceId !== undefined || !request.needsMemberId)
      return this.#rebalance.add(newMember(memberId, request), request.protocolType);
    this.#rebalance.expected.add(memberId, request.sessionTimeoutMs);
    throw memberIdRequired(memberId, `A new member joins the group ${this.id} by an id of its own.`);
  }

  /** A static member has come back. Where nothing changes by it, it gets what it had, and nobody else hears of it. */
  async #replace(old: Member, memberId: string, request: JoinRequest): Promise<Joined> {
    const member = newMember(memberId, request);
    member.assignment = old.assignment;
    member.isNew = old.isNew;
    const leads = this.#members.leader === old.memberId;
    this.#rebalance.stop(
      old,
      this.#members.replace(old, member),
      placeTaken(this.id, request.instanceId as string),
    );
    if (this.#rebalance.state !== "Stable" || this.#members.chooseProtocol() !== this.#rebalance.protocol)
      return this.#rebalance.awaitOthers(member);
    this.#rebalance.prolong(member);
    await this.#rebalance.saveMembers();
    // Others may have come while it was saved.
    this.#checkAlive();
    this.#member(memberId, request.instanceId);
    if (this.#rebalance.state !== "Stable") return this.#rebalance.awaitOthers(member);
    const joined = this.#rebalance.joinedAs(member);
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

  #leave({ memberId, instanceId }: Leaving): LakehouseError | undefined {
    if (this.#rebalance.expected.take(memberId)) {
      this.#rebalance.completeIfAllJoined();
      return undefined;
    }
    const member =
      instanceId === undefined ? this.#members.get(memberId) : this.#members.ofInstance(instanceId);
    if (member === undefined) return notAMember(this.id, memberId === "" ? String(instanceId) : memberId);
    if (memberId !== "" && member.memberId !== memberId) return placeTaken(this.id, String(instanceId));
    this.#rebalance.drop(member);
    return undefined;
  }

  #memberOf({ memberId, instanceId, generation }: MemberOf): Member {
    this.#checkAlive();
    const member = this.#member(memberId, instanceId);
    if (generation !== this.#rebalance.generation)
      throw anotherGeneration(this.id, generation, this.#rebalance.generation);
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
    if (this.#members.has(memberId, instanceId) || this.#rebalance.expected.has(memberId)) return true;
    // In a rebalance, who has not joined may be gone.
    const count =
      this.#rebalance.state === "PreparingRebalance" ? this.#members.joiningCount : this.#members.size;
    return count + this.#rebalance.expected.size < this.#parts.config.maxSize;
  }

  #checkAlive(): void {
    if (this.#rebalance.isOver) throw gone(this.id);
  }

  #checkProtocols(request: JoinRequest, by?: Member): void {
    if (!agrees(request, this.#members, this.#rebalance.protocolType, by)) throw nothingInCommon(this.id);
  }
}
