/** Members, as they are made and as they are kept. */
import type { MemberRecord } from "./group-records.js";
import type { JoinRequest } from "./group-types.js";
import { type GroupProtocol, type Member, type MemberIdentity, metadataOf } from "./members.js";

const NOTHING = new Uint8Array();

/** The host of a reader in the log's own process, or one that this process reads for; a client of Kafka's has an address. */
export const IN_PROCESS = "";

export function newMember(memberId: string, request: JoinRequest): Member {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request;
  return {
    ...identityOf({ memberId, instanceId, clientId, clientHost }),
    sessionTimeoutMs,
    rebalanceTimeoutMs: Math.max(rebalanceTimeoutMs, 0),
    protocols: copied(protocols),
    assignment: NOTHING,
    isNew: true,
    hasSynced: false,
    syncing: undefined,
    cancel: () => {},
  };
}

/** What comes with a request is a part of its bytes, which are not to be kept for it. */
export function copied(protocols: readonly GroupProtocol[]): GroupProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: new Uint8Array(metadata) }));
}

export function restoredMember({ metadata, ...member }: MemberRecord, protocol: string): Member {
  return {
    ...member,
    protocols: [{ name: protocol, metadata }],
    isNew: false,
    hasSynced: true,
    syncing: undefined,
    cancel: () => {},
  };
}

export function memberRecords(members: Iterable<Member>, protocol: string | undefined): MemberRecord[] {
  return Array.from(members, (member) => ({
    ...identityOf(member),
    sessionTimeoutMs: member.sessionTimeoutMs,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    metadata: metadataOf(member, protocol),
    assignment: member.assignment,
  }));
}

export function identityOf({ memberId, instanceId, clientId, clientHost }: MemberIdentity): MemberIdentity {
  return { memberId, instanceId, clientId, clientHost };
}
