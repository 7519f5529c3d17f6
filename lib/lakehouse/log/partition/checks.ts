/** What a partition takes, by its topic's settings. */
import { invalidRecord, recordTooLarge } from "../errors.js";
import type { BatchHeader } from "../records/header.js";
import { keyedRecords } from "../segment/rewrite-batch.js";

/** @throws LakehouseError INVALID_RECORD */
export function checkKeys(bytes: Uint8Array, header: BatchHeader, name: string): void {
  if (keyedRecords({ bytes, header }, name).every(({ key }) => key !== null)) return;
  throw invalidRecord(
    name,
    `A record for ${name} has no key, and its topic is compacted: of each key, the latest record stays.`,
    'Give each record a key, or set the topic\'s cleanupPolicy to "delete".',
  );
}

/** @throws LakehouseError RECORD_TOO_LARGE */
export function checkSize(batch: Uint8Array, most: number, name: string): void {
  if (batch.length > most)
    throw recordTooLarge(
      name,
      `A record batch of ${batch.length} bytes is larger than the ${most} that ${name} takes.`,
      "Send fewer records at once, or raise the topic's maxBatchBytes.",
    );
}
