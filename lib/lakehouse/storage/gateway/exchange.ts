import type { IncomingMessage, ServerResponse } from "node:http";
import { LakehouseError } from "../../errors.js";
import type { ObjectInfo, ObjectStore, PutCondition } from "../store.js";
import { S3Fault } from "./fault.js";
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

/** True for `If-Match` / `If-None-Match` lists that name this etag, or any. */
export function namesEtag(value: string, info: ObjectInfo): boolean {
  return value.split(",").some((one) => {
    const tag = one.trim();
    return tag === "*" || quoted(tag) === quoted(info.etag);
  });
}

/**
 * The put condition of the request's headers, in the store's own etag. The store decides: what is compared here
 * is only what the client cannot mean otherwise.
 */
export async function putCondition(exchange: Exchange): Promise<PutCondition | undefined> {
  const ifNoneMatch = header(exchange, "if-none-match");
  const ifMatch = header(exchange, "if-match");
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === "*" && ifMatch === undefined) return { ifAbsent: true };
    throw new S3Fault("NotImplemented", "A put takes either If-None-Match: * or If-Match.");
  }
  if (ifMatch === undefined) return undefined;
  const info = await exchange.store.head(uriOf(exchange));
  if (info === undefined) throw new S3Fault("NoSuchKey", "The specified key does not exist.");
  if (!namesEtag(ifMatch, info)) throw preconditionFailed();
  return { ifEtag: info.etag };
}

export function preconditionFailed(): S3Fault {
  return new S3Fault("PreconditionFailed", "At least one of the preconditions did not hold.");
}

/** Keys that the store could not hold are keys that it does not have. */
export function isImpossibleKey(error: unknown): boolean {
  return error instanceof LakehouseError && error.code === "INVALID_URI";
}
