import { createHash, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LocalStore } from "../local/local-store.js";
import { readDocument, requestBody } from "./body.js";
import { hashing, putCondition, wantsMd5 } from "./etag.js";
import { type Exchange, quoted, sendEmpty, sendXml, uriOf } from "./exchange.js";
import { S3Fault } from "./fault.js";
import { type UserMetadata, userMetadata } from "./metadata.js";
import { xmlElements, xmlText } from "./xml.js";

/** S3 User Guide, "Amazon S3 multipart upload limits". */
const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_COMPLETE_DOCUMENT = 4 * 1024 * 1024;
/** An upload that nobody completes or aborts gives its space back after a day. */
const EXPIRY_MS = 24 * 60 * 60 * 1000;

interface Upload {
  readonly key: string;
  readonly started: Date;
  readonly metadata: UserMetadata;
  readonly parts: Map<number, { readonly etag: string; readonly size: number }>;
}

/**
 * Multipart uploads. Parts wait in a temporary directory of this gateway, outside the store, and go into it
 * as one put when the upload is completed: the store never holds half an object.
 */
export class Uploads {
  readonly #uploads = new Map<string, Upload>();
  #scratch: Promise<LocalStore> | undefined;

  /** CreateMultipartUpload. */
  async create(exchange: Exchange): Promise<void> {
    await this.#expire();
    const id = randomUUID();
    this.#uploads.set(id, {
      key: exchange.key,
      started: new Date(),
      metadata: userMetadata(exchange.request),
      parts: new Map(),
    });
    sendXml(exchange.response, "InitiateMultipartUploadResult", {
      Bucket: exchange.bucket,
      Key: exchange.key,
      UploadId: id,
    });
  }

  /** UploadPart. A part that comes again replaces the one before. */
  async putPart(exchange: Exchange): Promise<void> {
    const { id, upload } = this.#find(exchange);
    const number = Number(exchange.query.get("partNumber"));
    if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
      throw new S3Fault("InvalidArgument", `Part numbers go from 1 to ${MAX_PARTS}.`);
    }
    if (exchange.request.headers["x-amz-copy-source"] !== undefined) {
      throw new S3Fault("NotImplemented", "UploadPartCopy is not supported.");
    }
    const scratch = await this.#store();
    const md5 = wantsMd5(exchange.request) ? createHash("md5") : undefined;
    const body = requestBody(exchange.request, exchange.verified);
    const part = await scratch.put(`${scratch.root}/${id}/${number}`, md5 ? hashing(body, md5) : body);
    const { size } = part;
    const etag = md5 ? md5.digest("hex") : part.etag;
    upload.parts.set(number, { etag: quoted(etag), size });
    sendEmpty(exchange.response, 200, { etag: quoted(etag) });
  }

  /** CompleteMultipartUpload, with the conditions of a put. When it fails, the upload stays. */
  async complete(exchange: Exchange): Promise<void> {
    const { id, upload } = this.#find(exchange);
    const document = await readDocument(exchange.request, exchange.verified, MAX_COMPLETE_DOCUMENT);
    const numbers = checkParts(document, upload);
    const condition = await putCondition(exchange);
    const scratch = await this.#store();
    const info = await exchange.store.put(uriOf(exchange), concatenate(scratch, id, numbers), condition);
    exchange.metadata.keep(info, upload.metadata);
    await this.#drop(id);
    sendXml(exchange.response, "CompleteMultipartUploadResult", {
      Bucket: exchange.bucket,
      Key: exchange.key,
      ETag: quoted(info.etag),
    });
  }

  /** AbortMultipartUpload. */
  async abort(exchange: Exchange): Promise<void> {
    await this.#drop(this.#find(exchange).id);
    sendEmpty(exchange.response, 204);
  }

  /** ListMultipartUploads: all that are under way, on one page. */
  list(exchange: Exchange): void {
    const prefix = exchange.query.get("prefix") ?? "";
    sendXml(exchange.response, "ListMultipartUploadsResult", {
      Bucket: exchange.bucket,
      Prefix: prefix,
      IsTruncated: false,
      Upload: [...this.#uploads].flatMap(([UploadId, { key, started }]) =>
        key.startsWith(prefix) ? { Key: key, UploadId, Initiated: started.toISOString() } : [],
      ),
    });
  }

  async close(): Promise<void> {
    this.#uploads.clear();
    const scratch = await this.#scratch;
    if (scratch !== undefined)
      await rm(scratch.root.slice("file://".length), { recursive: true, force: true });
  }

  #find(exchange: Exchange): { id: string; upload: Upload } {
    const id = exchange.query.get("uploadId") ?? "";
    const upload = this.#uploads.get(id);
    if (upload?.key === exchange.key) return { id, upload };
    throw new S3Fault("NoSuchUpload", "The upload does not exist. It may have been completed or aborted.");
  }

  #store(): Promise<LocalStore> {
    this.#scratch ??= mkdtemp(path.join(os.tmpdir(), "slh-uploads-")).then(
      (directory) => new LocalStore(directory, { durable: false }),
    );
    return this.#scratch;
  }

  async #drop(id: string): Promise<void> {
    const parts = [...(this.#uploads.get(id)?.parts.keys() ?? [])];
    this.#uploads.delete(id);
    const scratch = await this.#store();
    await scratch.delete(parts.map((number) => `${scratch.root}/${id}/${number}`));
  }

  async #expire(): Promise<void> {
    for (const [id, { started }] of this.#uploads) {
      if (Date.now() - started.getTime() > EXPIRY_MS) await this.#drop(id);
    }
  }
}

/** The part numbers of a CompleteMultipartUpload document, after S3's own checks of them. */
function checkParts(document: string, upload: Upload): number[] {
  const listed = xmlElements(document, "Part").map((part) => ({
    number: Number(xmlText(part, "PartNumber")),
    etag: quoted(xmlText(part, "ETag") ?? ""),
  }));
  if (listed.length === 0) throw new S3Fault("MalformedXML", "The upload is completed without any part.");
  if (listed.some(({ number }, i) => i > 0 && number <= (listed[i - 1]?.number ?? 0))) {
    throw new S3Fault("InvalidPartOrder", "The parts are not in ascending order.");
  }
  listed.forEach(({ number, etag }, i) => {
    const part = upload.parts.get(number);
    if (part?.etag !== etag) throw new S3Fault("InvalidPart", `Part ${number} is not one that was uploaded.`);
    if (i < listed.length - 1 && part.size < MIN_PART_BYTES) {
      throw new S3Fault("EntityTooSmall", `Part ${number} is smaller than ${MIN_PART_BYTES} bytes.`);
    }
  });
  return listed.map(({ number }) => number);
}

async function* concatenate(
  scratch: LocalStore,
  id: string,
  numbers: readonly number[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const number of numbers) yield* scratch.stream(`${scratch.root}/${id}/${number}`);
}
