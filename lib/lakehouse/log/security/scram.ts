/** SCRAM (RFC 5802, with the hashes of RFC 7677): what a server keeps of a password, and the exchange that proves it. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { badCredentials } from "../errors.js";

const HASHES = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const;
export type ScramMechanism = keyof typeof HASHES;
export const SCRAM_MECHANISMS = Object.keys(HASHES) as ScramMechanism[];

/** What is kept: it proves a password, and lets nobody log in. */
export interface ScramCredential {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** As many as Kafka's tools allow at most: each client has to do them, too, whenever it connects. */
export const ITERATIONS = 16_384;
const SALT_BYTES = 32;
const NONCE_BYTES = 24;
/** `n`: the client binds to no channel; `y`: it would, and believes that the server cannot, which is true. */
const FIRST = /^([ny],(?:a=([^,]*))?,)(n=([^,]*),r=([!-+\x2d-~]+))$/;
const FINAL = /^(c=([^,]+),r=([^,]+)),p=([A-Za-z0-9+/=]+)$/;

export async function credentialOf(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array = randomBytes(SALT_BYTES),
  iterations = ITERATIONS,
): Promise<ScramCredential> {
  const salted = await saltedPassword(mechanism, password, salt, iterations);
  return credentialFromSalted(mechanism, salted, salt, iterations);
}

/** For tools that salt the password themselves. */
export function credentialFromSalted(
  mechanism: ScramMechanism,
  salted: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramCredential {
  const storedKey = hash(mechanism, hmac(mechanism, salted, "Client Key"));
  return { salt, iterations, storedKey, serverKey: hmac(mechanism, salted, "Server Key") };
}

/** Takes as long for a wrong password as for the right one. */
export async function isPasswordOf(
  mechanism: ScramMechanism,
  { salt, iterations, storedKey }: ScramCredential,
  password: string,
): Promise<boolean> {
  return timingSafeEqual((await credentialOf(mechanism, password, salt, iterations)).storedKey, storedKey);
}

/** In place of a credential that there is not: the same for the same name, so that it does not show. */
export function decoyOf(mechanism: ScramMechanism, secret: Uint8Array, user: string): ScramCredential {
  const bytes = (what: string) => hmac(mechanism, secret, `${mechanism}\0${what}\0${user}`);
  return {
    salt: bytes("salt").subarray(0, SALT_BYTES),
    iterations: ITERATIONS,
    storedKey: bytes("stored"),
    serverKey: bytes("server"),
  };
}

/** One after the other: they keep a thread busy each, and appends need threads to flush. */
let turn: Promise<unknown> = Promise.resolve();

function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Buffer> {
  const length = hash(mechanism, Buffer.alloc(0)).length;
  const work = turn.then(
    () =>
      new Promise<Buffer>((resolve, reject) =>
        pbkdf2(password, salt, iterations, length, HASHES[mechanism], (error, key) =>
          error === null ? resolve(key) : reject(error),
        ),
      ),
  );
  turn = work.catch(() => undefined);
  return work;
}

/** The server's side of one exchange. Every step throws AUTHENTICATION_FAILED, which does not say why. */
export class ScramExchange {
  readonly #mechanism: ScramMechanism;
  readonly #credentialOf: (user: string) => ScramCredential;
  #started: Started | undefined;

  /** @param credentialOf a decoy where there is none. */
  constructor(mechanism: ScramMechanism, credentialOf: (user: string) => ScramCredential) {
    this.#mechanism = mechanism;
    this.#credentialOf = credentialOf;
  }

  /** @returns what the client is told; and who it is, once that is proven. */
  async step(token: Uint8Array): Promise<{ readonly reply: Uint8Array; readonly user?: string | undefined }> {
    return this.#started === undefined ? this.#first(token) : this.#final(token, this.#started);
  }

  #first(token: Uint8Array) {
    const [, header = "", authorizedAs, bare = "", name = "", nonce = ""] = FIRST.exec(textOf(token)) ?? [];
    const user = unescaped(name);
    if (user === undefined || user === "") throw badCredentials();
    // Nobody acts for another here.
    if (authorizedAs !== undefined && authorizedAs !== "" && unescaped(authorizedAs) !== user)
      throw badCredentials();
    const credential = this.#credentialOf(user);
    const ours = randomBytes(NONCE_BYTES).toString("base64url");
    const salt = Buffer.from(credential.salt).toString("base64");
    const reply = `r=${nonce}${ours},s=${salt},i=${credential.iterations}`;
    this.#started = { user, credential, texts: { header, bare, nonce: ours, reply } };
    return { reply: Buffer.from(reply) };
  }

  #final(token: Uint8Array, { user, credential, texts }: Started) {
    const [, withoutProof = "", binding = "", nonce = "", proof = ""] = FINAL.exec(textOf(token)) ?? [];
    const given = Buffer.from(proof, "base64");
    const signed = `${texts.bare},${texts.reply},${withoutProof}`;
    const signature = hmac(this.#mechanism, credential.storedKey, signed);
    const isBound = Buffer.from(binding, "base64").toString("latin1") === texts.header;
    // All of it is signed, and ours makes it fresh: librdkafka 2.0 sends its own part twice, which Kafka takes as well.
    if (!isBound || !nonce.endsWith(texts.nonce) || given.length !== signature.length) throw badCredentials();
    const clientKey = Buffer.from(signature.map((byte, i) => byte ^ (given[i] as number)));
    if (!timingSafeEqual(hash(this.#mechanism, clientKey), credential.storedKey)) throw badCredentials();
    const verifier = hmac(this.#mechanism, credential.serverKey, signed).toString("base64");
    return { reply: Buffer.from(`v=${verifier}`), user };
  }
}

interface Started {
  readonly user: string;
  readonly credential: ScramCredential;
  readonly texts: Texts;
}

interface Texts {
  /** Of GS2: whether a channel is bound. */
  readonly header: string;
  readonly bare: string;
  /** The server's part. */
  readonly nonce: string;
  readonly reply: string;
}

/** A name as SCRAM writes it: `=2C` is a comma, `=3D` the equals sign, and no other `=` stands in it. */
function unescaped(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function textOf(token: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(token);
  } catch {
    throw badCredentials();
  }
}

function hash(mechanism: ScramMechanism, bytes: Uint8Array): Buffer {
  return createHash(HASHES[mechanism]).update(bytes).digest();
}

function hmac(mechanism: ScramMechanism, key: Uint8Array, text: string): Buffer {
  return createHmac(HASHES[mechanism], key).update(text).digest();
}
