import type { Socket } from "node:net";
import type { Server } from "node:tls";

/**
 * Ends connections that have not shown in time that they know TLS. Of one that ends before, or says nothing, a server hears
 * nothing, neither its end nor a time-out: it would keep its place, and the server from stopping.
 *
 * @param server before it listens.
 * @param ms how long a handshake may take.
 * @returns what ends those at once whose handshake is not done.
 */
export function limitHandshakes(server: Server, ms: number): () => void {
  const open = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    open.set(name, socket);
    const timer = setTimeout(() => {
      if (open.get(name) === socket) socket.destroy();
    }, ms);
    socket.once("close", () => {
      clearTimeout(timer);
      if (open.get(name) === socket) open.delete(name);
    });
  });
  server.on("secureConnection", (socket) => open.delete(nameOf(socket)));
  return () => {
    for (const socket of open.values()) socket.destroy();
  };
}

/** What TLS is spoken over is another socket than what it is spoken by. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
