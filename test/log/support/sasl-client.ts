/** Kafka's clients log in; this one does so step by step, so that tests can do it wrongly. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { KafkaServer } from "../../../lib/lakehouse/log/index.js";
import { saslAuthenticate, saslHandshake } from "../../../lib/lakehouse/log/kafka/protocol/messages/sasl.js";
import { Client } from "./kafka-client.js";

export const PASSWORD = "correct horse battery staple";

export const plainToken = (user: string, password: string, actsFor = "") =>
  Buffer.from(`${actsFor}\0${user}\0${password}`);

/** The client's side of SCRAM, by RFC 5802. */
export class ScramClient {
  readonly #hash: string;
  readonly #user: string;
  readonly #password: string;
  readonly nonce = randomBytes(18).toString("base64");
  readonly header = "n,,";

  constructor(mechanism: string, user: string, password: string) {
    this.#hash = mechanism === "SCRAM-SHA-512" ? "sha512" : "sha256";
    this.#user = user;
    this.#password = password;
  }

  get #bare(): string {
    return `n=${this.#user.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${this.nonce}`;
  }

  first(): Buffer {
    return Buffer.from(this.header + this.#bare);
  }

  final(serverFirst: Buffer): { readonly token: Buffer; readonly verifier: string } {
    const [, nonce = "", salt = "", iterations] =
      /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(String(serverFirst)) ?? [];
    const mac = (key: Buffer, text: string) => createHmac(this.#hash, key).update(text).digest();
    const length = this.#hash === "sha512" ? 64 : 32;
    const salted = pbkdf2Sync(
      this.#password,
      Buffer.from(salt, "base64"),
      Number(iterations),
      length,
      this.#hash,
    );
    const clientKey = mac(salted, "Client Key");
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const withoutProof = `c=${Buffer.from(this.header).toString("base64")},r=${nonce}`;
    const signed = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = mac(storedKey, signed);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)));
    const verifier = mac(mac(salted, "Server Key"), signed).toString("base64");
    return { token: Buffer.from(`${withoutProof},p=${proof.toString("base64")}`), verifier: `v=${verifier}` };
  }
}

/** @returns what the last step was answered with. */
export async function logIn(client: Client, mechanism: string, user: string, password: string) {
  const { errorCode } = await client.ask(saslHandshake, 1, { mechanism });
  if (errorCode !== 0) return { errorCode, errorMessage: null };
  if (mechanism === "PLAIN")
    return await client.ask(saslAuthenticate, 2, { authBytes: plainToken(user, password) });
  const scram = new ScramClient(mechanism, user, password);
  const first = await client.ask(saslAuthenticate, 2, { authBytes: scram.first() });
  if (first.errorCode !== 0) return first;
  return await client.ask(saslAuthenticate, 2, {
    authBytes: scram.final(Buffer.from(first.authBytes)).token,
  });
}

export async function loggedIn(server: KafkaServer, user: string, password = PASSWORD): Promise<Client> {
  const client = await Client.to(server);
  const { errorCode } = await logIn(client, "SCRAM-SHA-256", user, password);
  if (errorCode !== 0) throw new Error(`${user} cannot log in: ${errorCode}`);
  return client;
}
