/** What a group says to who may not do what he asks for. */
import {
  coordinatorGone,
  fencedInstance,
  groupFull,
  groupNotEmpty,
  groupNotFound,
  illegalGeneration,
  inconsistentProtocol,
  invalidGroupId,
  invalidTxnState,
  rebalanceInProgress,
  unknownMember,
} from "../errors.js";

const JOIN_AGAIN = "Join the group again, as a new member.";

export function notAMember(group: string, memberId: string) {
  return unknownMember(group, `The group ${group} has no member ${JSON.stringify(memberId)}.`, JOIN_AGAIN);
}

export function placeTaken(group: string, instanceId: string) {
  return fencedInstance(
    group,
    `Another member of the group ${group} has joined as the instance ${JSON.stringify(instanceId)} since.`,
    "Give each instance an id of its own, and end this one.",
  );
}

export function anotherGeneration(group: string, given: number, generation: number) {
  return illegalGeneration(
    group,
    `The group ${group} is in its generation ${generation}, and this is for ${given}.`,
    "Join the group again.",
  );
}

export function rebalancing(group: string) {
  return rebalanceInProgress(group, `The group ${group} is rebalancing.`, "Join it again.");
}

export function nothingInCommon(group: string) {
  return inconsistentProtocol(
    group,
    `The group ${group} has members that assign partitions in other ways.`,
    "Give all its members one assignor in common.",
  );
}

export function full(group: string, size: number) {
  return groupFull(
    group,
    `The group ${group} has ${size} members, and takes no more.`,
    "Use fewer readers, or raise the groups' maxSize.",
  );
}

export function gone(group: string) {
  return coordinatorGone(group, `The group ${group} is being deleted or moved.`, "Try again.");
}

export function transactionOver(group: string, producerId: bigint) {
  return invalidTxnState(
    group,
    `The transaction of producer ${producerId} has ended, and takes no more offsets of the group ${group}.`,
    "Begin a new transaction.",
  );
}

export function noSuchGroup(group: string) {
  return groupNotFound(group, `There is no group ${group}.`);
}

export function notEmpty(group: string) {
  return groupNotEmpty(
    group,
    `The group ${group} has members.`,
    "Stop its readers first. One that was killed is let go when its session is over.",
  );
}

const MOST_ID_BYTES = 32_767;

/** @throws LakehouseError INVALID_GROUP_ID */
export function checkGroupId(group: string, { mayBeEmpty = false } = {}): void {
  const isText = typeof group === "string" && Buffer.byteLength(group) <= MOST_ID_BYTES;
  if (isText && (group !== "" || mayBeEmpty)) return;
  throw invalidGroupId(
    String(group).slice(0, 100),
    "A group cannot be named so.",
    "Give a text that is not empty, of at most 32,767 bytes.",
  );
}
