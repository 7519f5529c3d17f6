import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { notFound, objectNotFound } from "../errors.js";
import type { ByteRange, ObjectInfo, ObjectStore } from "../store.js";
import { readDocument, requestBody } from "./body.js";
import { hashing, namesObject, putCondition, wantsMd5 } from "./etag.js";
import { type Exchange, header, isImpossibleKey, quoted, sendEmpty, sendXml, uriOf } from "./exchange.js";
import { conditionFailed, S3Fault, toFault } from "./fault.js";
import { userMetadata } from "./metadata.js";
import { xmlElements, xmlText } from "./xml.js";

/** DeleteObjects takes 1000 keys of 1024 bytes, each of which XML may write in up to six characters. */
const MAX_DELETE_DOCUMENT = 8 * 1024 * 1024;
const MAX_DELETE_KEYS = 1000;

/** How often a read starts again because its object was replaced meanwhile. */
const READ_ATTEMPTS = 20;

/** GetObject and HeadObject. */
export async function getObject(exchange: Exchange): Promise<void> {
  const { request, response, store } = exchange;
  const uri = uriOf(exchange);
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
    const info = await headOf(store, uri);
    if (info === undefined) throw notFound(uri);
    await checkReadConditions(exchange, info);
    const range = parseRange(header(exchange, "range"), info.size);
    const { start, end } = range ?? { start: 0, end: info.size };
    const isBare = request.method === "HEAD" || start === end;
    const body = isBare ? [] : await bodyOf(store, info, { start, end });
    if (body === undefined) continue;
    response.writeHead(range === undefined ? 200 : 206, {
      "accept-ranges": "bytes",
      "content-length": end - start,
      "content-type": "application/octet-stream",
      etag: quoted(info.etag),
      "last-modified": info.lastModified.toUTCString(),
      ...exchange.metadata.of(info),
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${info.size}` }),
    });
    return pipeline(body, response);
  }
  throw new S3Fault("SlowDown", "The object is replaced faster than it can be read.");
}

/**
 * The bytes of the object that `info` tells of, or `undefined` where another one has taken its place. A store opens
 * an object by its first chunk, and goes on with the one that it opened: while the look before that and the look
 * after it find the same, what is opened in between is that.
 */
async function bodyOf(
  store: ObjectStore,
  { uri, etag }: ObjectInfo,
  range: ByteRange,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const chunks = store.stream(uri, range)[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array, unknown>;
  try {
    first = await chunks.next();
  } catch (error) {
    if (objectNotFound.is(error)) return undefined;
    throw error;
  }
  if ((await store.head(uri))?.etag !== etag) {
    await chunks.return?.();
    return undefined;
  }
  return (async function* () {
    try {
      let sent = 0;
      for (let next = first; !next.done; next = await chunks.next()) {
        sent += next.value.byteLength;
        yield next.value;
      }
      // Breaking off is all that HTTP leaves us to tell the client.
      if (sent !== range.end - range.start) throw new Error("the object was cut short while it was sent");
    } finally {
      await chunks.return?.();
    }
  })();
}

/** PutObject. */
export async function putObject(exchange: Exchange): Promise<void> {
  const { request, response, verified, store } = exchange;
  if (header(exchange, "x-amz-copy-source") !== undefined) {
    throw new S3Fault("NotImplemented", "CopyObject is not supported.");
  }
  const condition = await putCondition(exchange);
  const md5 = wantsMd5(request) ? createHash("md5") : undefined;
  const body = requestBody(request, verified);
  const info = await store.put(uriOf(exchange), md5 ? hashing(body, md5) : body, condition);
  exchange.metadata.keep(info, userMetadata(request));
  sendEmpty(response, 200, { etag: quoted(md5 ? md5.digest("hex") : info.etag) });
}

/** DeleteObject. */
export async function deleteObject(exchange: Exchange): Promise<void> {
  await deleteKey(exchange, exchange.key);
  sendEmpty(exchange.response, 204);
}

/** DeleteObjects. What cannot be deleted is told key by key. */
export async function deleteObjects(exchange: Exchange): Promise<void> {
  const document = await readDocument(exchange.request, exchange.verified, MAX_DELETE_DOCUMENT);
  const keys = xmlElements(document, "Object").map((object) => xmlText(object, "Key") ?? "");
  if (keys.length === 0 || keys.length > MAX_DELETE_KEYS || keys.includes("")) {
    throw new S3Fault("MalformedXML", `Delete takes 1 to ${MAX_DELETE_KEYS} objects, each with a key.`);
  }
  const quiet = xmlText(document, "Quiet") === "true";
  const errors: { Key: string; Code: string; Message: string }[] = [];
  for (const key of keys) {
    try {
      await deleteKey(exchange, key);
    } catch (error) {
      const { code, message } = toFault(error, exchange);
      errors.push({ Key: key, Code: code, Message: message });
    }
  }
  const failed = new Set(errors.map(({ Key }) => Key));
  sendXml(exchange.response, "DeleteResult", {
    Deleted: quiet ? [] : keys.filter((key) => !failed.has(key)).map((Key) => ({ Key })),
    Error: errors,
  });
}

async function deleteKey(exchange: Exchange, key: string): Promise<void> {
  try {
    await exchange.store.delete([uriOf(exchange, key)]);
  } catch (error) {
    if (!isImpossibleKey(error)) throw error;
  }
}

/** A key that the store cannot hold is one that was never put. */
async function headOf(store: ObjectStore, uri: string): Promise<ObjectInfo | undefined> {
  try {
    return await store.head(uri);
  } catch (error) {
    if (isImpossibleKey(error)) return undefined;
    throw error;
  }
}

async function checkReadConditions(exchange: Exchange, info: ObjectInfo): Promise<void> {
  const ifMatch = header(exchange, "if-match");
  if (ifMatch !== undefined && !(await namesObject(exchange, ifMatch, info))) throw conditionFailed();
  const ifNoneMatch = header(exchange, "if-none-match");
  if (ifNoneMatch !== undefined && (await namesObject(exchange, ifNoneMatch, info))) {
    throw new S3Fault("NotModified", "The object is the one that you have.", { etag: quoted(info.etag) });
  }
}

/** RFC 9110, 14.1.2, one range. Undefined, which means all, where there is none or it is not understood. */
export function parseRange(text: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,20})-(\d{0,20})$/.exec(text?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (match === null || (first === "" && last === "")) return undefined;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (start < end) return { start, end };
  throw new S3Fault("InvalidRange", "The requested range is not satisfiable.", {
    "content-range": `bytes */${size}`,
  });
}
