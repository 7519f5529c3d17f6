import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { serveKafka } from "../../../lib/lakehouse/log/index.js";
import { certificate } from "../support/certificates.js";
import { openLog, testFolder } from "../support/lake-log.js";

const authority = certificate("test authority");
const { cert, key } = certificate("localhost", authority);

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

test.each(ACTS)("a client that %s before TLS is spoken takes no place for ever", async (_, act) => {
  const options = { port: 0, maxConnections: 1, stalledMs: 200, tls: { cert, key } };
  const server = await serveKafka(openLog(testFolder()), options);
  onTestFinished(() => server.stop());
  await touch(server.port, act);
  const isServed = async () => {
    const socket = connectTls({
      port: server.port,
      host: "127.0.0.1",
      ca: authority.cert,
      servername: "localhost",
    });
    try {
      await once(socket, "secureConnect");
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  };
  await expect.poll(isServed, { timeout: 60_000, interval: 100 }).toBe(true);
});

test("a server stops though a client is silent that has not spoken TLS", async () => {
  const server = await serveKafka(openLog(testFolder()), { port: 0, tls: { cert, key } });
  await touch(server.port, () => undefined);
  await server.stop();
});
