/** Groups of consumers. */
import { api } from "../api.js";
import { array, boolean, bytes, int8, int16, int32, string } from "../fields.js";

export const findCoordinator = api({
  name: "FindCoordinator",
  key: 10,
  versions: "0-4",
  flexible: "3+",
  request: {
    key: string("0-3").or(""),
    keyType: int8("1+").or(0),
    coordinatorKeys: array(string(), "4+").or([]),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    errorCode: int16("0-3").or(0),
    errorMessage: string("1-3").nullable().or(null),
    nodeId: int32("0-3").or(-1),
    host: string("0-3").or(""),
    port: int32("0-3").or(-1),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string().nullable().or(null),
      },
      "4+",
    ).or([]),
  },
});

export const joinGroup = api({
  name: "JoinGroup",
  key: 11,
  versions: "0-9",
  flexible: "6+",
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32("1+").or(-1),
    memberId: string(),
    groupInstanceId: string("5+").nullable().or(null),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string("8+").nullable().or(null),
  },
  response: {
    throttleTimeMs: int32("2+").or(0),
    errorCode: int16(),
    generationId: int32().or(-1),
    protocolType: string("7+").nullable().or(null),
    protocolName: string().nullable("7+"),
    leader: string(),
    skipAssignment: boolean("9+").or(false),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string("5+").nullable().or(null),
      metadata: bytes(),
    }),
  },
});

export const syncGroup = api({
  name: "SyncGroup",
  key: 14,
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string("3+").nullable().or(null),
    protocolType: string("5+").nullable().or(null),
    protocolName: string("5+").nullable().or(null),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    errorCode: int16(),
    protocolType: string("5+").nullable().or(null),
    protocolName: string("5+").nullable().or(null),
    assignment: bytes(),
  },
});

export const heartbeat = api({
  name: "Heartbeat",
  key: 12,
  versions: "0-4",
  flexible: "4+",
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string("3+").nullable().or(null),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    errorCode: int16(),
  },
});

export const leaveGroup = api({
  name: "LeaveGroup",
  key: 13,
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string(),
    memberId: string("0-2").or(""),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string().nullable().or(null),
        reason: string("5+").nullable().or(null),
      },
      "3+",
    ).or([]),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string().nullable(),
        errorCode: int16(),
      },
      "3+",
    ).or([]),
  },
});

export const describeGroups = api({
  name: "DescribeGroups",
  key: 15,
  versions: "0-5",
  flexible: "5+",
  request: {
    groups: array(string()),
    includeAuthorizedOperations: boolean("3+").or(false),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    groups: array({
      errorCode: int16(),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string("4+").nullable().or(null),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32("3+").or(-2147483648),
    }),
  },
});

export const listGroups = api({
  name: "ListGroups",
  key: 16,
  versions: "0-4",
  flexible: "3+",
  request: {
    statesFilter: array(string(), "4+").or([]),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string("4+"),
    }),
  },
});

export const deleteGroups = api({
  name: "DeleteGroups",
  key: 42,
  versions: "0-2",
  flexible: "2+",
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
});
