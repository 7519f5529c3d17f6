/** HTTP/2 and HTTP/1.1 on one port, with TLS or without: a connection's first bytes say which it is. */
import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { limitHandshakes } from "../handshakes.js";

/** Every HTTP/2 client begins with `PRI * HTTP/2.0` (RFC 9113, 3.4), and no method of HTTP/1.1 begins so. */
const HTTP2 = Buffer.from("PRI");
/** Who has said nothing by then is cut off, in milliseconds. */
const SILENCE_MS = 60_000;
const MOST_STREAMS = 1000;
/** As many as Kafka's clients may have. */
const MOST_CONNECTIONS = 2_500;
const WINDOW_BYTES = 1024 * 1024;

export type Handler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

export interface OnePort {
  readonly server: Server;
  /**
   * Takes no more connections and requests, and lets those that are under way end.
   *
   * @param graceMs who has not ended by then is cut off.
   */
  close(graceMs: number): Promise<void>;
}

/** @param tls where it is given, TLS alone is spoken. */
export function onePort(handler: Handler, tls?: TlsOptions): OnePort {
  const http1 = createHttp1Server(handler);
  // It listens to nothing itself; this begins its watch over clients that are too slow with their headers.
  http1.emit("listening");
  const http2 = createHttp2Server(
    { settings: { maxConcurrentStreams: MOST_STREAMS, initialWindowSize: WINDOW_BYTES } },
    handler,
  );
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  const sockets = new Set<Socket>();
  const onConnection = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A client that is gone is nobody's fault; the protocols hear of it by themselves.
    socket.on("error", () => undefined);
    handOver(socket, (isHttp2) => (isHttp2 ? http2 : http1).emit("connection", socket));
  };
  let endHandshakes = () => {};
  const tlsServer = (options: TlsOptions) => {
    const server = createTlsServer({ ...options, ALPNProtocols: ["h2", "http/1.1"] }, onConnection);
    endHandshakes = limitHandshakes(server, SILENCE_MS);
    return server;
  };
  const server = tls === undefined ? createServer(onConnection) : tlsServer(tls);
  server.maxConnections = MOST_CONNECTIONS;
  return {
    server,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      endHandshakes();
      for (const session of sessions) session.close();
      http1.close();
      http1.closeIdleConnections();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Looks at the first bytes, and puts them back for who takes over. */
function handOver(socket: Socket, to: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), SILENCE_MS);
  const look = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const isHttp2 = HTTP2.equals(seen.subarray(0, HTTP2.length));
    if (!isHttp2 && HTTP2.subarray(0, seen.length).equals(seen)) return;
    socket.off("readable", look);
    clearTimeout(timer);
    socket.unshift(seen);
    to(isHttp2);
  };
  socket.on("readable", look);
  socket.once("close", () => clearTimeout(timer));
}
