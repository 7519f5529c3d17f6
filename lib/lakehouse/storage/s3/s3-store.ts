import { randomUUID } from "node:crypto";
import type { HeadObjectCommandOutput, ListObjectsV2CommandOutput, S3 } from "@aws-sdk/client-s3";
import { throwIfAborted } from "../../errors.js";
import { BodyFailure } from "../body.js";
import { failed, notWritten, unusable } from "../errors.js";
import { checkRange } from "../range.js";
import type { Body, ByteRange, ListOptions, ObjectInfo, ObjectStore, PutCondition } from "../store.js";
import { canonicalS3Uri, keyBelow, prefixBelow } from "../uri.js";
import { connect } from "./client.js";
import { backOff, fromS3, isOutcomeUnknown, isUploadGone, statusOf } from "./failure.js";
import { checkS3Options, type S3Options } from "./options.js";
import { type Deadline, Patience } from "./patience.js";
import { getBytes, getStream, type Source } from "./read.js";
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
  readonly deadline: Deadline;
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
 * - A put whose answer was lost looks at what is there: if it is its own work, it succeeded. The look is part of that
 *   minute, and has five seconds at the least.
 * - Deletes that follow an operation which waited that minute in vain are tried once.
 * - After a put, `lastModified` is this machine's clock; `head` tells the service's.
 *
 * @example
 * const store = new S3Store("s3://lake/warehouse", s3OptionsFromEnv());
 */
export class S3Store implements ObjectStore {
  readonly root: string;
  readonly #options: S3Options;
  readonly #patience: Patience;
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
    this.#patience = new Patience({
      limitMs: options.retryLimitMs ?? 60_000,
      timeoutMs: options.timeoutMs ?? 30_000,
    });
  }

  #client(): Promise<S3> {
    this.#connected ??= connect(this.#options, this.#patience);
    return this.#connected;
  }

  async #send<T>(request: (client: S3) => Promise<T>, deadline = this.#patience.begin()): Promise<T> {
    const client = await this.#client();
    return deadline.send(() => request(client));
  }

  async read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    checkRange(uri, range);
    try {
      if (isEmpty(range)) return await this.#nothingOf(uri);
      return await getBytes(this.#source(uri), range);
    } catch (error) {
      throw fromS3(error, uri, "Could not read the object");
    }
  }

  async *stream(uri: string, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    checkRange(uri, range);
    try {
      if (isEmpty(range)) await this.#nothingOf(uri);
      else yield* getStream(this.#source(uri), range);
    } catch (error) {
      throw fromS3(error, uri, "Could not read the object");
    }
  }

  #source(uri: string, deadline = this.#patience.begin()): Source {
    const target = this.#target(uri);
    return {
      uri,
      deadline,
      get: (input) => this.#send((client) => client.getObject({ ...target, ...input }), deadline),
    };
  }

  /** HTTP has no empty range. The object must exist all the same. */
  async #nothingOf(uri: string): Promise<Uint8Array> {
    const target = this.#target(uri);
    await this.#send((client) => client.headObject(target));
    return new Uint8Array(0);
  }

  async put(uri: string, body: Body, condition?: PutCondition, signal?: AbortSignal): Promise<ObjectInfo> {
    throwIfAborted(signal);
    const { Bucket, Key } = this.#target(uri);
    const deadline = this.#patience.begin();
    const put: Put = { uri, condition, id: randomUUID(), deadline };
    let failure: unknown;
    try {
      const { etag, size } = await upload(
        {
          client: await this.#client(),
          deadline,
          patience: this.#patience,
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
      const target = this.#target(uri);
      return this.#describe(uri, await this.#send((client) => client.headObject(target)));
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
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await this.#send((client) =>
        client.listObjectsV2({
          Bucket: this.#bucket,
          Prefix: `${this.root}/${below}`.slice(base.length),
          Delimiter: flat ? "/" : undefined,
          EncodingType: "url", // XML cannot hold every character that a key can
          ContinuationToken: token,
        }),
      ).catch((error: unknown) => {
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
      const { Errors } = await this.#send(
        (client) =>
          client.deleteObjects({
            Bucket: this.#bucket,
            Delete: { Quiet: true, Objects: keys.map((Key) => ({ Key })) },
          }),
        this.#patience.beginDelete(),
      );
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
      const { there, isOwn } = await this.#look(put, isUnknown, error);
      if (there !== undefined && isOwn) return this.#describe(uri, there);
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

  /** What is there after a put whose outcome is unknown, and whether it is what the put wrote. */
  async #look(
    put: Put,
    byBytes: boolean,
    failure: unknown,
  ): Promise<{ there?: HeadObjectCommandOutput; isOwn: boolean }> {
    const { uri, deadline } = put;
    const target = this.#target(uri);
    try {
      const there = await this.#send((client) => client.headObject(target), deadline).catch(ifMissing);
      if (there === undefined) return { isOwn: false };
      return { there, isOwn: await this.#isOwnWork(put, there, byBytes) };
    } catch {
      const what =
        "It is not known whether the object was written: its put got no answer, and neither did a look at it";
      throw failed(uri, what, failure, "Look at the object when the service answers again.");
    }
  }

  /** By the id that the put left; by the bytes where the service keeps no metadata, or lost it when it restarted. */
  async #isOwnWork(
    { uri, id, sent, deadline }: Put,
    there: HeadObjectCommandOutput,
    byBytes: boolean,
  ): Promise<boolean> {
    const found = there.Metadata?.[PUT_ID];
    if (found !== undefined && found !== "") return found === id;
    if (!byBytes || sent === undefined || there.ContentLength !== sent.byteLength) return false;
    return Buffer.compare(await getBytes(this.#source(uri, deadline), undefined), sent) === 0;
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

function conditionHeaders(condition: PutCondition | undefined): { IfNoneMatch?: "*"; IfMatch?: string } {
  if (condition === undefined) return {};
  return "ifAbsent" in condition ? { IfNoneMatch: "*" } : { IfMatch: condition.ifEtag };
}

function ifMissing(error: unknown): undefined {
  if (statusOf(error) !== 404) throw error;
}

function isEmpty(range: ByteRange | undefined): boolean {
  return range !== undefined && range.start === range.end;
}
