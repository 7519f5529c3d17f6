/** What is asked of groups, and what they answer. */
import type { LakehouseError } from "../../errors.js";
import type { GroupProtocol, MemberIdentity } from "./members.js";

/**
 * Empty: no members, though offsets. PreparingRebalance: members join. CompletingRebalance: they have joined, and wait for
 * the leader's assignment. Stable: they have it. Dead: the group is being deleted.
 */
export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

/** How groups are kept. */
export interface GroupConfig {
  /** The shortest session that a member may ask for, in milliseconds. */
  readonly minSessionTimeoutMs: number;
  /** The longest. */
  readonly maxSessionTimeoutMs: number;
  /** How long a group without members waits for others when the first joins, in milliseconds. */
  readonly initialRebalanceDelayMs: number;
  /** The most members. */
  readonly maxSize: number;
}

/** A member, and which generation it thinks is the group's. */
export interface MemberOf {
  readonly memberId: string;
  readonly instanceId?: string | undefined;
  readonly generation: number;
}

export interface JoinRequest {
  /** Empty for a new member. */
  readonly memberId: string;
  readonly instanceId?: string | undefined;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly GroupProtocol[];
  /** A new member joins by an id that it is given first (KIP-394): from version 4 of JoinGroup on. */
  readonly needsMemberId: boolean;
  /** It knows that a leader need not always assign (KIP-814): from version 9 on. */
  readonly maySkipAssignment: boolean;
}

export interface Joined {
  readonly memberId: string;
  readonly generation: number;
  readonly protocolType: string;
  readonly protocol: string;
  readonly leader: string;
  /** For the leader alone. */
  readonly members: readonly JoinedMember[];
  readonly skipAssignment: boolean;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | undefined;
  readonly metadata: Uint8Array;
}

export interface SyncRequest extends MemberOf {
  /** As the member knows them, if it says so. */
  readonly protocolType?: string | undefined;
  readonly protocol?: string | undefined;
  /** By the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface Synced {
  readonly protocolType: string;
  readonly protocol: string;
  readonly assignment: Uint8Array;
}

/** Who is to leave: one of both names him, an administrator by the instance alone. */
export interface Leaving {
  readonly memberId: string;
  readonly instanceId?: string | undefined;
}

export interface Left extends Leaving {
  readonly error: LakehouseError | undefined;
}

export interface MemberDescription extends MemberIdentity {
  /** Both are empty unless the group is stable. */
  readonly metadata: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface GroupDescription {
  readonly group: string;
  readonly state: GroupState;
  readonly generation: number;
  /** `consumer` for readers of topics; empty for a group that only has offsets. */
  readonly protocolType: string;
  /** What the members have agreed on; empty unless the group is stable. */
  readonly protocol: string;
  readonly members: readonly MemberDescription[];
}
