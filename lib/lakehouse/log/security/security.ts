import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { isLakehouseError } from "../../errors.js";
import { authenticationFailed, badCredentials } from "../errors.js";
import { accessRefusals, policyFailures, throttles } from "../metrics.js";
import { KeyedLock } from "../transactions/keyed-lock.js";
import { type Caller, callerOf } from "./caller.js";
import type { StoredUser } from "./policy.js";
import type { PolicyStore, ReadPolicy } from "./policy-store.js";
import { type QuotaKind, RateLimit } from "./quota.js";
import {
  decoyOf,
  isPasswordOf,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
} from "./scram.js";
import { type TokenVerifier, tokenExpired } from "./tokens.js";

/** How soon a change is heard of, in milliseconds. */
const EVERY_MS = 3_000;
const REMEMBERED = 1_000;

/** Somebody who has proven who it is. */
export interface Proven {
  readonly user: string;
  /** Of the user as it was then: another password is another one. */
  readonly stamp: string;
  /** Of a token, in milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
}

/**
 * The users of a log, as a server asks for them. What was read last counts until something else is read: neither a store that
 * does not answer nor an object that is gone opens a log.
 */
export class Security {
  readonly #store: PolicyStore;
  #read: ReadPolicy | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | undefined;
  readonly #limits = new Map<string, RateLimit>();
  readonly #turns = new KeyedLock();
  /** Passwords that were right, as digests under a key of this process: HTTP sends them with every request. */
  readonly #right = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #key = randomBytes(32);
  readonly #listeners = new Set<() => void>();
  /** Who was not asked. Everything is allowed, until everyone is. */
  readonly #anybody: Caller = {
    user: undefined,
    may: () => !this.isOn,
    mayAnywhere: () => !this.isOn,
    check: () => {
      if (this.isOn)
        throw authenticationFailed(
          "caller",
          "By now everyone is asked who he is.",
          "Log in, and call again.",
        );
    },
  };

  private constructor(store: PolicyStore) {
    this.#store = store;
  }

  /** Reads the users, and reads them again whenever they have changed. @throws LakehouseError CORRUPT_FILE, CORRUPT_STATE, UNSUPPORTED_FEATURE, STORAGE_FAILED */
  static async open(store: PolicyStore): Promise<Security> {
    const security = new Security(store);
    security.#read = await store.read();
    security.#timer = setInterval(() => void security.refresh(), EVERY_MS);
    security.#timer.unref();
    return security;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Whether everyone is asked who he is: since the log has had a user for the first time. */
  get isOn(): boolean {
    return this.#read !== undefined;
  }

  /** Reads what has changed. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh()
      .catch((error: unknown) => policyFailures.publish({ error }))
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const etag = (await this.#store.head())?.etag;
    if (etag === undefined || etag === this.#read?.etag) return;
    this.#read = (await this.#store.read()) ?? this.#read;
    for (const listener of [...this.#listeners]) listener();
  }

  /** @param listener called when what somebody may do can have changed. @returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  knows(user: string): boolean {
    return this.#user(user) !== undefined;
  }

  #user(name: string): StoredUser | undefined {
    return this.#read?.policy.users.get(name);
  }

  /** What a mechanism proves a password with; a decoy where there is nothing. */
  credentialOf(mechanism: ScramMechanism, user: string): ScramCredential {
    // Made in any case, which takes as long.
    const decoy = decoyOf(mechanism, this.#read?.policy.decoySecret ?? this.#key, user);
    return this.#user(user)?.credentials[mechanism] ?? decoy;
  }

  /** By what the user has: as it is after a mechanism has proven it. @throws LakehouseError AUTHENTICATION_FAILED */
  proven(name: string): Proven {
    const user = this.#user(name);
    if (user === undefined) throw badCredentials();
    return { user: name, stamp: stampOf(user) };
  }

  /** By a token of an issuer that is trusted. @throws LakehouseError AUTHENTICATION_FAILED */
  async checkToken(tokens: TokenVerifier, token: string): Promise<Proven> {
    const { user, expiresAt } = await tokens.check(token);
    if (!this.knows(user))
      throw authenticationFailed(
        "token",
        `The token names ${JSON.stringify(user)}, and the log has no such user.`,
        "Have whoever runs the log make one: streamctl user set.",
      );
    return { ...this.proven(user), expiresAt };
  }

  /** By the password itself. Whether there is such a user does not show in the time that it takes. @throws LakehouseError AUTHENTICATION_FAILED */
  async checkPassword(name: string, password: string, host: string): Promise<Proven> {
    // Who was right before does not stand in line behind those who guess from the same address, a proxy's say.
    const user = this.#user(name);
    if (user !== undefined && this.#right.get(this.#digestOf(name, password, stampOf(user))))
      return { user: name, stamp: stampOf(user) };
    // Each address waits for its own: who guesses from one does not hold up the others.
    return this.#turns.run(host, () => this.#checkPassword(name, password));
  }

  #digestOf(name: string, password: string, stamp: string): string {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([name, password, stamp]))
      .digest("base64");
  }

  async #checkPassword(name: string, password: string): Promise<Proven> {
    const user = this.#user(name);
    const has = SCRAM_MECHANISMS.find((one) => user?.credentials[one] !== undefined);
    const mechanism = has ?? (SCRAM_MECHANISMS[0] as ScramMechanism);
    const credential = this.credentialOf(mechanism, name);
    const stamp = user === undefined ? "" : stampOf(user);
    const digest = this.#digestOf(name, password, stamp);
    if (user !== undefined && this.#right.get(digest)) return { user: name, stamp };
    const isRight = await isPasswordOf(mechanism, credential, password);
    if (!isRight || has === undefined) throw badCredentials();
    this.#right.set(digest, true);
    return { user: name, stamp };
  }

  /** Whether what was proven then would be now. */
  holds(proven: Proven): boolean {
    const now = this.#user(proven.user);
    return now !== undefined && stampOf(now) === proven.stamp && !isExpired(proven);
  }

  /** @param proven `undefined` where nobody was asked. @param host the address. */
  caller(proven: Proven | undefined, host: string): Caller {
    if (proven === undefined) return this.#anybody;
    const caller = callerOf(proven.user, host, () => ({
      isAdmin: this.holds(proven) ? this.#user(proven.user)?.isAdmin : undefined,
      acls: this.#read?.policy.acls ?? [],
    }));
    return {
      ...caller,
      expiresAt: proven.expiresAt,
      check: (operation, resource, name) => {
        try {
          if (isExpired(proven)) throw tokenExpired();
          caller.check(operation, resource, name);
        } catch (error) {
          if (isLakehouseError(error)) accessRefusals.publish({ operation, resource });
          throw error;
        }
      },
    };
  }

  /** For how long somebody who has sent or got so many bytes is to wait, in milliseconds. */
  throttle({ user }: Caller, kind: QuotaKind, bytes: number): number {
    const found = user === undefined ? undefined : this.#user(user);
    const rate = kind === "produce" ? found?.produceBytesPerSecond : found?.fetchBytesPerSecond;
    if (rate === undefined) return 0;
    const now = performance.now();
    const key = `${kind} ${user}`;
    const limit = this.#limits.get(key) ?? new RateLimit(now);
    this.#limits.set(key, limit);
    const ms = limit.use(bytes, rate, now);
    if (ms > 0) throttles.publish({ kind, ms });
    return ms;
  }
}

function isExpired({ expiresAt }: Proven): boolean {
  return expiresAt !== undefined && Date.now() >= expiresAt;
}

function stampOf({ credentials }: StoredUser): string {
  return SCRAM_MECHANISMS.map((mechanism) =>
    Buffer.from(credentials[mechanism]?.storedKey ?? []).toString("base64"),
  ).join(" ");
}
