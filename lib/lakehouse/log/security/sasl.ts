/** Logging in by SASL: one exchange of one mechanism. */
import { authenticationFailed, badCredentials, unsupportedMechanism } from "../errors.js";
import { SCRAM_MECHANISMS, ScramExchange, type ScramMechanism } from "./scram.js";
import type { Proven, Security } from "./security.js";
import type { TokenVerifier } from "./tokens.js";

export interface SaslStep {
  readonly reply: Uint8Array;
  /** Once it is proven who it is. */
  readonly proven?: Proven | undefined;
}

export interface SaslExchange {
  readonly mechanism: string;
  /** @throws LakehouseError AUTHENTICATION_FAILED */
  step(token: Uint8Array): Promise<SaslStep>;
}

const PLAIN = "PLAIN";
const OAUTHBEARER = "OAUTHBEARER";

/** Who is to be asked. */
export interface SaslSide {
  readonly security: Security;
  /** The address of the client. */
  readonly host: string;
  /** Nobody else can read what is sent, as a password is by PLAIN, and a token. */
  readonly isPrivate: boolean;
  /** Where tokens are taken, too. */
  readonly tokens: TokenVerifier | undefined;
}

/** That are offered. */
export function mechanisms({ isPrivate, tokens }: Pick<SaslSide, "isPrivate" | "tokens">): string[] {
  const readable = [PLAIN, ...(tokens === undefined ? [] : [OAUTHBEARER])];
  return [...SCRAM_MECHANISMS, ...(isPrivate ? readable : [])];
}

/** @throws LakehouseError UNSUPPORTED_SASL_MECHANISM */
export function saslExchange(mechanism: string, side: SaslSide): SaslExchange {
  const { security, host, tokens } = side;
  if (!mechanisms(side).includes(mechanism))
    throw unsupportedMechanism(
      "mechanism",
      "That way of logging in is not offered here.",
      `There are ${mechanisms(side).join(", ")}.`,
    );
  if (mechanism === OAUTHBEARER && tokens !== undefined) return bearer(security, tokens);
  return mechanism === PLAIN ? plain(security, host) : scram(mechanism as ScramMechanism, security);
}

function scram(mechanism: ScramMechanism, security: Security): SaslExchange {
  const exchange = new ScramExchange(mechanism, (user) => security.credentialOf(mechanism, user));
  return {
    mechanism,
    step: async (token) => {
      const { reply, user } = await exchange.step(token);
      return { reply, proven: user === undefined ? undefined : security.proven(user) };
    },
  };
}

/** RFC 4616: for whom somebody acts, who it is, and the password. */
function plain(security: Security, host: string): SaslExchange {
  return {
    mechanism: PLAIN,
    step: async (token) => {
      const [actsFor, user, password, ...more] = Buffer.from(token).toString().split("\0");
      if (user === undefined || password === undefined || more.length > 0) throw badCredentials();
      if (actsFor !== "" && actsFor !== user) throw badCredentials();
      return { reply: new Uint8Array(), proven: await security.checkPassword(user, password, host) };
    },
  };
}

/** Between what a client says. */
const SEPARATOR = "\u0001";

/** RFC 7628, 3.1: `n,a=<for whom>,`, then pairs of a key and its value, of which one has the token. */
function readBearer(text: string): { readonly actsFor: string; readonly token: string } | undefined {
  const [header = "", ...pairs] = text.split(SEPARATOR);
  const begin = /^n,(?:a=([^,]*))?,$/.exec(header);
  // Behind each pair comes a separator, and behind the last another.
  const isWhole = begin !== null && pairs.length >= 3 && pairs.at(-1) === "" && pairs.at(-2) === "";
  const given = pairs.filter((pair) => pair.startsWith("auth="));
  const [, token] = /^auth=Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(given[0] ?? "") ?? [];
  if (!isWhole || given.length !== 1 || token === undefined) return undefined;
  return { actsFor: begin?.[1] ?? "", token };
}

function bearer(security: Security, tokens: TokenVerifier): SaslExchange {
  return {
    mechanism: OAUTHBEARER,
    step: async (bytes) => {
      const said = readBearer(Buffer.from(bytes).toString());
      if (said === undefined)
        throw authenticationFailed("token", "What was sent is no token.", "Send one as RFC 7628 says.");
      const { actsFor, token } = said;
      const proven = await security.checkToken(tokens, token);
      if (actsFor !== "" && actsFor !== proven.user) throw badCredentials();
      return { reply: new Uint8Array(), proven };
    },
  };
}
