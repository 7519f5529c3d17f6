import type { WebSocket } from "@fastify/websocket";
import { JUPYTER_V1 } from "../http/app.js";
import { json, v1 } from "./framing.js";
import type { Kernel } from "./kernel.js";
import type { KernelMessage } from "./message.js";

/** RFC 6455, 7.4.1: what was received cannot be taken. */
const UNACCEPTABLE = 1007;

/** Connects a WebSocket to a kernel until either goes. */
export function joinChannels(socket: WebSocket, kernel: Kernel): void {
  const framing = socket.protocol === JUPYTER_V1 ? v1 : json;
  const client = (message: KernelMessage) => socket.send(framing.encode(message));
  const leave = kernel.connect(client);
  socket.on("close", leave);
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    try {
      kernel.ask(framing.decode(data, isBinary), client);
    } catch (error) {
      socket.close(UNACCEPTABLE, (error as Error).message.slice(0, 100));
    }
  });
}
