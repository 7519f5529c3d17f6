import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type S3Options, S3Store } from "../../../lib/lakehouse/storage/index.js";
import { collect, text } from "./bodies.js";

/*
 * What real servers do seldom and at no one's command: lost answers, broken bodies, conflicts, partial failures.
 */

/** A minute's patience in a quarter of a second. */
const QUICK: S3Options = { retryLimitMs: 250, retryDelayMs: 5, retryMaxDelayMs: 20 };

type Handler = (request: IncomingMessage, response: ServerResponse, body: string, count: number) => void;

export const uri = "s3://bucket/key";

/**
 * A store on a server that answers as told, until the test ends; `seen` lists the methods and paths that arrived.
 */
export async function storeOn(
  handler: Handler,
  more: S3Options = {},
): Promise<{ store: S3Store; seen: string[]; server: Server }> {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    const sent = await collect(request).catch(() => undefined);
    if (sent === undefined) return; // the client went away
    const body = text(sent);
    const key = `${request.method} ${(request.url ?? "").replace(/\?x-id=\w+$/, "")}`;
    seen.push(key);
    handler(request, response, body, seen.filter((one) => one === key).length);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: "a", secretAccessKey: "b" };
  const options = { endpoint: `http://127.0.0.1:${port}`, credentials, ...QUICK, ...more };
  return { store: new S3Store("s3://bucket", options), seen, server };
}

export function error(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

export function ok(response: ServerResponse, headers: Record<string, string | number>, body = ""): void {
  response.writeHead(200, { etag: '"e"', ...headers });
  response.end(body);
}
