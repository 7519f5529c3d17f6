import { invalidMetadata, type LakehouseError } from "../../../errors.js";
import type { TableMetadata } from "./types.js";

/** The table properties that this room acts on, with the defaults of the Iceberg documentation unless said. */
export const TABLE_PROPERTIES = {
  "write.parquet.compression-codec": "zstd",
  // The codec's own default.
  "write.parquet.compression-level": "",
  "write.parquet.row-group-limit": "",
  // Of Arrow data in memory; half of Java's default, since memory peaks at a few times this.
  "write.parquet.row-group-size-bytes": "67108864",
  "write.parquet.page-size-bytes": "1048576",
  "write.parquet.page-row-limit": "20000",
  "write.parquet.dict-size-bytes": "2097152",
  "write.parquet.bloom-filter-max-bytes": "1048576",
  "write.target-file-size-bytes": "536870912",
  // Not in Java: milliseconds after which an open data file is finished, whatever its size. 0 is never.
  "write.target-file-age-ms": "0",
  "write.metadata.metrics.default": "truncate(16)",
  "write.metadata.metrics.max-inferred-column-defaults": "100",
  "write.metadata.delete-after-commit.enabled": "false",
  "write.object-storage.enabled": "false",
  "write.object-storage.partitioned-paths": "true",
  "write.summary.partition-limit": "0",
  "write.delete.isolation-level": "serializable",
  "write.update.isolation-level": "serializable",
  "write.merge.isolation-level": "serializable",
  "write.delete.mode": "copy-on-write",
  "write.update.mode": "copy-on-write",
  "write.merge.mode": "copy-on-write",
  // Java's table default is `partition`; Spark writes `file`, which leaves readers less to look through.
  "write.delete.granularity": "file",
  "write.wap.enabled": "false",
  "history.expire.max-snapshot-age-ms": "432000000",
  "history.expire.min-snapshots-to-keep": "1",
  // Never: the largest of 64 bits, as Java writes it.
  "history.expire.max-ref-age-ms": "9223372036854775807",
  "commit.manifest.target-size-bytes": "8388608",
  "commit.manifest.min-count-to-merge": "100",
  "commit.manifest-merge.enabled": "true",
  // Java retries 4 times from 100 ms; commits to an embedded catalog take milliseconds, so shorter waits, more of them.
  "commit.retry.num-retries": "12",
  "commit.retry.min-wait-ms": "20",
  "commit.retry.max-wait-ms": "60000",
  "commit.retry.total-timeout-ms": "1800000",
} as const;

export type TableProperty = keyof typeof TABLE_PROPERTIES;

export function textProperty(metadata: TableMetadata, key: TableProperty): string {
  return metadata.properties[key] ?? TABLE_PROPERTIES[key];
}

export function booleanProperty(metadata: TableMetadata, key: TableProperty): boolean {
  return textProperty(metadata, key).toLowerCase() === "true";
}

/** @throws LakehouseError INVALID_METADATA when the property holds no whole number from 0 up. */
export function numberProperty(metadata: TableMetadata, key: TableProperty): number {
  const value = Number(bigintProperty(metadata, key));
  return Number.isSafeInteger(value) ? value : noNumber(key, String(value));
}

/** Throws as `numberProperty`, which is for what 53 bits hold. */
export function bigintProperty(metadata: TableMetadata, key: TableProperty): bigint {
  const text = textProperty(metadata, key).trim();
  return /^\d+$/.test(text) ? BigInt(text) : noNumber(key, text);
}

function noNumber(key: string, text: string): never {
  throw invalidProperty(key, "a whole number", text);
}

/** A property whose text is not what it must be. */
export function invalidProperty(key: string, must: string, text: string): LakehouseError {
  return invalidMetadata(key, `Table property ${key} must be ${must}; it is ${JSON.stringify(text)}.`);
}
