import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What can become of one request on its way to a server and back. */
export const FAULTS = [
  "slow",
  "cut before it arrives",
  "cut while it arrives",
  "answer lost",
  "answer cut",
  "503 before",
  "500 after",
  "clock",
] as const;
/** One that is not answered at all ends only when its client gives up. */
export type Fault = (typeof FAULTS)[number] | "no answer";

/** Between a client and a server, one that does to requests what networks and services do seldom. */
export interface FaultProxy {
  readonly endpoint: string;
  /** Says what becomes of a request, from now on. */
  strike: (method: string, path: string) => Fault | undefined;
  close(): Promise<void>;
}

export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);

  /** Sends a request on, and answers as the server does; or at once `undefined`, where its body breaks off. */
  const forward = (from: IncomingMessage, body: Buffer) =>
    new Promise<{ answer: IncomingMessage; bytes: Buffer }>((resolve, reject) => {
      const { method, url, headers } = from;
      const onward = httpRequest({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => resolve({ answer, bytes: Buffer.concat(chunks) }));
        answer.on("error", reject);
      });
      onward.on("error", reject);
      onward.end(body);
    });

  const refuse = (response: ServerResponse, status: number, code: string, headers = {}) => {
    response.writeHead(status, { "content-type": "application/xml", ...headers });
    response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  };

  const handle = async (from: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fault = proxy.strike(from.method ?? "", from.url ?? "");
    if (fault === "no answer") return;
    if (fault === "cut before it arrives") return void from.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of from) {
      chunks.push(chunk as Buffer);
      if (fault === "cut while it arrives") return void from.socket.destroy();
    }
    if (fault === "cut while it arrives") return void from.socket.destroy();
    if (fault === "503 before") return refuse(response, 503, "SlowDown");
    if (fault === "clock") {
      const date = new Date(Date.now() + 3_600_000).toUTCString();
      return refuse(response, 403, "RequestTimeTooSkewed", { date });
    }
    if (fault === "slow") await sleep(30);
    const { answer, bytes } = await forward(from, Buffer.concat(chunks));
    if (fault === "answer lost") return void from.socket.destroy();
    if (fault === "500 after") return refuse(response, 500, "InternalError");
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    if (fault === "answer cut") {
      response.write(bytes.subarray(0, bytes.byteLength / 2));
      await sleep(5);
      return void from.socket.destroy();
    }
    response.end(bytes);
  };

  const server = createServer((from, response) => {
    handle(from, response).catch(() => from.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    strike: () => undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
