import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a request: it passes, its answer is lost, it is lost itself, or someone between answers. */
export type Fate = "pass" | "lose answer" | "lose request" | number;

/** Stands between client and server and lets things go wrong. */
export class BadNetwork {
  /** Asked for each request but that for the configuration. */
  fate: (request: IncomingMessage) => Fate = () => "pass";
  /** Whether clients hear that the server knows idempotency keys. */
  hidesKeys = false;
  readonly requests: string[] = [];
  readonly #target: string;
  readonly #server: Server;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#relay(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "" } = request;
    const isConfig = /\/config(?:\?|$)/.test(url);
    if (!isConfig) this.requests.push(`${method} ${url}`);
    const fate = isConfig ? "pass" : this.fate(request);
    if (fate === "lose request") return void response.destroy();
    if (typeof fate === "number") {
      return void response.writeHead(fate, { "content-type": "text/html" }).end("<html>Bad gateway</html>");
    }
    const headers = Object.entries(request.headers).filter(
      ([name]) => !["host", "connection", "content-length"].includes(name),
    ) as [string, string][];
    const body = Buffer.concat(chunks);
    const answer = await fetch(this.#target + url, {
      method,
      headers,
      ...(body.length === 0 ? {} : { body }),
    });
    let text = await answer.text();
    if (fate === "lose answer") return void response.destroy();
    if (isConfig && this.hidesKeys) text = text.replace(/,"idempotency-key-lifetime":"[^"]*"/, "");
    const etag = answer.headers.get("etag");
    response
      .writeHead(answer.status, {
        ...(text === "" ? {} : { "content-type": "application/json" }),
        ...(etag === null ? {} : { etag }),
      })
      .end(text);
  }
}

export const isChange = ({ method }: IncomingMessage) => method === "POST" || method === "DELETE";

/** That fate for the first `count` requests that match. */
export function first(count: number, fate: Fate, matches: (request: IncomingMessage) => boolean = isChange) {
  let left = count;
  return (request: IncomingMessage): Fate => (matches(request) && left-- > 0 ? fate : "pass");
}
