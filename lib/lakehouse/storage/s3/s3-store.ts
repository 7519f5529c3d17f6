import { randomUUID } from "node:crypto";
import type { HeadObjectCommandOutput, ListObjectsV2CommandOutput, S3 } from "@aws-sdk/client-s3";
import { throwIfAborted } from "../../errors.js";
import { BodyFailure } from "../body.js";
import { failed, notWritten, unusable } from "../errors.js";
import { checkRange } from "../range.js";
import type { Body, ByteRange, ListOptions, ObjectInfo, ObjectStore, PutCondition } from "../store.js";
import { canonicalS3Uri, keyBelow, prefixBelow } from "../uri.js";
import { backOff, fromS3, isOutcomeUnknown, isUploadGone, statusOf } from "./failure.js";
import { checkS3Options, type S3Options } from "./options.js";
import { askForChecksums, getBytes, getStream } from "./read.js";
import { patientRetry } from "./retry.js";
import { upload } from "./upload.js";

/** A put leaves its id in the object's metadata, to know its own work again after a lost answer. */
const PUT_ID = "slh-put";
/** Keys in one DeleteObjects request (S3 API reference). */
const DELETE_BATCH = 1000;
const DELETE_TRIES = 5;

/** A put on its way. */
interface Put {
  readonly uri: string;
  readonly condition: PutCondition | undefined;
  readonly id: string;
  /** The body, where it went in one request. */
  sent?: Uint8Array | undefined;
}

/**
 * Objects in an S3 bucket, below `s3://bucket` or `s3://bucket/prefix`, on AWS or any service that speaks its
 * protocol with conditional writes.
 *
 * - Requests carry CRC32 checksums. A whole object is held against the checksum that the service keeps of it, and
 *   read again where it came damaged; of a range only the length can be checked.
 * - Failed requests are sent again with backoff and jitter, for a minute where the options do not say otherwise: long
 *   enough for a service to restart. A read that breaks off or ends early goes on where it stopped, on the same
 *   version of the object.
 * - A put whose answer was lost looks at what is there: if it is its own work, it succeeded.
 * - After a put, `lastModified` is this machine's clock; `head` tells the service's.
 *
 * @example
 * const store = new S3Store("s3://lake/warehouse", s3OptionsFromEnv());
 */
export class S3Store implements ObjectStore {
  readonly root: string;
  readonly #options: S3Options;
  #connected: Promise<S3> | undefined;
  readonly #bucket: string;
  readonly #partBytes: number;

  constructor(root: string, options: S3Options = {}) {
    const uri = canonicalS3Uri(root).replace(/\/+$/, "");
    const bucket = /^s3:\/\/([^/]+)/.exec(uri)?.[1];
    if (bucket === undefined) throw unusable(root, "it is not s3://bucket or s3://bucket/prefix");
    checkS3Options(options);
    this.root = uri;
    this.#bucket = bucket;
    this.#partBytes = options.partBytes ?? 8 * 1024 * 1024;
    this.#options = options;
  }

  /** The SDK takes a tenth of a second to load: a program that names an S3 store and does not use it need not wait. */
  #client(): Promise<S3> {
    this.#connected ??= connect(this.#options);
    return this.#connected;
  }

  async read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    checkRange(uri, range);
    try {
      if (isEmpty(range)) return await this.#nothingOf(uri);
      return await getBytes(await this.#getter(uri), uri, range);
    } catch (error) {
      throw fromS3(error, uri, "Could not read the object");
    }
  }

  async *stream(uri: string, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    checkRange(uri, range);
    try {
      if (isEmpty(range)) await this.#nothingOf(uri);
      else yield* getStream(await this.#getter(uri), uri, range);
    } catch (error) {
      throw fromS3(error, uri, "Could not read the object");
    }
  }

  async #getter(uri: string): Promise<Parameters<typeof getBytes>[0]> {
    const target = this.#target(uri);
    const client = await this.#client();
    return (input) => client.getObject({ ...target, ...input });
  }

  /** HTTP has no empty range. The object must exist all the same. */
  async #nothingOf(uri: string): Promise<Uint8Array> {
    const target = this.#target(uri);
    await (await this.#client()).headObject(target);
    return new Uint8Array(0);
  }

  async put(uri: string, body: Body, condition?: PutCondition, signal?: AbortSignal): Promise<ObjectInfo> {
    throwIfAborted(signal);
    const { Bucket, Key } = this.#target(uri);
    const put: Put = { uri, condition, id: randomUUID() };
    let failure: unknown;
    try {
      const { etag, size } = await upload(
        {
          client: await this.#client(),
          bucket: Bucket,
          key: Key,
          uri,
          partBytes: this.#partBytes,
          condition: conditionHeaders(condition),
          metadata: { [PUT_ID]: put.id },
          signal,
          onWhole: (bytes) => {
            put.sent = bytes;
          },
        },
        body,
      );
      if (etag !== undefined) {
        return { uri: `${this.root}/${this.#below(uri)}`, size, etag, lastModified: new Date() };
      }
      failure = failed(uri, "The service answered a put without an etag");
    } catch (error) {
      if (error instanceof BodyFailure) throw error.cause;
      throwIfAborted(signal);
      failure = error;
    }
    return this.#settle(put, failure);
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    try {
      const client = await this.#client();
      return this.#describe(uri, await client.headObject(this.#target(uri)));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fromS3(error, uri, "Could not look at the object");
    }
  }

  async *list(
    prefix: string,
    { flat = false }: ListOptions = {},
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    const below = prefixBelow(this.root, canonicalS3Uri(prefix));
    const base = `s3://${this.#bucket}/`;
    const client = await this.#client();
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await client
        .listObjectsV2({
          Bucket: this.#bucket,
          Prefix: `${this.root}/${below}`.slice(base.length),
          Delimiter: flat ? "/" : undefined,
          EncodingType: "url", // XML cannot hold every character that a key can
          ContinuationToken: token,
        })
        .catch((error: unknown) => {
          throw fromS3(error, prefix, "Could not list the bucket");
        });
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        if (Key === undefined || ETag === undefined) continue;
        const key = page.EncodingType === "url" ? decodeURIComponent(Key.replaceAll("+", " ")) : Key;
        yield { uri: base + key, size: Size ?? 0, etag: ETag, lastModified: LastModified ?? new Date(0) };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(uris: readonly string[]): Promise<void> {
    const byKey = new Map(uris.map((uri) => [this.#target(uri).Key, uri]));
    const keys = [...byKey.keys()];
    for (let at = 0; at < keys.length; at += DELETE_BATCH) {
      let batch = keys.slice(at, at + DELETE_BATCH);
      for (let attempt = 1; batch.length > 0; attempt++) {
        const refused = await this.#deleteBatch(batch, byKey.get(batch[0] ?? "") ?? this.root);
        if (refused.length > 0 && attempt === DELETE_TRIES) {
          const [first] = refused;
          throw failed(
            byKey.get(first?.key ?? "") ?? this.root,
            `Could not delete ${refused.length} of ${keys.length} objects (${first?.code}: ${first?.message})`,
          );
        }
        if (refused.length > 0) await backOff(attempt);
        batch = refused.map(({ key }) => key);
      }
    }
  }

  localPath(uri: string): undefined {
    this.#below(uri);
    return undefined;
  }

  async #deleteBatch(keys: readonly string[], uri: string) {
    try {
      const client = await this.#client();
      const { Errors } = await client.deleteObjects({
        Bucket: this.#bucket,
        Delete: { Quiet: true, Objects: keys.map((Key) => ({ Key })) },
      });
      return (Errors ?? []).flatMap(({ Key, Code, Message }) =>
        Key === undefined || Code === "NoSuchKey" ? [] : [{ key: Key, code: Code, message: Message }],
      );
    } catch (error) {
      throw fromS3(error, uri, "Could not delete objects");
    }
  }

  /**
   * Ends a put that failed: as its own success that the answer did not tell, or with the error that it means. Where it
   * cannot be known whether the put took effect, it is STORAGE_FAILED, never PRECONDITION_FAILED.
   */
  async #settle(put: Put, error: unknown): Promise<ObjectInfo> {
    const { uri, condition } = put;
    const isUnknown = isOutcomeUnknown(error);
    if (isUnknown || statusOf(error) === 409) {
      const there = await this.#look(uri, error);
      if (there !== undefined && (await this.#isOwnWork(put, there, isUnknown)))
        return this.#describe(uri, there);
      // Still in conflict after all tries: what won it decides.
      if (statusOf(error) === 409 && there !== undefined && condition !== undefined) {
        const lost = "ifAbsent" in condition || there.ETag !== condition.ifEtag;
        if (lost) throw notWritten(uri, "another write came first", error);
      }
    }
    if (condition !== undefined && "ifEtag" in condition && statusOf(error) === 404 && !isUploadGone(error)) {
      throw notWritten(uri, "there is no such object any more", error);
    }
    throw fromS3(error, uri, "Could not write the object");
  }

  /** What is there after a put whose outcome is unknown. */
  async #look(uri: string, failure: unknown): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await (await this.#client()).headObject(this.#target(uri));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      const what =
        "It is not known whether the object was written: its put got no answer, and neither did a look at it";
      throw failed(uri, what, failure, "Look at the object when the service answers again.");
    }
  }

  /** By the id that the put left; by the bytes where the service keeps no metadata, or lost it when it restarted. */
  async #isOwnWork(
    { uri, id, sent }: Put,
    there: HeadObjectCommandOutput,
    byBytes: boolean,
  ): Promise<boolean> {
    const found = there.Metadata?.[PUT_ID];
    if (found !== undefined && found !== "") return found === id;
    if (!byBytes || sent === undefined || there.ContentLength !== sent.byteLength) return false;
    return Buffer.compare(await this.read(uri), sent) === 0;
  }

  #describe(uri: string, head: HeadObjectCommandOutput): ObjectInfo {
    return {
      uri: `${this.root}/${this.#below(uri)}`,
      size: head.ContentLength ?? 0,
      etag: head.ETag ?? "",
      lastModified: head.LastModified ?? new Date(0),
    };
  }

  #below(uri: string): string {
    return keyBelow(this.root, canonicalS3Uri(uri));
  }

  #target(uri: string): { Bucket: string; Key: string } {
    const key = `${this.root}/${this.#below(uri)}`.slice(`s3://${this.#bucket}/`.length);
    return { Bucket: this.#bucket, Key: key };
  }
}

async function connect(options: S3Options): Promise<S3> {
  const { S3 } = await import("@aws-sdk/client-s3");
  const { endpoint, credentials } = options;
  const timeout = options.timeoutMs ?? 120_000;
  const region = options.region ?? (endpoint === undefined ? undefined : "us-east-1");
  const s3 = new S3({
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    retryStrategy: patientRetry({
      limitMs: options.retryLimitMs ?? 60_000,
      delayMs: options.retryDelayMs ?? 100,
      maxDelayMs: options.retryMaxDelayMs ?? 5_000,
    }),
    // Ours to ask for and to check, see there.
    responseChecksumValidation: "WHEN_REQUIRED",
    // A service that accepts a connection and says nothing, or stops in the middle, must end in an error.
    requestHandler: {
      connectionTimeout: Math.min(5_000, timeout),
      requestTimeout: timeout,
      socketTimeout: timeout,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
  });
  askForChecksums(s3);
  return s3;
}

function conditionHeaders(condition: PutCondition | undefined): { IfNoneMatch?: "*"; IfMatch?: string } {
  if (condition === undefined) return {};
  return "ifAbsent" in condition ? { IfNoneMatch: "*" } : { IfMatch: condition.ifEtag };
}

function isEmpty(range: ByteRange | undefined): boolean {
  return range !== undefined && range.start === range.end;
}
