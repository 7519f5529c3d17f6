import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Between a client and a server: some answers, one of so many that come, are lost with their connection. */
export async function losing(port: () => number, oneOf: number): Promise<string> {
  let answers = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(port(), "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on("data", (data) => {
      if (++answers % oneOf === 0) client.destroy();
      else client.write(data);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
}
