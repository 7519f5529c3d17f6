/**
 * Storage: where bytes live. One contract, `ObjectStore`, with ranges, streams and conditional puts; a local
 * directory and S3 implement it, and one conformance suite holds them to it. The rooms above never ask which
 * one they stand on.
 */
export { LocalStore, type LocalStoreOptions } from "./local/local-store.js";
export type { Body, ByteRange, ObjectInfo, ObjectStore, PutCondition } from "./store.js";
export { fileUri } from "./uri.js";
