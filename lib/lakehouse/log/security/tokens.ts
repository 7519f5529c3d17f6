/** Bearer tokens: signed JWTs (RFC 7519) of an issuer that the log's servers are told to trust. */
import { readFile, stat } from "node:fs/promises";
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";
import { invalidConfig } from "../../errors.js";
import { checkOptions, type OptionNames } from "../../options.js";
import { authenticationFailed } from "../errors.js";
import { policyFailures } from "../metrics.js";
import { isLoopback } from "./exposure.js";

/** Whose tokens are taken in place of a password: one that names a user of the log logs in as that user. */
export interface TokenOptions {
  /** Who issues them: the claim `iss` is exactly this. */
  readonly issuer: string;
  /** What they are for: the claim `aud` is this, or has it. */
  readonly audience: string;
  /**
   * The issuer's public keys, as a JSON Web Key Set: its URL, by `https:` unless it is of this machine, or the path of a file.
   * Both are read again when they have others.
   */
  readonly keys: string;
  /** The claim that names the user; `sub` where not given. */
  readonly userClaim?: string | undefined;
}

/** What a token says that is to be believed. */
export interface TokenClaims {
  readonly user: string;
  /** In milliseconds since the epoch. */
  readonly expiresAt: number;
}

const OPTIONS: OptionNames<TokenOptions> = { issuer: true, audience: true, keys: true, userClaim: true };
/**
 * By public keys alone: a token that is not signed, or signed with what everybody can read, is no token, whatever it says of
 * itself.
 */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
/** How far an issuer's clock may be ahead, in seconds, as Kafka's brokers have it. */
const SKEW_S = 30;
const FETCH_MS = 5_000;
/** How often it is looked whether a file has other keys. */
const LOOK_MS = 1_000;

/** Why a token is not taken, by jose's codes: none of it is secret to who has the token. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: "it has expired",
  ERR_JOSE_ALG_NOT_ALLOWED: "it is not signed in a way that is taken here",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "its signature is not that of a key which is trusted here",
  ERR_JWKS_NO_MATCHING_KEY: "it is signed with a key that is not trusted here",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "it does not say which of several keys it is signed with",
};

/** Checks tokens, for the servers of a log. */
export class TokenVerifier {
  readonly #options: TokenOptions;
  readonly #keys: JWTVerifyGetKey;
  readonly #verify: typeof import("jose").jwtVerify;

  private constructor(options: TokenOptions, keys: JWTVerifyGetKey, jose: typeof import("jose")) {
    this.#options = options;
    this.#keys = keys;
    this.#verify = jose.jwtVerify;
  }

  /** @throws LakehouseError INVALID_ARGUMENT; INVALID_CONFIG where a file has no public keys, or others could change those of a URL */
  static async open(options: TokenOptions): Promise<TokenVerifier> {
    checkOptions("tokens", options, OPTIONS);
    const { issuer, audience, keys, userClaim } = options;
    for (const [name, value] of Object.entries({ issuer, audience, keys, userClaim: userClaim ?? "sub" }))
      if (typeof value !== "string" || value === "")
        throw invalidConfig(
          name,
          `Tokens cannot have ${JSON.stringify(value)} as their ${name}.`,
          "Give a text.",
        );
    const jose = await import("jose");
    const found = /^https?:/i.test(keys) ? remoteKeys(jose, keys) : await fileKeys(jose, keys);
    return new TokenVerifier(options, found, jose);
  }

  /** @throws LakehouseError AUTHENTICATION_FAILED */
  async check(token: string): Promise<TokenClaims> {
    const { issuer, audience, userClaim = "sub" } = this.#options;
    let claims: JWTPayload;
    try {
      const verified = await this.#verify(token, this.#keys, {
        ...{ issuer, audience, algorithms: ALGORITHMS, clockTolerance: SKEW_S },
        requiredClaims: ["exp", userClaim],
      });
      claims = verified.payload;
    } catch (error) {
      throw refused(reasonOf(error));
    }
    const user = claims[userClaim];
    const expiresAt = (claims.exp as number) * 1000;
    // An issuer whose clock is ahead is waited for; a token that is over is over.
    if (expiresAt <= Date.now()) throw refused("it has expired");
    if (typeof user === "string") return { user, expiresAt };
    throw refused(`its claim ${userClaim} is no text`);
  }
}

export function tokenExpired() {
  return refused("it has expired");
}

function refused(why: string) {
  return authenticationFailed("token", `The token is not accepted: ${why}.`, "Get another from its issuer.");
}

function reasonOf(error: unknown): string {
  const { code = "", claim } = error as { readonly code?: string; readonly claim?: string };
  const known = REASONS[code];
  if (known !== undefined) return known;
  if (code === "ERR_JWT_CLAIM_VALIDATION_FAILED") return `its claim ${claim} is not what it has to be`;
  if (/^ERR_J(WT|WS|OSE_NOT_SUPPORTED)/.test(code) && code !== "ERR_JWKS_TIMEOUT")
    return "it is no signed JWT";
  // What the keys could not be had for is for who runs the server.
  policyFailures.publish({ error });
  return "the issuer's keys cannot be read for the moment";
}

function remoteKeys({ createRemoteJWKSet }: typeof import("jose"), keys: string): JWTVerifyGetKey {
  const url = URL.canParse(keys) ? new URL(keys) : undefined;
  const isSafe = url?.protocol === "https:" || (url && isLoopback(url.hostname.replace(/^\[|\]$/g, "")));
  if (url !== undefined && isSafe) return createRemoteJWKSet(url, { timeoutDuration: FETCH_MS });
  throw invalidConfig(
    "keys",
    // A URL may have a password in it.
    `Others could change the keys of ${url?.host ?? "what is no URL"} on their way.`,
    "Give a URL that begins with https:, or the path of a file.",
  );
}

/** A file that cannot be read any more, or has no keys by now, lets nobody in. */
async function fileKeys(jose: typeof import("jose"), path: string): Promise<JWTVerifyGetKey> {
  let known = await readKeys(jose, path);
  let lookedAt = performance.now();
  return async (header, token) => {
    if (performance.now() - lookedAt >= LOOK_MS) {
      const { mtimeMs, size } = await stat(path);
      if (mtimeMs !== known.mtimeMs || size !== known.size) known = await readKeys(jose, path);
      lookedAt = performance.now();
    }
    return known.keys(header, token);
  };
}

interface FileKeys {
  readonly mtimeMs: number;
  readonly size: number;
  readonly keys: JWTVerifyGetKey;
}

/** @throws LakehouseError INVALID_CONFIG */
async function readKeys({ createLocalJWKSet }: typeof import("jose"), path: string): Promise<FileKeys> {
  let set: JSONWebKeySet;
  let known: { readonly mtimeMs: number; readonly size: number };
  try {
    known = await stat(path);
    set = JSON.parse(await readFile(path, "utf8")) as JSONWebKeySet;
  } catch (cause) {
    // What a parser says has a piece of the text.
    const why = (cause as NodeJS.ErrnoException).code ?? "it is no JSON";
    throw invalidConfig("keys", `The keys of ${path} cannot be read (${why}).`, "Give a JSON Web Key Set.");
  }
  const keys: readonly unknown[] = Array.isArray(set?.keys) ? set.keys : [];
  if (keys.length === 0 || keys.some((key) => typeof key !== "object" || key === null))
    throw invalidConfig("keys", `There are no keys in ${path}.`, 'Give a JSON Web Key Set: {"keys": [...]}.');
  if (keys.some((key) => "d" in (key as object) || "k" in (key as object)))
    throw invalidConfig(
      "keys",
      `A key in ${path} is secret: who has it can make tokens.`,
      "Give the issuer's public keys alone.",
    );
  return { mtimeMs: known.mtimeMs, size: known.size, keys: createLocalJWKSet(set) };
}
