import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { invalidConfig } from "../../errors.js";
import type { Log } from "../log.js";
import { checkExposure, isLoopback, renewTls, tlsOptions } from "../security/exposure.js";
import { type TokenOptions, TokenVerifier } from "../security/tokens.js";

export interface ServeGrpcOptions {
  /** 0, where not given, for any that is free. */
  readonly port?: number | undefined;
  /** The address to listen on: this machine alone where not given. Elsewhere TLS and users are needed. */
  readonly host?: string | undefined;
  /** Certificate and key: TLS alone is spoken. */
  readonly tls?: TlsOptions | undefined;
  /** That of who may make certificates for clients: one whose common name is a user of the log calls as that user. */
  readonly clientCa?: string | Buffer | undefined;
  /** Whose tokens are taken in place of a password: as `Authorization: Bearer`, over TLS or from this machine. */
  readonly tokens?: TokenOptions | undefined;
  /** Listens where others can reach it without TLS, or without users who are asked who they are: who comes may do everything. */
  readonly insecure?: boolean | undefined;
  /** The largest message that is taken, in bytes. 32 MiB where not given. */
  readonly maxMessageBytes?: number | undefined;
  /** What went wrong with a call that no client should hear of. */
  readonly onFault?: ((error: unknown, call: string) => void) | undefined;
}

/** A server of a log that runs. */
export interface GrpcServer {
  /** `http://127.0.0.1:50051`: for gRPC, gRPC-Web and Connect, over HTTP/2 and HTTP/1.1; `https:` with TLS. */
  readonly url: string;
  readonly port: number;
  /** Of this run. */
  readonly id: string;
  /**
   * Goes on with another certificate and its key, for connections that come from now on.
   *
   * @throws LakehouseError INVALID_CONFIG where they cannot be used: then those before stay
   */
  setTls(tls: TlsOptions): void;
  /** Lets calls that are under way end, for some seconds, and stops. The log stays open. */
  close(): Promise<void>;
}

/**
 * Serves a log to clients in any language, by gRPC, gRPC-Web and Connect on one port. The services are in
 * `dist/proto/sololakehouse/log/v1`; clients that can, get them by reflection. From here on this process writes the log.
 *
 * @throws LakehouseError INVALID_CONFIG where it cannot listen there; LOG_IN_USE, and what else opening the log can fail with
 * @example
 * const server = await serveGrpc(lake.log, { port: 50051 });
 */
export async function serveGrpc(log: Log, options: ServeGrpcOptions = {}): Promise<GrpcServer> {
  const { startServer } = await import("./server.js");
  const { port = 0, host = "127.0.0.1", tls, clientCa, tokens, insecure = false, ...rest } = options;
  const security = await log.core.security();
  checkExposure({ host, tls, clientCa, insecure, isSecured: security.isOn });
  const verifier = tokens && (await TokenVerifier.open(tokens));
  const cluster = await log.core.cluster();
  await (await log.core.peers()).listen({ host, port: 0, advertised: host });
  await log.core.startWriting();
  const { server, id, close } = startServer(log, security, {
    ...rest,
    tokens: verifier,
    tls: tlsOptions({ tls, clientCa }),
    isPrivate: tls !== undefined || isLoopback(host),
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        invalidConfig(
          `${host}:${port}`,
          `The log cannot be served at ${host}:${port}: ${cause.message}.`,
          "Choose another port, or 0 for any that is free.",
          cause,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  const at = (server.address() as AddressInfo).port;
  const name = host.includes(":") ? `[${host}]` : host;
  await cluster.announce({ grpc: { host, port: at } });
  const stop = async () => {
    // Where this fails, clients that come find nobody, and go on to the next.
    await cluster.announce({ grpc: undefined }).catch(() => undefined);
    await close();
  };
  return {
    url: `${tls === undefined ? "http" : "https"}://${name}:${at}`,
    port: at,
    id,
    setTls: (renewed) => renewTls(server, { tls: renewed, clientCa }),
    close: stop,
  };
}
