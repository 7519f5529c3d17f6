import { clusterDenied, groupDenied, topicDenied, transactionalIdDenied } from "../errors.js";
import {
  type Acl,
  CLUSTER,
  isAllowed,
  isAllowedSomewhere,
  OPERATIONS,
  OPERATIONS_ON,
  type Operation,
  type Resource,
} from "./acl.js";

/** Who asks, and what he may do: by the users and the list as they are at the moment. */
export interface Caller {
  /** `undefined` where nobody is asked who he is: then everything is allowed. */
  readonly user: string | undefined;
  /** When he has to prove anew who he is, in milliseconds since the epoch, where he does. */
  readonly expiresAt?: number | undefined;
  may(operation: Operation, resource: Resource, name: string): boolean;
  /** Whether there may be a resource of that kind on which he may. */
  mayAnywhere(operation: Operation, resource: Resource): boolean;
  /** @throws LakehouseError TOPIC_AUTHORIZATION_FAILED and the like, by the resource. */
  check(operation: Operation, resource: Resource, name?: string): void;
}

/** As far as what may be done is read from them. */
export interface Rights {
  /** `undefined` where there is no such user any more. */
  readonly isAdmin: boolean | undefined;
  readonly acls: readonly Acl[];
}

/** A user at an address. @param rights as they are now. */
export function callerOf(user: string, host: string, rights: () => Rights): Caller {
  const asker = { user, host };
  const decide = (byList: (acls: readonly Acl[]) => boolean): boolean => {
    const { isAdmin, acls } = rights();
    return (isAdmin ?? false) ? true : isAdmin !== undefined && byList(acls);
  };
  const may: Caller["may"] = (operation, resource, name) =>
    decide((acls) => isAllowed(acls, asker, operation, resource, name));
  return {
    user,
    may,
    mayAnywhere: (operation, resource) =>
      decide((acls) => isAllowedSomewhere(acls, asker, operation, resource)),
    check: (operation, resource, name = CLUSTER) => {
      if (!may(operation, resource, name)) throw denied(user, operation, resource, name);
    },
  };
}

const KINDS = {
  topic: topicDenied,
  group: groupDenied,
  transactionalId: transactionalIdDenied,
  cluster: clusterDenied,
} as const satisfies Record<Resource, unknown>;

const WORDS: Readonly<Record<Resource, (name: string) => string>> = {
  topic: (name) => `the topic ${JSON.stringify(name)}`,
  group: (name) => `the group ${JSON.stringify(name)}`,
  transactionalId: (name) => `the transactional id ${JSON.stringify(name)}`,
  cluster: () => "the whole log",
};

function denied(user: string, operation: Operation, resource: Resource, name: string) {
  return KINDS[resource](
    name,
    `The user ${JSON.stringify(user)} may not do this (${operation}) with ${WORDS[resource](name)}.`,
    "Ask whoever runs the log to allow it: streamctl acl add.",
  );
}

/** Nothing was asked for. */
export const NOT_ASKED = -2147483648;

/** What the caller may do, in Kafka's bits: one for each operation's number. */
export function authorizedOperations(caller: Caller, resource: Resource, name = CLUSTER): number {
  const allowed = OPERATIONS_ON[resource].filter((operation) => caller.may(operation, resource, name));
  return allowed.reduce((bits, operation) => bits | (1 << OPERATIONS[operation]), 0);
}
