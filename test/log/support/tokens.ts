/** An issuer of tokens, as tests need it: one that makes them rightly, and whatever else is asked of it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from "jose";
import type { TokenOptions } from "../../../lib/lakehouse/log/index.js";
import { testFolder } from "./lake-log.js";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "the-log";

export interface Key {
  readonly jwk: JWK;
  readonly sign: (claims: Record<string, unknown>, header?: Partial<JWTHeaderParameters>) => Promise<string>;
}

export async function newKey(kid = "one", alg = "ES256"): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return {
    jwk,
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

const seconds = (ms: number) => Math.floor((Date.now() + ms) / 1000);

/** What a token has that is taken. @param ms how long it lasts. */
export function claims(sub: string, ms = 60_000): Record<string, unknown> {
  return { iss: ISSUER, aud: AUDIENCE, sub, iat: seconds(0), exp: seconds(ms) };
}

export function keysFile(...keys: readonly JWK[]): string {
  const path = join(testFolder(), "keys.json");
  writeKeys(path, ...keys);
  return path;
}

export function writeKeys(path: string, ...keys: readonly JWK[]): void {
  writeFileSync(path, JSON.stringify({ keys }));
}

export const trusting = (keys: string): TokenOptions => ({ issuer: ISSUER, audience: AUDIENCE, keys });
