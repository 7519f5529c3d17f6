import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TlsOptions } from "node:tls";
import { limitHandshakes } from "../../handshakes.js";
import { type Exposure, renewTls, tlsOptions } from "../../security/exposure.js";

const REQUEST_MS = 60_000;
const KEEP_ALIVE_MS = 72_000;
const HANDSHAKE_MS = 60_000;

/** Where the registry listens: a name that is of several addresses has a server for each. */
export interface HttpServers {
  make(handler: RequestListener): Server;
  /** Ends connections on which nothing can have been asked. */
  endHandshakes(): void;
  /** With another certificate from now on. @throws LakehouseError INVALID_CONFIG */
  setTls(tls: TlsOptions): void;
  /** Ends all connections. */
  cut(): void;
}

/** @param exposure where it has a certificate, TLS alone is spoken. @param maxConnections of one server; those beyond are closed at once. */
export function httpServers(
  maxConnections: number,
  exposure: Pick<Exposure, "tls" | "clientCa">,
): HttpServers {
  const tls = tlsOptions(exposure);
  const options = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS };
  const servers: Server[] = [];
  const ends: (() => void)[] = [];
  const made = (handler: RequestListener): Server => {
    if (tls === undefined) return createServer(options, handler);
    const server = createTlsServer({ ...options, ...tls }, handler);
    ends.push(limitHandshakes(server, HANDSHAKE_MS));
    return server;
  };
  const endHandshakes = () => {
    for (const end of ends) end();
  };
  return {
    make: (handler) => {
      const server = made(handler);
      server.maxConnections = maxConnections;
      servers.push(server);
      return server;
    },
    endHandshakes,
    setTls: (renewed) => {
      for (const server of servers) renewTls(server, { ...exposure, tls: renewed });
    },
    cut: () => {
      endHandshakes();
      for (const server of servers) server.closeAllConnections();
    },
  };
}
