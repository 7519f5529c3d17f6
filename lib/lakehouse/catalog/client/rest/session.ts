import { createHash, randomBytes } from "node:crypto";
import { unsupported } from "../../../errors.js";
import {
  type JsonInput,
  type JsonNode,
  stringifyJson,
  type TableIdentifier,
} from "../../../iceberg/index.js";
import type { Page, PageRequest } from "../../model/paging.js";
import type { HttpRequest, HttpResponse, Transport } from "../http/transport.js";
import type { Kind } from "./errors.js";
import type { Stores } from "./store.js";

export interface RestRequest extends HttpRequest {
  /** How an answer that names no exception is to be understood. */
  readonly kind: Kind;
}

/** What a client knows once the server has told it its configuration. */
export interface SessionInit {
  readonly transport: Transport<RestRequest>;
  /** `v1`, and the prefix where there is one. */
  readonly base: string;
  /** What the server says that it has, as `GET /v1/{prefix}/namespaces`; `undefined` where it does not say. */
  readonly endpoints: ReadonlySet<string> | undefined;
  readonly hasIdempotencyKeys: boolean;
  readonly namespaceSeparator: string;
  readonly stores: Stores;
}

/** A change that the server is to make once, however often it is sent. */
export interface Change {
  readonly request: Omit<RestRequest, "path" | "idempotencyKey">;
  /** Below the prefix. */
  readonly path: string;
  /** The caller's own token: the same change with the same token has the same key. */
  readonly token?: string | undefined;
}

/** An open connection to a REST catalog: paths, keys and pages, for the operations to use. */
export class Session {
  readonly stores: Stores;
  readonly #init: SessionInit;

  constructor(init: SessionInit) {
    this.#init = init;
    this.stores = init.stores;
  }

  close(): void {
    this.#init.transport.close();
  }

  /** True unless the server lists its endpoints and this one is not among them. */
  has(endpoint: string): boolean {
    return this.#init.endpoints?.has(endpoint) ?? !endpoint.startsWith("HEAD ");
  }

  /** @throws LakehouseError UNSUPPORTED_FEATURE */
  require(endpoint: string, what: string): void {
    if (this.has(endpoint)) return;
    throw unsupported(what, `This catalog's server does not offer ${what} (${endpoint}).`);
  }

  namespacePath(levels: readonly string[]): string {
    return `namespaces/${encodeURIComponent(this.joined(levels))}`;
  }

  tablePath({ namespace, name }: TableIdentifier, kind: "tables" | "views" = "tables"): string {
    return `${this.namespacePath(namespace)}/${kind}/${encodeURIComponent(name)}`;
  }

  joined(levels: readonly string[]): string {
    return levels.join(this.#init.namespaceSeparator);
  }

  read(request: Omit<RestRequest, "path">, path: string): Promise<HttpResponse> {
    return this.#init.transport.send({ ...request, path: `${this.#init.base}/${path}` });
  }

  change({ request, path, token }: Change): Promise<HttpResponse> {
    const idempotencyKey = this.#init.hasIdempotencyKeys ? keyOf(request, path, token) : undefined;
    return this.#init.transport.send({ ...request, path: `${this.#init.base}/${path}`, idempotencyKey });
  }

  async page<T>(
    request: Omit<RestRequest, "path" | "method">,
    path: string,
    { pageSize = 100, pageToken = "" }: PageRequest,
    read: (answer: JsonNode) => T[],
  ): Promise<Page<T>> {
    const query = { ...request.query, pageToken, pageSize: String(pageSize) };
    return pageOf((await this.read({ ...request, method: "GET", query }, path)).json(), read);
  }

  /** Everything: in one answer, or in as many as the server makes of it. */
  async all<T>(
    request: Omit<RestRequest, "path" | "method">,
    path: string,
    read: (answer: JsonNode) => T[],
  ): Promise<T[]> {
    const items: T[] = [];
    let pageToken: string | undefined;
    do {
      const query = { ...request.query, pageToken };
      const page = pageOf((await this.read({ ...request, method: "GET", query }, path)).json(), read);
      items.push(...page.items);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return items;
  }
}

function pageOf<T>(answer: JsonNode, read: (answer: JsonNode) => T[]): Page<T> {
  const nextPageToken = answer.optional("next-page-token")?.string();
  return { items: read(answer), nextPageToken: nextPageToken || undefined };
}

/**
 * A new key; or, with a token, always the same for the same change. A change that was built anew on top of another
 * commit is another operation to the server, so its content is part of the key.
 */
function keyOf(
  { method, body }: { readonly method: string; readonly body?: JsonInput | undefined },
  path: string,
  token: string | undefined,
): string {
  if (token === undefined) return timeOrderedUuid();
  const text = [token, method, path, body === undefined ? "" : stringifyJson(body)];
  return toUuid(createHash("sha256").update(JSON.stringify(text)).digest(), 8);
}

/** UUID version 7 (RFC 9562): the time in milliseconds, then chance. */
function timeOrderedUuid(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  return toUuid(bytes, 7);
}

function toUuid(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
