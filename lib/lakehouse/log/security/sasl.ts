/** Logging in by SASL: one exchange of one mechanism. */
import { badCredentials, unsupportedMechanism } from "../errors.js";
import { SCRAM_MECHANISMS, ScramExchange, type ScramMechanism } from "./scram.js";
import type { Proven, Security } from "./security.js";

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

/** That are offered. @param isPrivate nobody else can read what is sent, as a password is by PLAIN. */
export function mechanisms(isPrivate: boolean): string[] {
  return [...SCRAM_MECHANISMS, ...(isPrivate ? [PLAIN] : [])];
}

/** @throws LakehouseError UNSUPPORTED_SASL_MECHANISM */
export function saslExchange(
  mechanism: string,
  isPrivate: boolean,
  security: Security,
  host: string,
): SaslExchange {
  if (!mechanisms(isPrivate).includes(mechanism))
    throw unsupportedMechanism(
      "mechanism",
      "That way of logging in is not offered here.",
      `There are ${mechanisms(isPrivate).join(", ")}.`,
    );
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
