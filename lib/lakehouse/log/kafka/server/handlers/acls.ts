import { invalidArgument } from "../../../../errors.js";
import {
  type Acl,
  isAbout,
  OPERATIONS,
  type Operation,
  PATTERNS,
  type Pattern,
  PERMISSIONS,
  type Permission,
  RESOURCES,
  type Resource,
} from "../../../security/acl.js";
import { LogSecurity } from "../../../security/log-security.js";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { createAcls, deleteAcls, describeAcls } from "../../protocol/messages/security.js";
import type { Context } from "../context.js";
import { toKafka } from "../error-map.js";

type Filter = RequestOf<typeof describeAcls>;
type Creation = RequestOf<typeof createAcls>["creations"][number];
type Described = ResponseTo<typeof describeAcls>["resources"][number];
type Deleted = ResponseTo<typeof deleteAcls>["filterResults"][number];

/** In filters: of whatever kind. */
const ANY = 1;
/** In filters: all patterns that a name has, and the one that is the name itself. */
const MATCH = 2;
const USER = "User:";
const DISABLED = {
  errorCode: ERROR.SECURITY_DISABLED,
  errorMessage: "The log has no users yet: streamctl user set makes the first one.",
};

export async function answerDescribeAcls(
  filter: Filter,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof describeAcls>> {
  try {
    caller.check("describe", "cluster");
    if (!broker.security.isOn) return { ...DISABLED, resources: [] };
    const isMeant = matcherOf(filter);
    const resources = new Map<string, Described & { acls: Described["acls"][number][] }>();
    for (const acl of (await new LogSecurity(broker.core.policies).acls()).filter(isMeant)) {
      const { resourceType, resourceName, patternType, ...entry } = kafkaAcl(acl);
      const key = JSON.stringify([resourceType, resourceName, patternType]);
      const found = resources.get(key) ?? { resourceType, resourceName, patternType, acls: [] };
      resources.set(key, found);
      found.acls.push(entry);
    }
    return { errorCode: ERROR.NONE, resources: [...resources.values()] };
  } catch (error) {
    return { ...toKafka(error), resources: [] };
  }
}

export async function answerCreateAcls(
  { creations }: RequestOf<typeof createAcls>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof createAcls>> {
  const { core, security } = broker;
  const results: { errorCode: number; errorMessage: string | null }[] = [];
  for (const creation of creations)
    try {
      caller.check("alter", "cluster");
      if (security.isOn) await new LogSecurity(core.policies).addAcls([aclOf(creation)]);
      results.push(security.isOn ? { errorCode: ERROR.NONE, errorMessage: null } : DISABLED);
    } catch (error) {
      results.push(toKafka(error));
    }
  await security.refresh();
  return { results };
}

export async function answerDeleteAcls(
  { filters }: RequestOf<typeof deleteAcls>,
  { broker, caller }: Context,
): Promise<ResponseTo<typeof deleteAcls>> {
  const { core, security } = broker;
  const filterResults: Deleted[] = [];
  for (const filter of filters)
    try {
      caller.check("alter", "cluster");
      const isMeant = matcherOf(filter);
      const removed = security.isOn ? await new LogSecurity(core.policies).removeAcls(isMeant) : [];
      const outcome = security.isOn ? { errorCode: ERROR.NONE, errorMessage: null } : DISABLED;
      filterResults.push({ ...outcome, matchingAcls: removed.map(kafkaAcl) });
    } catch (error) {
      filterResults.push({ ...toKafka(error), matchingAcls: [] });
    }
  await security.refresh();
  return { filterResults };
}

function kafkaAcl({ user, permission, operation, resource, pattern, name, host }: Acl) {
  return {
    resourceType: RESOURCES[resource],
    resourceName: name,
    patternType: PATTERNS[pattern],
    principal: `${USER}${user}`,
    host,
    operation: OPERATIONS[operation],
    permissionType: PERMISSIONS[permission],
  };
}

/** @throws LakehouseError INVALID_ARGUMENT */
function aclOf(creation: Creation): Acl {
  const { resourceType, resourceName: name, resourcePatternType, principal, host } = creation;
  if (!principal.startsWith(USER))
    throw invalidArgument("principal", "A principal here is a user.", "Write User: and its name.");
  return {
    user: principal.slice(USER.length),
    resource: kindOf<Resource>("resource type", RESOURCES, resourceType),
    pattern: kindOf<Pattern>("pattern type", PATTERNS, resourcePatternType),
    operation: kindOf<Operation>("operation", OPERATIONS, creation.operation),
    permission: kindOf<Permission>("permission type", PERMISSIONS, creation.permissionType),
    name,
    host,
  };
}

function kindOf<Kind extends string>(
  what: string,
  kinds: Readonly<Record<Kind, number>>,
  number: number,
): Kind {
  const found = (Object.keys(kinds) as Kind[]).find((kind) => kinds[kind] === number);
  if (found !== undefined) return found;
  throw invalidArgument(
    what,
    `The ${what} ${number} is not known here.`,
    "Users, topics, groups, transactional ids and the cluster are.",
  );
}

function matcherOf(filter: Filter): (acl: Acl) => boolean {
  const { resourceTypeFilter, resourceNameFilter, patternTypeFilter, principalFilter, hostFilter } = filter;
  const fits = (asked: number, is: number) => asked === ANY || asked === is;
  return (acl) => {
    const { resourceType, resourceName, patternType, principal, host, operation, permissionType } =
      kafkaAcl(acl);
    const isNamed =
      resourceNameFilter === null ||
      (patternTypeFilter === MATCH ? isAbout(acl, resourceNameFilter) : resourceName === resourceNameFilter);
    return (
      isNamed &&
      fits(resourceTypeFilter, resourceType) &&
      (patternTypeFilter === MATCH || fits(patternTypeFilter, patternType)) &&
      (principalFilter === null || principalFilter === principal) &&
      (hostFilter === null || hostFilter === host) &&
      fits(filter.operation, operation) &&
      fits(filter.permissionType, permissionType)
    );
  };
}
