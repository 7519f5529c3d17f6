import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Fault } from "./fault.js";

/** Who is let in. With neither tokens nor clients everybody is: allowed on the loopback interface only. */
export interface RestAuth {
  /** Bearer tokens that are let in as they are. */
  readonly tokens?: readonly string[] | undefined;
  /** OAuth2 clients that may ask for a token: id → secret. */
  readonly clients?: Readonly<Record<string, string>> | undefined;
  /** Lifetime of the tokens that clients get, in seconds. 3600 where not given. */
  readonly tokenLifetimeS?: number | undefined;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresInS: number;
}

/**
 * Checks bearer tokens: those that the operator configured, and those that this server issued. Issued ones are
 * signed, not kept (JWT, HS256): a server that starts again has another key, and clients ask anew.
 */
export class Gate {
  readonly isOpen: boolean;
  /** Whether a client may come with a token that it was given; else it gets one for its id and secret. */
  readonly takesTokens: boolean;
  readonly #digests: readonly Buffer[];
  readonly #clients: ReadonlyMap<string, Buffer>;
  readonly #key = randomBytes(32);
  readonly #lifetimeS: number;

  constructor({ tokens = [], clients = {}, tokenLifetimeS = 3600 }: RestAuth = {}) {
    this.#digests = tokens.map(digest);
    this.#clients = new Map(Object.entries(clients).map(([id, secret]) => [id, digest(secret)]));
    this.#lifetimeS = tokenLifetimeS;
    this.takesTokens = tokens.length > 0;
    this.isOpen = tokens.length === 0 && this.#clients.size === 0;
  }

  /**
   * Who sends a request.
   * @throws Fault 401
   */
  check(authorization: string | undefined): string {
    if (this.isOpen) return "";
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
    const who = token === undefined ? undefined : this.#holder(token);
    if (who !== undefined) return who;
    const problem =
      authorization === undefined ? "No bearer token was sent." : "The bearer token is not valid.";
    throw new Fault(401, "NotAuthorizedException", problem, { "www-authenticate": 'Bearer realm="catalog"' });
  }

  /** A token for a client that proves itself; `undefined` for one that does not. */
  issueTo(id: string, secret: string): IssuedToken | undefined {
    const known = this.#clients.get(id);
    // Compared also where there is no such client: the time tells nothing.
    const isRight = timingSafeEqual(digest(secret), known ?? digest(""));
    return known !== undefined && isRight ? this.#issue(id) : undefined;
  }

  /** A fresh token for the holder of one that this server issued and that still holds. */
  renew(token: string): IssuedToken | undefined {
    const id = this.#subject(token);
    return id === undefined ? undefined : this.#issue(id);
  }

  #holder(token: string): string | undefined {
    const offered = digest(token);
    let isConfigured = false;
    for (const known of this.#digests) isConfigured = timingSafeEqual(known, offered) || isConfigured;
    return isConfigured ? offered.toString("base64url") : this.#subject(token);
  }

  #issue(id: string): IssuedToken {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      sub: id,
      scope: "catalog",
      iat: now,
      exp: now + this.#lifetimeS,
      jti: randomBytes(9).toString("base64url"),
    };
    const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
    return { token: `${signed}.${this.#sign(signed).toString("base64url")}`, expiresInS: this.#lifetimeS };
  }

  /** The client that a token was issued to, while it holds. */
  #subject(token: string): string | undefined {
    const end = token.lastIndexOf(".");
    const signature = Buffer.from(token.slice(end + 1), "base64url");
    const expected = this.#sign(token.slice(0, Math.max(end, 0)));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return undefined;
    // What we signed we wrote: it can be read.
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
      sub: string;
      exp: number;
    };
    return claims.exp * 1000 > Date.now() ? claims.sub : undefined;
  }

  #sign(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest();
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
}
