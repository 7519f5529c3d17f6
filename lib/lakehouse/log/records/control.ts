/**
 * Control batches: they end a transaction, and are no records of anybody's. Kafka's "Control Batches"
 * (kafka.apache.org/documentation, 5.3.1.1): one record, whose key is a version and a type.
 */
import { BatchBuilder } from "./batch-builder.js";
import { damaged, HEADER_BYTES, viewOf } from "./header.js";

/** How a transaction ends. */
export type Marker = "commit" | "abort";

const VERSION = 0;
const TYPES: Readonly<Record<Marker, number>> = { abort: 0, commit: 1 };
/** Clients do not look at the epoch of a coordinator. */
const COORDINATOR_EPOCH = 0;

/** @param now milliseconds since the epoch. */
export function markerBatch(
  producerId: bigint,
  producerEpoch: number,
  marker: Marker,
  now: number,
): Uint8Array {
  const key = Buffer.alloc(4);
  key.writeInt16BE(VERSION, 0);
  key.writeInt16BE(TYPES[marker], 2);
  const value = Buffer.alloc(6);
  value.writeInt16BE(VERSION, 0);
  value.writeInt32BE(COORDINATOR_EPOCH, 2);
  const builder = new BatchBuilder("none");
  builder.add({ key, value }, now);
  return builder.build({ producerId, producerEpoch, baseSequence: -1, kind: "control" });
}

/** @param batch a whole control batch. @throws LakehouseError CORRUPT_RECORD_BATCH */
export function readMarker(batch: Uint8Array, subject: string): Marker {
  // Its record is never compressed: length, attributes, and both deltas take a byte each, as does the key's length.
  const at = HEADER_BYTES + 5;
  const type = batch.length >= at + 4 ? viewOf(batch).getInt16(at + 2) : undefined;
  if (type === TYPES.commit) return "commit";
  if (type === TYPES.abort) return "abort";
  throw damaged(subject, "it is a control batch, and ends no transaction");
}
