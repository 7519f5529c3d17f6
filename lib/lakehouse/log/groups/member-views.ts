/** What members are told, and what is told of them. */
import { topicsOf } from "./consumer-protocol.js";
import type { Joined, MemberDescription } from "./group-types.js";
import { identityOf } from "./member-records.js";
import { type Member, type Members, metadataOf } from "./members.js";

const NOTHING = new Uint8Array();

/** What a member hears when it has joined. Who leads hears of all. */
export function joinedAs(
  { memberId }: Member,
  members: Members,
  agreed: Pick<Joined, "generation" | "protocolType" | "protocol">,
): Joined {
  const leader = members.leader as string;
  const isLeader = leader === memberId;
  return {
    ...agreed,
    memberId,
    leader,
    members: isLeader ? Array.from(members, (one) => toJoined(one, agreed.protocol)) : [],
    skipAssignment: false,
  };
}

function toJoined(member: Member, protocol: string): Joined["members"][number] {
  const { memberId, instanceId } = member;
  return { memberId, instanceId, metadata: metadataOf(member, protocol) };
}

/** @param protocol `undefined` unless the group is stable. */
export function describeMembers(
  members: Iterable<Member>,
  protocol: string | undefined,
): MemberDescription[] {
  const isStable = protocol !== undefined;
  return Array.from(members, (member) => ({
    ...identityOf(member),
    metadata: isStable ? metadataOf(member, protocol) : NOTHING,
    assignment: isStable ? member.assignment : NOTHING,
  }));
}

/** The topics that consumers read; `undefined` where one does not say it. */
export function subscribedTopics(
  members: Iterable<Member>,
  protocol: string | undefined,
): ReadonlySet<string> | undefined {
  const topics = new Set<string>();
  for (const member of members) {
    const said = topicsOf(metadataOf(member, protocol ?? member.protocols[0]?.name));
    if (said === undefined) return undefined;
    for (const topic of said) topics.add(topic);
  }
  return topics;
}
