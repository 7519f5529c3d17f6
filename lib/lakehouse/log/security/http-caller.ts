/** Who calls over HTTP: by name and password in each request (RFC 7617), or by a certificate. */
import type { Socket } from "node:net";
import { authenticationFailed, badCredentials } from "../errors.js";
import { authentications } from "../metrics.js";
import type { Caller } from "./caller.js";
import { addressOf, certifiedUser } from "./exposure.js";
import type { Proven, Security } from "./security.js";

/** Who guesses waits for each answer, in milliseconds. */
const FAILED_MS = 200;

export interface HttpCall {
  readonly socket: Socket;
  readonly authorization: string | undefined;
  /** Nobody else can read what is sent. */
  readonly isPrivate: boolean;
}

/** @throws LakehouseError AUTHENTICATION_FAILED */
export async function httpCaller(security: Security, call: HttpCall): Promise<Caller> {
  const host = addressOf(call.socket);
  if (!security.isOn) return security.caller(undefined, host);
  try {
    return security.caller(await proven(security, host, call), host);
  } catch (error) {
    authentications.publish({ mechanism: "Basic", outcome: "failed" });
    await new Promise((resolve) => setTimeout(resolve, FAILED_MS));
    throw error;
  }
}

async function proven(security: Security, host: string, call: HttpCall): Promise<Proven> {
  const { socket, authorization, isPrivate } = call;
  const certified = certifiedUser(socket);
  if (authorization === undefined && certified !== undefined) return security.proven(certified);
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined)
    throw authenticationFailed(
      "authorization",
      "A name and a password are needed here.",
      "Send them as HTTP's Basic authentication.",
    );
  if (!isPrivate)
    throw authenticationFailed(
      "authorization",
      "Passwords are not taken here, where others could read them on their way.",
      "Have TLS spoken: streamctl serve --tls-cert --tls-key.",
    );
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 0) throw badCredentials();
  const known = await security.checkPassword(text.slice(0, colon), text.slice(colon + 1), host);
  authentications.publish({ mechanism: "Basic", outcome: "ok" });
  return known;
}
