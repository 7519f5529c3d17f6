import { pipeline } from "node:stream/promises";
import { notFound } from "../failure.js";
import type { ByteRange, ObjectInfo } from "../store.js";
import { declaredLength, readDocument, requestBody } from "./body.js";
import {
  type Exchange,
  header,
  isImpossibleKey,
  namesEtag,
  preconditionFailed,
  putCondition,
  quoted,
  sendEmpty,
  sendXml,
  uriOf,
} from "./exchange.js";
import { S3Fault, toFault } from "./fault.js";
import { userMetadata } from "./metadata.js";
import { xmlElements, xmlText } from "./xml.js";

/** DeleteObjects takes 1000 keys of 1024 bytes, each of which XML may write in up to six characters. */
const MAX_DELETE_DOCUMENT = 8 * 1024 * 1024;
const MAX_DELETE_KEYS = 1000;

/** GetObject and HeadObject. */
export async function getObject(exchange: Exchange): Promise<void> {
  const { request, response, store } = exchange;
  const uri = uriOf(exchange);
  const info = await store.head(uri);
  if (info === undefined) throw notFound(uri);
  checkReadConditions(exchange, info);
  const range = parseRange(header(exchange, "range"), info.size);
  const { start, end } = range ?? { start: 0, end: info.size };
  response.writeHead(range === undefined ? 200 : 206, {
    "accept-ranges": "bytes",
    "content-length": end - start,
    "content-type": "application/octet-stream",
    etag: quoted(info.etag),
    "last-modified": info.lastModified.toUTCString(),
    ...exchange.metadata.of(info),
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${info.size}` }),
  });
  if (request.method === "HEAD" || start === end) {
    response.end();
    return;
  }
  let sent = 0;
  await pipeline(async function* () {
    for await (const chunk of store.stream(uri, { start, end })) {
      sent += chunk.byteLength;
      yield chunk;
    }
    // A shorter object has taken this one's place. Breaking off is all that HTTP leaves us to tell the client.
    if (sent !== end - start) throw new Error("the object changed while it was sent");
  }, response);
}

/** PutObject. */
export async function putObject(exchange: Exchange): Promise<void> {
  const { request, response, verified, store, key } = exchange;
  if (header(exchange, "x-amz-copy-source") !== undefined) {
    throw new S3Fault("NotImplemented", "CopyObject is not supported.");
  }
  if (key.endsWith("/") && declaredLength(request, verified) === 0) {
    // Some file system layers mark directories with empty objects. Nothing needs them, and no store keeps them.
    sendEmpty(response, 200, { etag: '"directory"' });
    return;
  }
  const condition = await putCondition(exchange);
  const info = await store.put(uriOf(exchange), requestBody(request, verified), condition);
  exchange.metadata.keep(info, userMetadata(request));
  sendEmpty(response, 200, { etag: quoted(info.etag) });
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
      const { code, message } = toFault(error);
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

function checkReadConditions(exchange: Exchange, info: ObjectInfo): void {
  const ifMatch = header(exchange, "if-match");
  if (ifMatch !== undefined && !namesEtag(ifMatch, info)) throw preconditionFailed();
  const ifNoneMatch = header(exchange, "if-none-match");
  if (ifNoneMatch !== undefined && namesEtag(ifNoneMatch, info)) {
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
