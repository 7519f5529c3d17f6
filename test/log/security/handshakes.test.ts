import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { listenToPeers } from "../../../lib/lakehouse/log/cluster/peer-channel.js";
import { serveGrpc, serveKafka, serveSchemaRegistry } from "../../../lib/lakehouse/log/index.js";
import { certificate } from "../support/certificates.js";
import { openLog, testFolder } from "../support/lake-log.js";

const authority = certificate("test authority");
const { cert, key } = certificate("localhost", authority);
const tls = { cert, key };

/** What a port scan or a load balancer does. */
async function touch(port: number, act: (socket: Socket) => void): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  act(socket);
}

const ACTS: readonly (readonly [string, (socket: Socket) => void])[] = [
  ["is silent", () => undefined],
  ["ends", (socket) => void socket.end()],
  ["is gone", (socket) => void socket.destroy()],
  ["says half of its hello, and ends", (socket) => void socket.end(Buffer.from([22, 3, 1, 2, 0, 1]))],
];

interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

async function speaksTls(port: number): Promise<boolean> {
  const socket = connectTls({ port, host: "127.0.0.1", ca: authority.cert, servername: "localhost" });
  try {
    await once(socket, "secureConnect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test.each(ACTS)("a client that %s before TLS is spoken takes no place for ever", async (_, act) => {
  const options = { port: 0, maxConnections: 1, stalledMs: 200, tls };
  const server = await serveKafka(openLog(testFolder()), options);
  onTestFinished(() => server.stop());
  await touch(server.port, act);
  await expect.poll(() => speaksTls(server.port), { timeout: 60_000, interval: 100 }).toBe(true);
});

async function registry(options: object): Promise<Running> {
  const { uri, close } = await serveSchemaRegistry({
    registry: openLog(testFolder()).schemas,
    port: 0,
    ...options,
  });
  return { port: Number(new URL(uri).port), stop: close };
}

const SERVERS: readonly (readonly [string, () => Promise<Running>])[] = [
  ["Kafka's clients", () => serveKafka(openLog(testFolder()), { port: 0, tls })],
  [
    "gRPC",
    async () => {
      const { port, close } = await serveGrpc(openLog(testFolder()), { tls });
      return { port, stop: close };
    },
  ],
  ["schemas", () => registry({ tls })],
  [
    "other servers",
    async () => {
      const where = { host: "127.0.0.1", port: 0, advertised: "127.0.0.1" };
      const { endpoint, close } = await listenToPeers(where, () => undefined);
      return { port: endpoint.port, stop: close };
    },
  ],
  ["schemas, without TLS", () => registry({})],
];

describe.each(SERVERS)("a server of %s", (_, start) => {
  test.each(ACTS)("stops though a client %s", async (_, act) => {
    const server = await start();
    await touch(server.port, act);
    // It is taken before the next.
    await touch(server.port, (socket) => void socket.destroy());
    await server.stop();
  });
});
