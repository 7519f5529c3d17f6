import { eventChannel, metric } from "../observability/index.js";

/** A request to a lakehouse's store, as the rooms above see it: what is tried again within it is one request. */
export interface StorageRequest {
  readonly operation: "read" | "stream" | "put" | "head" | "list" | "delete";
  /** Of the object, or of the first of several; the prefix of a list. */
  readonly uri: string;
  /** Bytes of objects that were read or written. */
  readonly bytes: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  /** Until the answer; for `stream` and `list` until the last of it was taken. */
  readonly milliseconds: number;
}

export const storageRequests = eventChannel<StorageRequest>("storage.request");

/** What a query's file was asked for, and what of it the cache had to fetch. */
export interface CacheLookup {
  readonly uri: string;
  readonly bytesHit: number;
  readonly bytesMissed: number;
}

export const cacheLookups = eventChannel<CacheLookup>("storage.cache");

/** What a request may end in while all is well. */
const EXPECTED: ReadonlySet<string> = new Set(["ok", "OBJECT_NOT_FOUND", "PRECONDITION_FAILED", "ABORTED"]);

const labels = ({ operation, outcome }: StorageRequest) => ({ operation, outcome });

export const metrics = [
  metric(
    storageRequests,
    {
      name: "storage.request.duration",
      kind: "histogram",
      unit: "ms",
      help: "Requests to the store, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels },
  ),
  metric(
    storageRequests,
    { name: "storage.bytes", kind: "counter", unit: "By", help: "Bytes of objects read and written." },
    { value: ({ bytes }) => (bytes > 0 ? bytes : undefined), labels: ({ operation }) => ({ operation }) },
  ),
  metric(
    storageRequests,
    {
      name: "storage.failures",
      kind: "counter",
      unit: "1",
      help: "Requests that the store failed or refused: what is not there, or was written by another, is no failure.",
    },
    { value: ({ outcome }) => (EXPECTED.has(outcome) ? undefined : 1) },
  ),
  metric(
    cacheLookups,
    { name: "storage.cache.hit", kind: "counter", unit: "By", help: "Bytes that the file cache had." },
    { value: ({ bytesHit }) => bytesHit },
  ),
  metric(
    cacheLookups,
    { name: "storage.cache.missed", kind: "counter", unit: "By", help: "Bytes that it had to fetch." },
    { value: ({ bytesMissed }) => bytesMissed },
  ),
];
