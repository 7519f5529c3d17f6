/**
 * How servers of a log reach each other: HTTP over TLS, by a key that each server makes for itself when it starts, and tells
 * in etcd. Whoever may read the servers' keys there may speak as one; nobody else can, or read what they say.
 */
import { randomBytes } from "node:crypto";
import { Agent, createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket, connect as tlsConnect } from "node:tls";
import { errorKind, invalidConfig, isLakehouseError } from "../../errors.js";
import { logUnavailable } from "../errors.js";
import { limitHandshakes } from "../handshakes.js";
import type { PeerEndpoint } from "./cluster.js";

/** Keys alone, known to both sides, with secrets that no later theft of the key gives away (RFC 8442, RFC 5489). */
const CIPHERS = { ciphers: "ECDHE-PSK-CHACHA20-POLY1305", maxVersion: "TLSv1.2" } as const;
const IDENTITY = "server";
const KEY_BYTES = 32;
/** A connection that says nothing is closed, in milliseconds. */
const IDLE_MS = 60_000;
const HANDSHAKE_MS = 10_000;
/** Beyond are closed at once. */
const MOST_CONNECTIONS = 1_000;

export interface PeerListener {
  readonly endpoint: PeerEndpoint;
  close(): Promise<void>;
}

/** What another server has answered. */
export interface PeerAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** @throws LakehouseError INVALID_CONFIG where it cannot listen there. */
export async function listenToPeers(
  { host, port, advertised }: { readonly host: string; readonly port: number; readonly advertised: string },
  listener: RequestListener,
): Promise<PeerListener> {
  const key = randomBytes(KEY_BYTES);
  const http = createServer({ keepAliveTimeout: IDLE_MS }, listener);
  const sockets = new Set<TLSSocket>();
  const tls = createTlsServer({
    ...CIPHERS,
    pskCallback: (_, identity) => (identity === IDENTITY ? key : null),
  });
  tls.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    http.emit("connection", socket);
  });
  tls.maxConnections = MOST_CONNECTIONS;
  const endHandshakes = limitHandshakes(tls, HANDSHAKE_MS);
  // Whoever does not know the key.
  tls.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve, reject) => {
    tls.once("error", (cause) =>
      reject(
        invalidConfig(
          `${host}:${port}`,
          `Other servers of the log cannot be listened to at ${host}:${port}: ${cause.message}.`,
          "Choose another port, or 0 for any that is free.",
          cause,
        ),
      ),
    );
    tls.listen(port, host, resolve);
  });
  const endpoint = {
    host: advertised,
    port: (tls.address() as AddressInfo).port,
    key: key.toString("base64url"),
  };
  return {
    endpoint,
    close: () =>
      new Promise((resolve) => {
        tls.close(() => resolve());
        endHandshakes();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Asks another server. */
export class PeerChannel {
  readonly #endpoint: PeerEndpoint;
  readonly #agent: Agent;

  constructor(endpoint: PeerEndpoint) {
    this.#endpoint = endpoint;
    const psk = Buffer.from(endpoint.key, "base64url");
    this.#agent = new Agent({ keepAlive: true });
    this.#agent.createConnection = () =>
      tlsConnect({
        ...CIPHERS,
        host: endpoint.host,
        port: endpoint.port,
        pskCallback: () => ({ psk, identity: IDENTITY }),
        // It has the key.
        checkServerIdentity: () => undefined,
      });
  }

  /** @throws LakehouseError what it is refused with over there; LOG_UNAVAILABLE where there is no answer in time. */
  async ask(path: string, body: Uint8Array, timeoutMs: number): Promise<Buffer> {
    const answer = await this.#send(path, body, timeoutMs).catch((cause: unknown) => {
      throw this.#unavailable(`did not answer: ${(cause as Error).message}`, cause);
    });
    if (answer.status === 200) return answer.body;
    const told = parsed(answer.body);
    if (told === undefined) throw this.#unavailable(`answered with ${answer.status}`);
    throw errorKind(told.code)(told.subject, told.message, told.remedy);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(path: string, body: Uint8Array, timeoutMs: number): Promise<PeerAnswer> {
    const { host, port } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          ...{ host, port, path, method: "POST", agent: this.#agent },
          headers: { "content-length": body.length },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
          );
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  #unavailable(what: string, cause?: unknown) {
    const { host, port } = this.#endpoint;
    return logUnavailable(
      `${host}:${port}`,
      `The log's server at ${host}:${port} ${what}.`,
      "Try again: if it has ended, others take over what it leads.",
      cause,
    );
  }
}

interface ToldError {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  readonly remedy?: string;
}

/** An error, for another server. */
export function told(error: unknown): ToldError | undefined {
  if (!isLakehouseError(error)) return undefined;
  const { code, subject, message, remedy } = error;
  // The message has the remedy at its end, and gets it again.
  const bare =
    remedy !== undefined && message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message;
  return { code, subject, message: bare, ...(remedy === undefined ? {} : { remedy }) };
}

function parsed(body: Buffer): ToldError | undefined {
  try {
    const json = JSON.parse(body.toString()) as Partial<ToldError>;
    return typeof json.code === "string" ? (json as ToldError) : undefined;
  } catch {
    return undefined;
  }
}
