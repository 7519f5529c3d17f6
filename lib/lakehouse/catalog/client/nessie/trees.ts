import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import type { Query, Transport } from "../http/transport.js";

/** Requests to the trees of a Nessie server: paths, pages, reads and changes. */
export class Trees {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  close(): void {
    this.#transport.close();
  }

  /** @param path below `trees`: reference expressions and keys are encoded already */
  async get(path: string, subject: string, query: Query = {}): Promise<JsonNode> {
    return (await this.#transport.send({ method: "GET", path: `trees${path}`, query, subject })).json();
  }

  /** A POST that only reads: sent again where no answer came. */
  async ask(path: string, subject: string, body: JsonInput): Promise<JsonNode> {
    const request = { method: "POST", path: `trees${path}`, body, subject, isRead: true } as const;
    return (await this.#transport.send(request)).json();
  }

  async change(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    subject: string,
    body?: JsonInput,
    query: Query = {},
  ): Promise<JsonNode> {
    const request = { method, path: `trees${path}`, query, subject, body };
    return (await this.#transport.send(request)).json();
  }

  /** All items of a list, page by page as they are asked for. */
  async *all(path: string, subject: string, list: string, query: Query = {}): AsyncGenerator<JsonNode> {
    let token: string | undefined;
    do {
      const page = await this.get(path, subject, { ...query, "page-token": token });
      yield* page.get(list).array();
      const hasMore = page.optional("hasMore")?.boolean() === true;
      token = hasMore ? page.get("token").string() : undefined;
    } while (token !== undefined);
  }
}

/** A reference expression as an element of a path. */
export function refPath(expression: string): string {
  // A name with slashes needs an `@` behind it, for the server to see where it ends.
  const path = expression.replace(/^([^@~^*]*\/[^@~^*]*)(?=[~^*]|$)/, "$1@");
  return `/${encodeURIComponent(path)}`;
}
