/** Who may do what: Kafka's access control lists, with its names. */

/** With Kafka's numbers. */
export const OPERATIONS = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;
export type Operation = keyof typeof OPERATIONS;

/** With Kafka's numbers. A schema's subject belongs to its topic. */
export const RESOURCES = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const;
export type Resource = keyof typeof RESOURCES;

/** With Kafka's numbers. */
export const PATTERNS = { literal: 3, prefixed: 4 } as const;
export type Pattern = keyof typeof PATTERNS;

/** With Kafka's numbers. */
export const PERMISSIONS = { deny: 2, allow: 3 } as const;
export type Permission = keyof typeof PERMISSIONS;

/** The name of the only resource of its kind. */
export const CLUSTER = "kafka-cluster";
/** Everybody, everything or everywhere, where an entry names it. */
export const ANY = "*";

/** One entry of the list. */
export interface Acl {
  /** A user's name, or `*` for all users. */
  readonly user: string;
  /** Whether the user may, or may not whatever else is said. */
  readonly permission: Permission;
  readonly operation: Operation;
  readonly resource: Resource;
  /** Whether `name` is the resource's, or what its name begins with. */
  readonly pattern: Pattern;
  /** As literal, `*` is all of them. */
  readonly name: string;
  /** The address that the user comes from, or `*` for all. */
  readonly host: string;
}

/** What can be done with each kind of resource. */
export const OPERATIONS_ON: Readonly<Record<Resource, readonly Operation[]>> = {
  topic: ["read", "write", "create", "delete", "alter", "describe", "describeConfigs", "alterConfigs"],
  group: ["read", "delete", "describe"],
  cluster: ["create", "alter", "describe", "describeConfigs", "alterConfigs", "idempotentWrite"],
  transactionalId: ["write", "describe"],
};

/** Operations that include another: whoever may read a topic may see that it is there. */
const INCLUDED_IN: Readonly<Partial<Record<Operation, readonly Operation[]>>> = {
  describe: ["read", "write", "delete", "alter"],
  describeConfigs: ["alterConfigs"],
};

/** Somebody who asks: who it is, and from where. */
export interface Asker {
  readonly user: string;
  readonly host: string;
}

/** What is not allowed is denied, and what is denied is so whatever else allows it. */
export function isAllowed(
  acls: readonly Acl[],
  asker: Asker,
  operation: Operation,
  resource: Resource,
  name: string,
): boolean {
  const allowing = [operation, "all", ...(INCLUDED_IN[operation] ?? [])];
  let isFound = false;
  for (const acl of acls) {
    if (acl.resource !== resource || !isOf(acl, asker) || !isAbout(acl, name)) continue;
    if (acl.permission === "deny") {
      if (acl.operation === operation || acl.operation === "all") return false;
    } else isFound ||= allowing.includes(acl.operation);
  }
  return isFound;
}

/**
 * Whether there may be a resource on which it is allowed: where one entry allows it, and none denies all that this one allows.
 */
export function isAllowedSomewhere(
  acls: readonly Acl[],
  asker: Asker,
  operation: Operation,
  resource: Resource,
): boolean {
  return acls.some(
    (acl) =>
      acl.permission === "allow" &&
      acl.resource === resource &&
      isOf(acl, asker) &&
      [operation, "all", ...(INCLUDED_IN[operation] ?? [])].includes(acl.operation) &&
      !acls.some(
        (other) =>
          other.permission === "deny" &&
          other.resource === resource &&
          isOf(other, asker) &&
          (other.operation === operation || other.operation === "all") &&
          covers(other, acl),
      ),
  );
}

function isOf({ user, host }: Acl, asker: Asker): boolean {
  return (user === ANY || user === asker.user) && (host === ANY || host === asker.host);
}

/** Whether the entry's pattern is one of a resource's name. */
export function isAbout({ pattern, name }: Pick<Acl, "pattern" | "name">, resource: string): boolean {
  return pattern === "literal" ? name === ANY || name === resource : resource.startsWith(name);
}

/** Whether all that one pattern is about, the other is about, too. */
function covers(wide: Acl, narrow: Acl): boolean {
  if (wide.pattern === "literal" && wide.name === ANY) return true;
  const isLiteral = narrow.pattern === "literal" && narrow.name !== ANY;
  if (isLiteral) return isAbout(wide, narrow.name);
  return wide.pattern === "prefixed" && narrow.pattern === "prefixed" && narrow.name.startsWith(wide.name);
}
