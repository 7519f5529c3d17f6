import { groupNotFound, memberIdRequired } from "../../../errors.js";
import type { GroupState, MemberOf } from "../../../groups/group-types.js";
import { gone } from "../../../groups/refusals.js";
import { CLUSTER } from "../../../security/acl.js";
import { authorizedOperations, NOT_ASKED } from "../../../security/caller.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type {
  deleteGroups,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  syncGroup,
} from "../../protocol/messages/groups.js";
import type { Context } from "../context.js";
import { toKafkaOfCoordinator } from "../error-map.js";
import { leaderOf } from "../leading.js";
import { onceEach } from "../once-each.js";

const GROUP = 0;
const TRANSACTION = 1;
const NO_GENERATION = -1;
/** From which version of JoinGroup on a new member is given its id first (KIP-394), and a leader need not assign (KIP-814). */
const MEMBER_ID_SINCE = 4;
const SKIP_SINCE = 9;
/** Until which version of LeaveGroup there is one member, and its error is the group's. */
const ONE_MEMBER_UNTIL = 2;
const NOTHING = new Uint8Array();

/** Whoever leads the partition that has the group, or the transactional id. */
export async function answerFindCoordinator(
  { key, keyType, coordinatorKeys }: RequestOf<typeof findCoordinator>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof findCoordinator>> {
  const isKnown = keyType === GROUP || keyType === TRANSACTION;
  const find = async (key: string) => {
    const none = { nodeId: -1, host: "", port: -1 };
    if (!isKnown) return { errorCode: ERROR.INVALID_REQUEST, ...none };
    try {
      caller.check("describe", keyType === GROUP ? "group" : "transactionalId", key);
      const { core } = broker;
      const all = keyType === GROUP ? await core.groups() : await core.transactions();
      const { topicId, partition } = all.placeOf(key);
      const leader = leaderOf(broker, topicId, partition);
      if (leader === undefined) return { errorCode: ERROR.COORDINATOR_NOT_AVAILABLE, ...none };
      const { nodeId, host, port } = leader;
      return { errorCode: ERROR.NONE, nodeId, host, port };
    } catch (error) {
      return { ...toKafkaOfCoordinator(error), ...none };
    }
  };
  // Later versions ask for several, and have no other answer.
  const first = coordinatorKeys.length > 0 ? {} : await find(key);
  return {
    errorCode: ERROR.NONE,
    nodeId: -1,
    host: "",
    port: -1,
    ...first,
    coordinators: await Promise.all(
      onceEach(coordinatorKeys, (key) => key).map(async (key) => ({ key, ...(await find(key)) })),
    ),
  };
}

export async function answerJoinGroup(
  request: RequestOf<typeof joinGroup>,
  context: Context,
): Promise<ResponseTo<typeof joinGroup>> {
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs } = request;
  const { header, broker, clientHost, caller } = context;
  try {
    caller.check("read", "group", groupId);
    const groups = await broker.core.groups();
    const joining = groups.join(groupId, {
      memberId,
      instanceId: groupInstanceId ?? undefined,
      clientId: header.clientId ?? "",
      clientHost,
      sessionTimeoutMs,
      // The oldest version has one time for both.
      rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols,
      needsMemberId: header.version >= MEMBER_ID_SINCE,
      maySkipAssignment: header.version >= SKIP_SINCE,
    });
    const joined = await unlessOver(joining, groupId, context);
    return {
      errorCode: ERROR.NONE,
      generationId: joined.generation,
      protocolType: joined.protocolType,
      protocolName: joined.protocol,
      leader: joined.leader,
      skipAssignment: joined.skipAssignment,
      memberId: joined.memberId,
      members: joined.members.map(({ memberId, instanceId, metadata }) => ({
        memberId,
        groupInstanceId: instanceId ?? null,
        metadata,
      })),
    };
  } catch (error) {
    const { errorCode } = toKafkaOfCoordinator(error);
    const id = memberIdRequired.is(error) ? error.subject : memberId;
    // Older versions know no null here.
    const protocolName = header.version >= 7 ? null : "";
    return { errorCode, generationId: NO_GENERATION, protocolName, leader: "", memberId: id, members: [] };
  }
}

export async function answerSyncGroup(
  request: RequestOf<typeof syncGroup>,
  context: Context,
): Promise<ResponseTo<typeof syncGroup>> {
  const { groupId, protocolType, protocolName, assignments } = request;
  try {
    context.caller.check("read", "group", groupId);
    const groups = await context.broker.core.groups();
    const syncing = groups.sync(groupId, {
      ...memberOf(request),
      protocolType: protocolType ?? undefined,
      protocol: protocolName ?? undefined,
      assignments,
    });
    const synced = await unlessOver(syncing, groupId, context);
    return {
      errorCode: ERROR.NONE,
      protocolType: synced.protocolType,
      protocolName: synced.protocol,
      assignment: synced.assignment,
    };
  } catch (error) {
    return { errorCode: toKafkaOfCoordinator(error).errorCode, assignment: NOTHING };
  }
}

export async function answerHeartbeat(
  request: RequestOf<typeof heartbeat>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof heartbeat>> {
  try {
    caller.check("read", "group", request.groupId);
    await (await broker.core.groups()).heartbeat(request.groupId, memberOf(request));
    return { errorCode: ERROR.NONE };
  } catch (error) {
    return { errorCode: toKafkaOfCoordinator(error).errorCode };
  }
}

export async function answerLeaveGroup(
  { groupId, memberId, members }: RequestOf<typeof leaveGroup>,
  { broker, header, caller }: Context,
): Promise<ResponseTo<typeof leaveGroup>> {
  const isOne = header.version <= ONE_MEMBER_UNTIL;
  const leaving = isOne ? [{ memberId, groupInstanceId: null }] : members;
  try {
    caller.check("read", "group", groupId);
    const groups = await broker.core.groups();
    const left = await groups.leave(
      groupId,
      leaving.map(({ memberId, groupInstanceId }) => ({
        memberId,
        instanceId: groupInstanceId ?? undefined,
      })),
    );
    const answered = left.map(({ memberId, instanceId, error }) => ({
      memberId,
      groupInstanceId: instanceId ?? null,
      errorCode: error === undefined ? ERROR.NONE : toKafkaOfCoordinator(error).errorCode,
    }));
    return { errorCode: (isOne ? answered[0]?.errorCode : undefined) ?? ERROR.NONE, members: answered };
  } catch (error) {
    return { errorCode: toKafkaOfCoordinator(error).errorCode };
  }
}

export async function answerDescribeGroups(
  { groups: ids, includeAuthorizedOperations }: RequestOf<typeof describeGroups>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeGroups>> {
  const groups = onceEach(ids, (id) => id).map(async (groupId) => {
    const nothing = { groupId, groupState: "", protocolType: "", protocolData: "", members: [] };
    const authorized = () =>
      includeAuthorizedOperations ? authorizedOperations(caller, "group", groupId) : NOT_ASKED;
    try {
      caller.check("describe", "group", groupId);
      const group = await (await broker.core.groups()).describe(groupId);
      return {
        errorCode: ERROR.NONE,
        groupId,
        groupState: group.state,
        protocolType: group.protocolType,
        protocolData: group.protocol,
        authorizedOperations: authorized(),
        members: group.members.map(
          ({ memberId, instanceId, clientId, clientHost, metadata, assignment }) => ({
            memberId,
            groupInstanceId: instanceId ?? null,
            clientId,
            clientHost,
            memberMetadata: metadata,
            memberAssignment: assignment,
          }),
        ),
      };
    } catch (error) {
      // In these versions of the request a group that there is not is a dead one.
      if (groupNotFound.is(error))
        return {
          ...nothing,
          errorCode: ERROR.NONE,
          groupState: DEAD,
          authorizedOperations: authorized(),
        };
      return { ...nothing, errorCode: toKafkaOfCoordinator(error).errorCode };
    }
  });
  return { groups: await Promise.all(groups) };
}

const DEAD: GroupState = "Dead";

export async function answerListGroups(
  { statesFilter }: RequestOf<typeof listGroups>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof listGroups>> {
  try {
    const groups = await (await broker.core.groups()).list();
    const wanted = new Set(statesFilter.map((state) => state.toLowerCase()));
    return {
      errorCode: ERROR.NONE,
      groups: groups
        .filter(
          ({ group }) => caller.may("describe", "cluster", CLUSTER) || caller.may("describe", "group", group),
        )
        .filter(({ state }) => wanted.size === 0 || wanted.has(state.toLowerCase()))
        .map(({ group, protocolType, state }) => ({ groupId: group, protocolType, groupState: state })),
    };
  } catch (error) {
    return { errorCode: toKafkaOfCoordinator(error).errorCode, groups: [] };
  }
}

export async function answerDeleteGroups(
  { groupsNames }: RequestOf<typeof deleteGroups>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof deleteGroups>> {
  const results = groupsNames.map(async (groupId) => {
    try {
      caller.check("delete", "group", groupId);
      await (await broker.core.groups()).delete(groupId);
      return { groupId, errorCode: ERROR.NONE };
    } catch (error) {
      return { groupId, errorCode: toKafkaOfCoordinator(error).errorCode };
    }
  });
  return { results: await Promise.all(results) };
}

interface Named {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}

export function memberOf({ memberId, groupInstanceId, generationId }: Named): MemberOf {
  return { memberId, instanceId: groupInstanceId ?? undefined, generation: generationId };
}

/** What is waited for, unless the server stops or the client is gone first. */
async function unlessOver<T>(work: Promise<T>, group: string, { signal }: Context): Promise<T> {
  if (signal.aborted) throw gone(group);
  let stop = () => {};
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(gone(group));
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
