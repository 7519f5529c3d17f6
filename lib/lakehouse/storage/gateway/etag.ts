import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ObjectInfo, PutCondition } from "../store.js";
import { type Exchange, header, quoted, uriOf } from "./exchange.js";
import { conditionFailed, S3Fault } from "./fault.js";

/*
 * The store's etag is the object's, in every answer but one. On S3 the ETag of a plain put is the MD5 of its body, and
 * AWS's SDKs for Java (1, and 2 up to 2.29) hold the answer to a put against it: another one is to them a body that was
 * damaged on its way. So these get the MD5; and a condition that names an object by its MD5 is understood.
 */

export function wantsMd5(request: IncomingMessage): boolean {
  return /\baws-sdk-java\//i.test(request.headers["user-agent"] ?? "");
}

/** A body, whose MD5 is taken on the way. */
export async function* hashing(
  body: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
}

/** True for `If-Match` / `If-None-Match` lists that name this version of the object, or any. */
export async function namesObject(exchange: Exchange, value: string, info: ObjectInfo): Promise<boolean> {
  const tags = value.split(",").map((tag) => tag.trim());
  if (tags.some((tag) => tag === "*" || quoted(tag) === quoted(info.etag))) return true;
  const sums = tags.flatMap((tag) => /^"?([0-9a-f]{32})"?$/i.exec(tag)?.[1]?.toLowerCase() ?? []);
  if (sums.length === 0) return false;
  const hash = createHash("md5");
  for await (const chunk of exchange.store.stream(info.uri)) hash.update(chunk);
  return sums.includes(hash.digest("hex"));
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
  if (!(await namesObject(exchange, ifMatch, info))) throw conditionFailed();
  return { ifEtag: info.etag };
}
