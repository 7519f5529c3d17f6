/** Who may join a group. */
import { invalidSessionTimeout } from "../errors.js";
import type { GroupConfig, JoinRequest } from "./group-types.js";
import type { Member, Members } from "./members.js";

/** @throws LakehouseError INVALID_SESSION_TIMEOUT */
export function checkSession(group: string, ms: number, config: GroupConfig): void {
  const { minSessionTimeoutMs: least, maxSessionTimeoutMs: most } = config;
  if (ms >= least && ms <= most) return;
  throw invalidSessionTimeout(
    group,
    `A member of the group ${group} asks for a session of ${ms} ms.`,
    `Ask for ${least} to ${most}.`,
  );
}

/** Whether it has a protocol in common with the others. @param by the member that it is already. */
export function agrees(
  { protocolType, protocols }: JoinRequest,
  members: Members,
  groupType: string,
  by?: Member,
): boolean {
  const isSameType = protocolType !== "" && (members.size === 0 || protocolType === groupType);
  return isSameType && members.support(protocols, by);
}
