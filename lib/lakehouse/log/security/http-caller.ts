/** Who calls over HTTP: by name and password (RFC 7617) or a token (RFC 6750) in each request, or by a certificate. */
import type { Socket } from "node:net";
import { authenticationFailed, badCredentials } from "../errors.js";
import { authentications } from "../metrics.js";
import type { Caller } from "./caller.js";
import { addressOf, certifiedUser } from "./exposure.js";
import type { Proven, Security } from "./security.js";
import type { TokenVerifier } from "./tokens.js";

/** Who guesses waits for each answer, in milliseconds. */
const FAILED_MS = 200;
const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;
const BASIC_CHALLENGE = 'Basic realm="log"';
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

export interface HttpCall {
  readonly socket: Socket;
  readonly authorization: string | undefined;
  /** Nobody else can read what is sent. */
  readonly isPrivate: boolean;
  /** Where tokens are taken, too. */
  readonly tokens?: TokenVerifier | undefined;
}

/** What who is refused is told: how a request can say who it is (RFC 9110, 11.6.1). */
export function challenges({ tokens }: Pick<HttpCall, "tokens">): string {
  return tokens === undefined ? BASIC_CHALLENGE : `${BASIC_CHALLENGE}, Bearer realm="log"`;
}

/** How a request says who it is. */
type Scheme = "Basic" | "Bearer";

/** @throws LakehouseError AUTHENTICATION_FAILED */
export async function httpCaller(security: Security, call: HttpCall): Promise<Caller> {
  const host = addressOf(call.socket);
  if (!security.isOn) return security.caller(undefined, host);
  try {
    return security.caller(await proven(security, host, call), host);
  } catch (error) {
    authentications.publish({ mechanism: schemeOf(call), outcome: "failed" });
    await new Promise((resolve) => setTimeout(resolve, FAILED_MS));
    throw error;
  }
}

async function proven(security: Security, host: string, call: HttpCall): Promise<Proven> {
  const { socket, authorization, isPrivate, tokens } = call;
  const certified = certifiedUser(socket);
  if (authorization === undefined && certified !== undefined) return security.proven(certified);
  const mechanism = schemeOf(call);
  const pattern = mechanism === "Bearer" ? BEARER : BASIC;
  const [, sent] = pattern.exec(authorization ?? "") ?? [];
  if (sent === undefined || (mechanism === "Bearer" && tokens === undefined))
    throw authenticationFailed(
      "authorization",
      `A name and a password${tokens === undefined ? "" : ", or a token,"} are needed here.`,
      `Send them as HTTP's Basic authentication${tokens === undefined ? "" : ", a token as Bearer"}.`,
    );
  if (!isPrivate)
    throw authenticationFailed(
      "authorization",
      "Passwords and tokens are not taken here, where others could read them on their way.",
      "Have TLS spoken: streamctl serve --tls-cert --tls-key.",
    );
  const known =
    tokens !== undefined && mechanism === "Bearer"
      ? await security.checkToken(tokens, sent)
      : await byPassword(security, host, sent);
  authentications.publish({ mechanism, outcome: "ok" });
  return known;
}

function schemeOf({ authorization = "" }: HttpCall): Scheme {
  return /^Bearer /i.test(authorization) ? "Bearer" : "Basic";
}

function byPassword(security: Security, host: string, encoded: string): Promise<Proven> {
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 0) throw badCredentials();
  return security.checkPassword(text.slice(0, colon), text.slice(colon + 1), host);
}
