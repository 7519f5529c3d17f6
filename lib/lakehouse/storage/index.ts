/**
 * Storage: where bytes live. One contract, `ObjectStore`, with ranges, streams and conditional puts; a local
 * directory and S3 implement it, and one conformance suite holds them to it. The rooms above never ask which
 * one they stand on.
 */
export { openAnywhere } from "./anywhere.js";
export {
  type FileCache,
  type FileCacheStats,
  type FileHold,
  type FileRequest,
  openFileCache,
} from "./cache/file-cache.js";
export { type FileCacheOptions, fileCacheOptionsFromEnv } from "./cache/options.js";
export { invalidUri, objectNotFound, preconditionFailed, storageFailed } from "./errors.js";
export { isDiskFull, systemCode } from "./failure.js";
export { type S3Gateway, type S3GatewayOptions, serveS3 } from "./gateway/serve.js";
export type { GatewayCredentials } from "./gateway/sigv4.js";
export { makeFolders } from "./local/folders.js";
export { LocalStore, type LocalStoreOptions } from "./local/local-store.js";
export { type CacheLookup, cacheLookups, type StorageRequest, storageRequests } from "./metrics.js";
export { MovedStore, movedFrom, recordedLocation } from "./moved-store.js";
export { storeNow } from "./now.js";
export { ObservedStore } from "./observed-store.js";
export { openStore, type StoreOptions } from "./open.js";
export { putAnywhere } from "./put-anywhere.js";
export { reachingOut } from "./reaching-out.js";
export { type S3Credentials, type S3Options, s3OptionsFromEnv } from "./s3/options.js";
export { S3Store } from "./s3/s3-store.js";
export type { Body, ByteRange, ListOptions, ObjectInfo, ObjectStore, PutCondition } from "./store.js";
export { type ObjectTail, type ReadableStore, readTail } from "./tail.js";
export { canonicalFileUri, canonicalS3Uri, fileUri, pathOfFile, spelledUri } from "./uri.js";
export { type FolderFiles, writeBeside } from "./write-beside.js";
