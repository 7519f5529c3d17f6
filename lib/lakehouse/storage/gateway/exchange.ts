import type { IncomingMessage, ServerResponse } from "node:http";
import { invalidUri } from "../errors.js";
import type { ObjectStore } from "../store.js";
import type { RecentMetadata } from "./metadata.js";
import type { Verified } from "./sigv4.js";
import { type XmlNode, xmlDocument } from "./xml.js";

/** One verified request on its way to an answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly verified: Verified;
  readonly store: ObjectStore;
  readonly metadata: RecentMetadata;
  readonly bucket: string;
  /** Empty for requests on the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

export function header(exchange: Exchange, name: string): string | undefined {
  return exchange.request.headersDistinct[name]?.[0];
}

export function uriOf(exchange: Exchange, key = exchange.key): string {
  return `${exchange.store.root}/${key}`;
}

export function keyOf(exchange: Exchange, uri: string): string {
  return uri.slice(exchange.store.root.length + 1);
}

/** HTTP wants entity tags in quotes; not every store has them so. */
export function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

export function sendXml(response: ServerResponse, root: string, node: XmlNode): void {
  const body = xmlDocument(root, node);
  response.writeHead(200, { "content-type": "application/xml", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

export function sendEmpty(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, status === 204 ? headers : { "content-length": "0", ...headers });
  response.end();
}

/** Keys that the store could not hold are keys that it does not have. */
export function isImpossibleKey(error: unknown): boolean {
  return invalidUri.is(error);
}
