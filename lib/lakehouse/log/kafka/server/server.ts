import { setMaxListeners } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { invalidConfig } from "../../../errors.js";
import type { LogCore } from "../../core.js";
import { limitHandshakes } from "../../handshakes.js";
import { kafkaFailures } from "../../metrics.js";
import { Budget } from "../../partition/budget.js";
import { addressOf, checkExposure, renewTls, tlsOptions } from "../../security/exposure.js";
import { TokenVerifier } from "../../security/tokens.js";
import { serveConnection } from "./connection.js";
import type { Broker } from "./context.js";
import { FetchSessions } from "./fetch-sessions.js";
import { type KafkaOptions, type KafkaSettings, kafkaSettings } from "./settings.js";

/** What is on its way to clients when the server stops may take so long, in milliseconds. */
const GRACE_MS = 5_000;
const KEEP_ALIVE_MS = 60_000;
/** Of the memory for large requests, small ones have as much as one in so many. */
const SMALL_SHARE = 8;

/** A log that is served to Kafka's clients. */
export interface KafkaServer {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /**
   * Goes on with another certificate and its key, such as one that lasts longer, for connections that come from now on.
   *
   * @throws LakehouseError INVALID_CONFIG where they cannot be used: then those before stay
   */
  setTls(tls: TlsOptions): void;
  /** Answers what was asked, and ends. The log stays open. */
  stop(): Promise<void>;
}

/**
 * Serves a log to Kafka's clients. This process becomes the one that writes it.
 *
 * @throws LakehouseError INVALID_CONFIG, where it cannot listen there, too; LOG_IN_USE, LOG_METADATA_LOST, CORRUPT_WAL,
 *   STORAGE_FAILED
 */
export async function startKafka(core: LogCore, options: KafkaOptions): Promise<KafkaServer> {
  const cluster = await core.cluster();
  // What only one machine has is lost with it, and by a takeover.
  const acksAll = options.acksAll ?? (cluster.isShared ? "stored" : "wal");
  const settings = kafkaSettings({ ...options, acksAll });
  const security = await core.security();
  const tokens = settings.tokens && (await TokenVerifier.open(settings.tokens));
  checkExposure({ ...settings, isSecured: security.isOn });
  const { host, advertised, peerPort } = settings;
  if (cluster.isShared) checkReachable(advertised?.host ?? host);
  await (await core.peers()).listen({ host, port: peerPort, advertised: advertised?.host ?? host });
  await core.startWriting();
  const sockets = new Set<Socket>();
  const stopping = new AbortController();
  // Each connection listens.
  setMaxListeners(0, stopping.signal);
  const received = {
    small: new Budget(Math.ceil(settings.memoryBytes / SMALL_SHARE), () => undefined),
    large: new Budget(settings.memoryBytes, () => undefined),
  };
  const addresses = new Map<string, number>();
  let broker: Broker | undefined;
  const serving = new Set<Promise<void>>();
  const onConnection = (socket: Socket) => {
    if (broker === undefined || !cluster.isLive) {
      socket.destroy();
      return;
    }
    const address = addressOf(socket);
    const ofAddress = addresses.get(address) ?? 0;
    if (ofAddress >= settings.maxConnectionsPerAddress) {
      socket.destroy();
      return;
    }
    addresses.set(address, ofAddress + 1);
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      const left = (addresses.get(address) ?? 1) - 1;
      if (left > 0) addresses.set(address, left);
      else addresses.delete(address);
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const served = serveConnection(socket, { broker, received, stopping: stopping.signal });
    serving.add(served);
    void served.finally(() => serving.delete(served));
  };
  const tls = tlsOptions(settings);
  let endHandshakes = () => {};
  const tlsServer = (options: TlsOptions) => {
    const server = createTlsServer({ ...options, allowHalfOpen: true }, onConnection);
    endHandshakes = limitHandshakes(server, settings.stalledMs);
    return server;
  };
  const server = tls === undefined ? createServer({ allowHalfOpen: true }, onConnection) : tlsServer(tls);
  // Also those that have not shown yet that they know TLS.
  server.maxConnections = settings.maxConnections;
  const port = await listen(server, settings);
  // That no connection can be taken, for want of descriptors say, ends nothing.
  server.on("error", (error) => kafkaFailures.publish({ error }));
  broker = {
    core,
    settings,
    security,
    tokens,
    cluster,
    clusterId: core.id,
    host: settings.advertised?.host ?? settings.host,
    port: settings.advertised?.port ?? port,
    fetched: new Budget(settings.memoryBytes, () => undefined),
    fetchSessions: new FetchSessions(),
  };
  // What it knows of the others is old: clients that keep to it would never hear who leads now.
  const unlisten = cluster.onChange(() => {
    if (!cluster.isLive) for (const socket of sockets) socket.destroy();
  });
  await cluster.announce({ kafka: { host: broker.host, port: broker.port } });
  return {
    host: settings.host,
    port,
    setTls: (tls) => renewTls(server, { ...settings, tls }),
    stop: async () => {
      unlisten();
      // Without it, clients would be sent to where nobody is; where this fails, they go on to the next.
      await cluster
        .announce({ kafka: undefined })
        .catch((error: unknown) => kafkaFailures.publish({ error }));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      endHandshakes();
      stopping.abort();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, GRACE_MS);
      await Promise.all(serving);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Clients of other servers are told of this one, too. @throws LakehouseError INVALID_CONFIG */
function checkReachable(host: string): void {
  if (host !== "0.0.0.0" && host !== "::") return;
  throw invalidConfig(
    host,
    `Other servers of the log, and their clients, cannot connect to ${host}.`,
    "Give the name by which they reach this machine, too: --advertise, or advertised from a program.",
  );
}

function listen(server: Server, { host, port }: KafkaSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        invalidConfig(
          "port",
          `Kafka's protocol cannot be served at ${host}:${port}: ${cause.message}.`,
          "Choose another host or port.",
          cause,
        ),
      ),
    );
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
