import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Checksum, checksumFor } from "../checksum.js";
import { decodeChunks } from "./chunked.js";
import { S3Fault } from "./fault.js";
import type { Verified } from "./sigv4.js";

/** S3's limit of one PUT (S3 User Guide, "Uploading objects"). */
const MAX_BODY_BYTES = 5 * 1024 ** 3;

/**
 * The decoded body of a request. Its last step throws unless length, digest and checksums are what the request
 * claimed; who stores it must not show it before that.
 *
 * @throws S3Fault
 */
export async function* requestBody(
  request: IncomingMessage,
  verified: Verified,
): AsyncGenerator<Uint8Array, void, undefined> {
  const length = declaredLength(request, verified);
  const expected = claimedChecksums(request);
  const trailing = new Map<string, Checksum>();
  for (const name of headerOf(request, "x-amz-trailer")?.split(",") ?? []) {
    const checksum = checksumFor(name.trim());
    if (checksum !== undefined) trailing.set(name.trim().toLowerCase(), checksum);
  }
  const digest = /^[0-9a-f]{64}$/.test(verified.payload) ? createHash("sha256") : undefined;
  const trailers = new Map<string, string>();
  // A refused body must leave the connection open for the answer.
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }),
  };
  const chunks = verified.payload.startsWith("STREAMING-")
    ? decodeChunks(source, verified, trailers)
    : source;

  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > length) throw new S3Fault("IncompleteBody", "The body is longer than it was said to be.");
    digest?.update(chunk);
    for (const { checksum } of expected) checksum.update(chunk);
    for (const checksum of trailing.values()) checksum.update(chunk);
    yield chunk;
  }

  if (size < length) throw new S3Fault("IncompleteBody", "The body is shorter than it was said to be.");
  if (digest !== undefined && digest.digest("hex") !== verified.payload) {
    throw new S3Fault("XAmzContentSHA256Mismatch", "The body does not have the digest that was signed.");
  }
  for (const { checksum, value } of expected) checkDigest(checksum, value);
  for (const [name, checksum] of trailing) checkDigest(checksum, trailers.get(name));
}

/** A whole body in memory, for the small documents of the protocol. */
export async function readDocument(
  request: IncomingMessage,
  verified: Verified,
  limit: number,
): Promise<string> {
  if (declaredLength(request, verified) > limit) {
    throw new S3Fault("EntityTooLarge", `The document is longer than ${limit} bytes.`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of requestBody(request, verified)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export function declaredLength(request: IncomingMessage, verified: Verified): number {
  const streaming = verified.payload.startsWith("STREAMING-");
  const text = headerOf(request, streaming ? "x-amz-decoded-content-length" : "content-length");
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new S3Fault("MissingContentLength", "The length of the body must be given.");
  }
  const length = Number(text);
  if (length > MAX_BODY_BYTES) throw new S3Fault("EntityTooLarge", "One request carries at most 5 GiB.");
  return length;
}

function claimedChecksums(request: IncomingMessage): { checksum: Checksum; value: string }[] {
  return Object.keys(request.headers).flatMap((name) => {
    const checksum = checksumFor(name);
    return checksum === undefined ? [] : [{ checksum, value: headerOf(request, name) ?? "" }];
  });
}

function checkDigest(checksum: Checksum, value: string | undefined): void {
  if (checksum.digest() !== value)
    throw new S3Fault("BadDigest", "The body does not have the checksum it came with.");
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.[0];
}
