/**
 * etcd: a small store that most of its members keep alive, with transactions, leases and watches, spoken to over the JSON
 * that it serves beside gRPC. The catalog may be kept in it, and servers of the log agree by it.
 */
export { EtcdClient, type EtcdOptions } from "./client.js";
export type {
  Etcd,
  EtcdCompare,
  EtcdEvent,
  EtcdKeyValue,
  EtcdOutcome,
  EtcdRange,
  EtcdStep,
  EtcdTransaction,
} from "./etcd.js";
export { bytesOf, keyOf, rangeOf, toBase64 } from "./keys.js";
export { parseEtcdUri } from "./uri.js";
