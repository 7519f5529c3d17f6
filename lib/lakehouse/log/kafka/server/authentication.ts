/** Who speaks on a connection: SASL as Kafka does it, or a certificate. */
import { authenticationFailed, badCredentials } from "../../errors.js";
import { authentications } from "../../metrics.js";
import { type Clock, sleep } from "../../partition/clock.js";
import type { Caller } from "../../security/caller.js";
import { mechanisms, type SaslExchange, type SaslStep, saslExchange } from "../../security/sasl.js";
import type { Proven, Security } from "../../security/security.js";
import type { TokenVerifier } from "../../security/tokens.js";
import type { RequestOf, ResponseTo } from "../protocol/api.js";
import { ERROR } from "../protocol/error-codes.js";
import type { saslAuthenticate, saslHandshake } from "../protocol/messages/sasl.js";
import { toKafka } from "./error-map.js";
import type { KafkaSettings } from "./settings.js";

/** Who has not logged in sends no larger requests: what he does send takes no memory from others. */
const FIRST_BYTES = 8 * 1024;
/** Tokens may say much. As HTTP's headers. */
const FIRST_WITH_TOKEN_BYTES = 16 * 1024;
/** Who guesses waits for each answer, in milliseconds. */
const FAILED_MS = 200;
const NOTHING = new Uint8Array();

export interface Peer {
  /** The address. */
  readonly host: string;
  /** Nobody else can read what is sent. */
  readonly isPrivate: boolean;
  /** Whom its certificate names. */
  readonly certified: string | undefined;
}

export interface AuthenticationParts {
  readonly security: Security;
  readonly settings: KafkaSettings;
  /** Where tokens are taken, too. */
  readonly tokens: TokenVerifier | undefined;
  readonly clock: Clock;
  readonly peer: Peer;
  /** Aborted with the connection. */
  readonly gone: AbortSignal;
}

export class Authentication {
  readonly #settings: KafkaSettings;
  readonly #security: Security;
  readonly #tokens: TokenVerifier | undefined;
  readonly #clock: Clock;
  readonly #peer: Peer;
  readonly #gone: AbortSignal;
  #exchange: SaslExchange | undefined;
  /** Tokens come without a request around them, as after the oldest handshake. */
  #isRaw = false;
  #proven: Proven | undefined;
  /** When a login is over, by `performance.now()`. */
  #expires = Number.POSITIVE_INFINITY;
  #hasFailed = false;
  #caller: Caller;

  constructor({ security, settings, tokens, clock, peer, gone }: AuthenticationParts) {
    this.#tokens = tokens;
    this.#settings = settings;
    this.#security = security;
    this.#clock = clock;
    this.#peer = peer;
    this.#gone = gone;
    const { certified } = peer;
    if (certified !== undefined && this.#security.knows(certified))
      this.#proven = this.#security.proven(certified);
    this.#caller = this.#security.caller(this.#proven, peer.host);
  }

  get caller(): Caller {
    return this.#caller;
  }

  /** Everyone is asked, and this one has not said yet who he is. */
  get isPending(): boolean {
    return this.#security.isOn && this.#proven === undefined;
  }

  /** Nothing more is to be taken from this connection. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The next frame is a token. */
  get takesToken(): boolean {
    return this.#isRaw && this.#exchange !== undefined;
  }

  /** The largest request that is taken now. */
  get maxBytes(): number {
    const { maxRequestBytes } = this.#settings;
    const first = this.#tokens === undefined ? FIRST_BYTES : FIRST_WITH_TOKEN_BYTES;
    return this.isPending ? Math.min(first, maxRequestBytes) : maxRequestBytes;
  }

  /** @throws LakehouseError AUTHENTICATION_FAILED where requests are not answered: not yet, or not any more. */
  check(): void {
    if (!this.#security.isOn) return;
    if (this.#proven === undefined)
      throw authenticationFailed("connection", "A client asked for something before it had logged in.");
    if (!this.#security.holds(this.#proven))
      throw authenticationFailed("connection", "The user of a connection was changed or deleted meanwhile.");
    if (performance.now() >= this.#expires)
      throw authenticationFailed("connection", "A connection's login is over, and it was not renewed.");
  }

  handshake(
    { mechanism }: RequestOf<typeof saslHandshake>,
    version: number,
  ): ResponseTo<typeof saslHandshake> {
    const { isPrivate, host } = this.#peer;
    const side = { security: this.#security, tokens: this.#tokens, isPrivate, host };
    const offered = mechanisms(side);
    if (!this.#security.isOn) return { errorCode: ERROR.ILLEGAL_SASL_STATE, mechanisms: [] };
    try {
      this.#exchange = saslExchange(mechanism, side);
      this.#isRaw = version === 0;
      return { errorCode: ERROR.NONE, mechanisms: offered };
    } catch (error) {
      this.#hasFailed = true;
      return { errorCode: toKafka(error).errorCode, mechanisms: offered };
    }
  }

  async authenticate({
    authBytes,
  }: RequestOf<typeof saslAuthenticate>): Promise<ResponseTo<typeof saslAuthenticate>> {
    if (this.#exchange === undefined) {
      this.#hasFailed = true;
      const errorMessage = "SaslHandshake comes first.";
      return { errorCode: ERROR.ILLEGAL_SASL_STATE, errorMessage, authBytes: NOTHING };
    }
    try {
      const { reply, proven } = await this.#step(authBytes);
      const sessionLifetimeMs = proven === undefined ? 0n : BigInt(this.#lifetimeMs(proven) ?? 0);
      return { errorCode: ERROR.NONE, errorMessage: null, authBytes: reply, sessionLifetimeMs };
    } catch (error) {
      return { ...toKafka(error), authBytes: NOTHING };
    }
  }

  /** @throws LakehouseError AUTHENTICATION_FAILED: then the connection is closed without an answer, as there is none. */
  async token(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.#step(bytes)).reply;
  }

  /** How long a login lasts from now on, and a token no longer than it says; as long as the connection where nothing is said. */
  #lifetimeMs({ expiresAt }: Proven): number | undefined {
    const { sessionMs } = this.#settings;
    const limits = [
      ...(sessionMs > 0 ? [sessionMs] : []),
      ...(expiresAt === undefined ? [] : [Math.max(1, expiresAt - Date.now())]),
    ];
    return limits.length === 0 ? undefined : Math.min(...limits);
  }

  async #step(token: Uint8Array): Promise<SaslStep> {
    const { mechanism, step } = this.#exchange as SaslExchange;
    try {
      const { reply, proven } = await step(token);
      if (proven === undefined) return { reply };
      // A connection may say again who it is, and does not become another's.
      if (this.#proven !== undefined && this.#proven.user !== proven.user) throw badCredentials();
      this.#exchange = undefined;
      this.#proven = proven;
      this.#caller = this.#security.caller(proven, this.#peer.host);
      this.#expires = performance.now() + (this.#lifetimeMs(proven) ?? Number.POSITIVE_INFINITY);
      authentications.publish({ mechanism, outcome: "ok" });
      return { reply, proven };
    } catch (error) {
      this.#exchange = undefined;
      this.#hasFailed = true;
      authentications.publish({ mechanism, outcome: "failed" });
      await sleep(this.#clock, FAILED_MS, this.#gone);
      throw error;
    }
  }
}
