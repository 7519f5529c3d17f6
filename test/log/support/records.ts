import fc from "fast-check";
import {
  BatchBuilder,
  type BatchProducer,
  type NewRecord,
} from "../../../lib/lakehouse/log/records/batch-builder.js";
import { type Compression, prepareCompression } from "../../../lib/lakehouse/log/records/compression.js";
import { readHeader, setBaseOffset } from "../../../lib/lakehouse/log/records/header.js";
import type { HeldBatch } from "../../../lib/lakehouse/log/segment/segment-builder.js";

const bytes = fc.uint8Array({ maxLength: 200 });
const text = fc.string({ unit: "grapheme", maxLength: 60 });
const content = fc.oneof(bytes, text);

/** The latest time that a record may have; its negative is the earliest. */
const LATEST = 2 ** 51 - 1;

/** Any record that a producer may make. */
export const anyRecord: fc.Arbitrary<NewRecord> = fc.record(
  {
    key: fc.option(content),
    value: fc.option(content),
    headers: fc.array(fc.record({ key: text, value: fc.option(content) }), { maxLength: 3 }),
    timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: -LATEST, max: LATEST })),
  },
  { requiredKeys: ["value"] },
);

export const anyCompression = fc.constantFrom<Compression>("none", "gzip", "lz4", "zstd");

export async function batchOf(
  records: readonly NewRecord[],
  compression: Compression = "none",
  baseOffset = 0n,
  producer?: BatchProducer,
): Promise<Uint8Array> {
  await prepareCompression(compression);
  const builder = new BatchBuilder(compression);
  for (const record of records) builder.add(record, 0);
  const batch = builder.build(producer);
  setBaseOffset(batch, baseOffset);
  return batch;
}

/** Batches of small records with consecutive offsets from `first` on: one for each count. */
export async function consecutive(
  counts: readonly number[],
  first = 0n,
  valueBytes = 10,
): Promise<HeldBatch[]> {
  const batches: HeldBatch[] = [];
  let next = first;
  for (const count of counts) {
    const records = Array.from({ length: count }, (_, i) => ({
      value: String(next + BigInt(i)).padEnd(valueBytes, "."),
      timestamp: Number(next) + i,
    }));
    const bytes = await batchOf(records, "none", next);
    batches.push({ bytes, header: readHeader(bytes, 0, "test") });
    next += BigInt(count);
  }
  return batches;
}
