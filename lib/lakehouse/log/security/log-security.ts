import { invalidArgument } from "../../errors.js";
import { checkOptions, type OptionNames } from "../../options.js";
import { noSuchUser } from "../errors.js";
import {
  type Acl,
  ANY,
  CLUSTER,
  OPERATIONS,
  OPERATIONS_ON,
  PATTERNS,
  PERMISSIONS,
  RESOURCES,
} from "./acl.js";
import { checkPassword, checkUserName } from "./names.js";
import type { Policy, StoredUser } from "./policy.js";
import type { PolicyStore } from "./policy-store.js";
import { credentialOf, SCRAM_MECHANISMS, type ScramCredential, type ScramMechanism } from "./scram.js";

export interface UserOptions {
  /** A new user has to have one to log in, unless by a certificate or a token. What is kept proves it, and does not tell it. */
  readonly password?: string | undefined;
  /** May do everything. False where a new user is not given it. */
  readonly isAdmin?: boolean | undefined;
  /** The most bytes a second to append, and to read, at each server; `null` for as many as come. */
  readonly produceBytesPerSecond?: number | null | undefined;
  readonly fetchBytesPerSecond?: number | null | undefined;
}

export interface UserDescription {
  readonly name: string;
  readonly isAdmin: boolean;
  /** `SCRAM-SHA-256` and `SCRAM-SHA-512`, which have PLAIN with them; none where there is no password. */
  readonly mechanisms: readonly string[];
  readonly produceBytesPerSecond?: number | undefined;
  readonly fetchBytesPerSecond?: number | undefined;
}

/** An entry of the list; where not given, it allows, is about the name itself, and holds from everywhere. */
export type NewAcl = Pick<Acl, "user" | "operation" | "resource"> & Partial<Acl>;

const USER_OPTIONS: OptionNames<UserOptions> = {
  password: true,
  isAdmin: true,
  produceBytesPerSecond: true,
  fetchBytesPerSecond: true,
};
const ACL_NAMES: OptionNames<Acl> = {
  user: true,
  permission: true,
  operation: true,
  resource: true,
  pattern: true,
  name: true,
  host: true,
};
const MOST_CHARACTERS = 512;
const MOST_ACLS = 10_000;
const MOST_USERS = 10_000;

/**
 * Who may use a log over its servers, and for what. As soon as there was a first user, every server asks everyone who he is;
 * changes reach servers that run within seconds. The list has Kafka's operations, resources and patterns.
 *
 * @example
 * await lake.log.security.setUser("loader", { password });
 * await lake.log.security.addAcls([{ user: "loader", operation: "write", resource: "topic", name: "flights" }]);
 */
export class LogSecurity {
  readonly #store: PolicyStore;

  constructor(store: PolicyStore) {
    this.#store = store;
  }

  /** Whether servers ask everyone who he is: since the log has had a user for the first time. */
  async isOn(): Promise<boolean> {
    return (await this.#store.head()) !== undefined;
  }

  /** By name. */
  async users(): Promise<UserDescription[]> {
    const { users } = (await this.#store.read())?.policy ?? { users: new Map<string, StoredUser>() };
    return [...users.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ credentials, ...user }) => ({ ...user, mechanisms: Object.keys(credentials).sort() }));
  }

  /** Makes a user, or changes one: what is not given stays. @throws LakehouseError INVALID_ARGUMENT, STORAGE_FAILED */
  async setUser(name: string, options: UserOptions): Promise<void> {
    checkOptions("setUser", options, USER_OPTIONS);
    checkUserName(name);
    const { password, isAdmin } = options;
    if (password !== undefined) checkPassword(password);
    const produceBytesPerSecond = rateOf("produceBytesPerSecond", options.produceBytesPerSecond);
    const fetchBytesPerSecond = rateOf("fetchBytesPerSecond", options.fetchBytesPerSecond);
    const credentials = password === undefined ? undefined : await credentialsOf(password);
    await this.#changeUser(name, (before) => ({
      ...before,
      ...(isAdmin !== undefined && { isAdmin }),
      ...(credentials && { credentials }),
      ...(options.produceBytesPerSecond !== undefined && { produceBytesPerSecond }),
      ...(options.fetchBytesPerSecond !== undefined && { fetchBytesPerSecond }),
    }));
  }

  /** With all that the list has of this user: another of that name would have it else. @throws LakehouseError NO_SUCH_USER, STORAGE_FAILED */
  deleteUser(name: string): Promise<void> {
    return this.#store.change((policy) => {
      if (!policy.users.has(name)) throw unknownUser(name);
      return without(policy, name);
    });
  }

  async acls(): Promise<readonly Acl[]> {
    return (await this.#store.read())?.policy.acls ?? [];
  }

  /** Entries that are there already stay as they are. @throws LakehouseError INVALID_ARGUMENT, STORAGE_FAILED */
  async addAcls(added: readonly NewAcl[]): Promise<void> {
    const entries = added.map(aclOf);
    await this.#store.change((policy) => {
      const fresh = entries.filter(
        (one, i) =>
          !policy.acls.some((other) => isSame(one, other)) &&
          entries.findIndex((other) => isSame(one, other)) === i,
      );
      if (fresh.length === 0) return policy;
      if (policy.users.size === 0)
        throw invalidArgument(
          "users",
          "The log has no users, so that an entry would let nobody in and keep everybody out.",
          "Make a user first, by streamctl user set or setUser.",
        );
      if (policy.acls.length + fresh.length > MOST_ACLS) throw tooMany("entries", MOST_ACLS);
      return { ...policy, acls: [...policy.acls, ...fresh] };
    });
  }

  /** @returns those that were removed. @throws LakehouseError STORAGE_FAILED */
  async removeAcls(isMeant: (acl: Acl) => boolean): Promise<readonly Acl[]> {
    let removed: readonly Acl[] = [];
    await this.#store.change((policy) => {
      removed = policy.acls.filter(isMeant);
      if (removed.length === 0) return policy;
      return { ...policy, acls: policy.acls.filter((acl) => !isMeant(acl)) };
    });
    return removed;
  }

  /** @internal What Kafka's tools have made of a password themselves. */
  async setCredential(name: string, mechanism: ScramMechanism, credential: ScramCredential): Promise<void> {
    checkUserName(name);
    await this.#changeUser(name, (before) => ({
      ...before,
      credentials: { ...before.credentials, [mechanism]: credential },
    }));
  }

  /** @internal The user goes with the last one. @returns whether there was one. */
  async removeCredential(name: string, mechanism: ScramMechanism): Promise<boolean> {
    let isThere = false;
    await this.#store.change((policy) => {
      const user = policy.users.get(name);
      isThere = user?.credentials[mechanism] !== undefined;
      if (user === undefined || !isThere) return policy;
      const { [mechanism]: _, ...credentials } = user.credentials;
      if (Object.keys(credentials).length === 0) return without(policy, name);
      return withUser(policy, { ...user, credentials });
    });
    return isThere;
  }

  #changeUser(name: string, change: (before: StoredUser) => StoredUser): Promise<void> {
    return this.#store.change((policy) => {
      const before = policy.users.get(name) ?? { name, isAdmin: false, credentials: {} };
      if (policy.users.size >= MOST_USERS && !policy.users.has(name)) throw tooMany("users", MOST_USERS);
      return withUser(policy, change(before));
    });
  }
}

async function credentialsOf(password: string): Promise<StoredUser["credentials"]> {
  const made: [ScramMechanism, ScramCredential][] = [];
  for (const mechanism of SCRAM_MECHANISMS) made.push([mechanism, await credentialOf(mechanism, password)]);
  return Object.fromEntries(made);
}

function withUser(policy: Policy, user: StoredUser): Policy {
  return { ...policy, users: new Map(policy.users).set(user.name, user) };
}

function without(policy: Policy, name: string): Policy {
  const users = new Map(policy.users);
  users.delete(name);
  return { ...policy, users, acls: policy.acls.filter(({ user }) => user !== name) };
}

function rateOf(name: string, given: number | null | undefined): number | undefined {
  if (given === undefined || given === null) return undefined;
  if (Number.isSafeInteger(given) && given >= 1) return given;
  throw invalidArgument(
    name,
    `${name} cannot be ${String(given)}.`,
    "Give a whole number of bytes, or null.",
  );
}

/** @throws LakehouseError INVALID_ARGUMENT */
function aclOf(given: NewAcl): Acl {
  checkOptions("addAcls", given, ACL_NAMES);
  const { user, operation, resource, permission = "allow", pattern = "literal", host = ANY } = given;
  checkKind("resource", resource, RESOURCES);
  checkKind("operation", operation, OPERATIONS);
  checkKind("permission", permission, PERMISSIONS);
  checkKind("pattern", pattern, PATTERNS);
  if (user !== ANY) checkUserName(user);
  const name = resource === "cluster" ? CLUSTER : given.name;
  if (typeof name !== "string" || name === "" || name.length > MOST_CHARACTERS)
    throw invalidArgument("name", `An entry cannot be about ${JSON.stringify(name)}.`, "Give a name, or *.");
  if (typeof host !== "string" || host === "" || host.length > MOST_CHARACTERS)
    throw invalidArgument("host", `No host is named ${JSON.stringify(host)}.`, "Give an address, or *.");
  if (operation !== "all" && !OPERATIONS_ON[resource].includes(operation))
    throw invalidArgument(
      "operation",
      `There is no ${operation} of a ${resource}.`,
      `Choose from all, ${OPERATIONS_ON[resource].join(", ")}.`,
    );
  return { user, permission, operation, resource, pattern, name, host };
}

function checkKind(what: string, given: unknown, kinds: Readonly<Record<string, unknown>>): void {
  if (typeof given === "string" && Object.hasOwn(kinds, given)) return;
  throw invalidArgument(
    what,
    `There is no ${what} ${JSON.stringify(given)}.`,
    `Choose from ${Object.keys(kinds).join(", ")}.`,
  );
}

function isSame(one: Acl, other: Acl): boolean {
  return (Object.keys(ACL_NAMES) as (keyof Acl)[]).every((name) => one[name] === other[name]);
}

function unknownUser(name: string) {
  return noSuchUser(
    name,
    `There is no user ${JSON.stringify(name)}.`,
    "streamctl user list has those that there are.",
  );
}

function tooMany(what: string, most: number) {
  return invalidArgument(
    what,
    `A log has at most ${most} ${what}.`,
    "Use prefixes, or one user for several programs.",
  );
}
