/** What is known of an object without reading it. */
export interface ObjectInfo {
  /** Absolute URI, `file://` or `s3://`. */
  readonly uri: string;
  /** Length in bytes. */
  readonly size: number;
  /** Opaque version tag, compared only for equality. Changes whenever the bytes change. */
  readonly etag: string;
  readonly lastModified: Date;
}

/**
 * A half-open range of bytes: `start` is read, `end` is not. Both are cut to the object's size, so that a range may
 * be empty; one that is none (negative, reversed, fractional) is `INVALID_ARGUMENT`.
 */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The put succeeds only when the object does not exist, or only when its etag is still the one given. */
export type PutCondition = { readonly ifAbsent: true } | { readonly ifEtag: string };

export interface ListOptions {
  /** Only objects with no slash after the prefix: what lies in deeper folders is neither listed nor looked at. */
  readonly flat?: boolean | undefined;
}

/** A body in one piece, or in chunks of any size. Chunked bodies are never held whole in memory. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Where bytes live. Keys are absolute URIs: the root, a slash, and the key, character for character. Nothing is
 * percent-encoded or decoded (`%20` in a URI is three characters of the key), as in Iceberg's own readers, so that
 * one object has one URI. Segments `.` and `..` are refused. An object is visible whole or not at all: a put that
 * fails or is killed leaves what was there before.
 *
 * Errors: `OBJECT_NOT_FOUND`, `PRECONDITION_FAILED` (a condition did not hold), `INVALID_URI` (outside this
 * store's root, or not one of its URIs), `STORAGE_FAILED` (the disk or the service; `cause` has the original).
 */
export interface ObjectStore {
  /** The URI below which all keys of this store lie, without a trailing slash. */
  readonly root: string;
  read(uri: string, range?: ByteRange): Promise<Uint8Array>;
  stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** @param signal ends a request that is under way, in ABORTED; a local disk is not waited for, and does not look at it. */
  put(uri: string, body: Body, condition?: PutCondition, signal?: AbortSignal): Promise<ObjectInfo>;
  /** `undefined` when there is no such object. */
  head(uri: string): Promise<ObjectInfo | undefined>;
  /** All objects whose URI starts with `prefix`, in the order of their URIs' UTF-8 bytes. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Deletes each object; one that is not there is no error. */
  delete(uris: readonly string[]): Promise<void>;
  /** The path of an object on this machine's disk, for engines that read files themselves; `undefined` where there is none. */
  localPath(uri: string): string | undefined;
  /** Makes the folder of a location, for engines that write files by themselves; for stores that have folders. */
  ensureFolder?(uri: string): Promise<void>;
}
