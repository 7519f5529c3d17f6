import { invalidArgument, invalidMetadata, type LakehouseError } from "../../../errors.js";
import {
  codec,
  FLAG,
  LEVEL,
  LIMIT,
  METRICS,
  oneOf,
  POSITIVE,
  type PropertyKind,
  SHARE,
  someOf,
  WHOLE,
} from "./property-kinds.js";
import type { TableMetadata } from "./types.js";

/** Of a property that this room acts on: what it may be, and what it is where nobody sets it. */
interface Known extends PropertyKind {
  readonly fallback: string;
}

const known = (kind: PropertyKind, fallback: string): Known => ({ ...kind, fallback });

const ISOLATION = known(oneOf("serializable", "snapshot"), "serializable");
const MODE = known(oneOf("copy-on-write", "merge-on-read"), "copy-on-write");
const PARQUET_CODEC = codec("zstd", "snappy", "gzip", "lz4", "lz4_raw", "brotli", "none", "uncompressed");
const FORMAT = oneOf("parquet", "avro", "orc");
const DISTRIBUTION = oneOf("none", "hash", "range");

/**
 * The table properties that this room acts on, with the values that the Iceberg documentation allows and the defaults
 * that it gives, unless said.
 */
export const TABLE_PROPERTIES = {
  "write.parquet.compression-codec": known(PARQUET_CODEC, "zstd"),
  "write.parquet.compression-level": known(LEVEL, ""),
  "write.parquet.row-group-limit": known(LIMIT, ""),
  // Of Arrow data in memory; half of Java's default, since memory peaks at a few times this.
  "write.parquet.row-group-size-bytes": known(POSITIVE, "67108864"),
  "write.parquet.page-size-bytes": known(POSITIVE, "1048576"),
  // Java's is 20,000: pages that end where a vector of DuckDB's does, and fewer of them, are read a fifth faster.
  "write.parquet.page-row-limit": known(POSITIVE, "40960"),
  "write.parquet.dict-size-bytes": known(WHOLE, "2097152"),
  "write.parquet.bloom-filter-max-bytes": known(WHOLE, "1048576"),
  "write.target-file-size-bytes": known(POSITIVE, "536870912"),
  // Not in Java: milliseconds after which an open data file is finished, whatever its size. 0 is never.
  "write.target-file-age-ms": known(WHOLE, "0"),
  "write.metadata.metrics.default": known(METRICS, "truncate(16)"),
  "write.metadata.metrics.max-inferred-column-defaults": known(WHOLE, "100"),
  "write.metadata.delete-after-commit.enabled": known(FLAG, "false"),
  "write.object-storage.enabled": known(FLAG, "false"),
  "write.object-storage.partitioned-paths": known(FLAG, "true"),
  "write.summary.partition-limit": known(WHOLE, "0"),
  "write.delete.isolation-level": ISOLATION,
  "write.update.isolation-level": ISOLATION,
  "write.merge.isolation-level": ISOLATION,
  "write.delete.mode": MODE,
  "write.update.mode": MODE,
  "write.merge.mode": MODE,
  // Java's table default is `partition`; Spark writes `file`, which leaves readers less to look through.
  "write.delete.granularity": known(oneOf("file", "partition"), "file"),
  "write.wap.enabled": known(FLAG, "false"),
  "history.expire.max-snapshot-age-ms": known(WHOLE, "432000000"),
  "history.expire.min-snapshots-to-keep": known(POSITIVE, "1"),
  // Not in Java: how many snapshots of a branch a commit leaves, be they older or not. 0 is all.
  "history.expire.max-snapshots": known(WHOLE, "0"),
  // Never: the largest of 64 bits, as Java writes it.
  "history.expire.max-ref-age-ms": known(WHOLE, "9223372036854775807"),
  "commit.manifest.target-size-bytes": known(WHOLE, "8388608"),
  // Java's is 100: every commit writes the list of all manifests, and every plan reads it.
  "commit.manifest.min-count-to-merge": known(WHOLE, "20"),
  "commit.manifest-merge.enabled": known(FLAG, "true"),
  // Java retries 4 times from 100 ms; commits to an embedded catalog take milliseconds, so shorter waits, more of them.
  "commit.retry.num-retries": known(WHOLE, "12"),
  "commit.retry.min-wait-ms": known(WHOLE, "20"),
  "commit.retry.max-wait-ms": known(WHOLE, "60000"),
  "commit.retry.total-timeout-ms": known(WHOLE, "1800000"),
} as const satisfies Readonly<Record<string, Known>>;

/** Those that count by being there, or for other engines: a wrong one would break their writes as it would ours. */
const OTHER_PROPERTIES: Readonly<Record<string, PropertyKind>> = {
  "gc.enabled": FLAG,
  "write.metadata.compression-codec": oneOf("none", "gzip"),
  "write.metadata.previous-versions-max": POSITIVE,
  "write.format.default": FORMAT,
  "write.delete.format.default": FORMAT,
  "write.delete.target-file-size-bytes": POSITIVE,
  "write.delete.parquet.compression-codec": PARQUET_CODEC,
  "write.distribution-mode": DISTRIBUTION,
  "write.delete.distribution-mode": DISTRIBUTION,
  "write.update.distribution-mode": DISTRIBUTION,
  "write.merge.distribution-mode": DISTRIBUTION,
  "write.avro.compression-codec": codec("gzip", "zstd", "snappy", "uncompressed"),
  "write.orc.compression-codec": codec("zstd", "lz4", "lzo", "zlib", "snappy", "none"),
  "write.orc.compression-strategy": oneOf("speed", "compression"),
  "write.spark.fanout.enabled": FLAG,
  "read.split.target-size": POSITIVE,
  "read.split.metadata-target-size": POSITIVE,
  "read.split.planning-lookback": POSITIVE,
  "read.split.open-file-cost": WHOLE,
  "read.parquet.vectorization.enabled": FLAG,
  "read.parquet.vectorization.batch-size": POSITIVE,
  "read.orc.vectorization.enabled": FLAG,
  "read.orc.vectorization.batch-size": POSITIVE,
  "compatibility.snapshot-id-inheritance.enabled": FLAG,
  "maintenance.steps": someOf("compaction", "position-deletes", "manifests", "expiry"),
  "maintenance.compaction.strategy": oneOf("bin-pack", "sort", "z-order"),
  "maintenance.compaction.min-input-files": POSITIVE,
};

/** Those about one column: what stands before its name. */
const COLUMN_PROPERTIES: Readonly<Record<string, PropertyKind>> = {
  "write.metadata.metrics.column.": METRICS,
  "write.parquet.compression-codec.column.": PARQUET_CODEC,
  "write.parquet.compression-level.column.": LEVEL,
  "write.parquet.bloom-filter-enabled.column.": FLAG,
  "write.parquet.bloom-filter-fpp.column.": SHARE,
  "write.parquet.stats-enabled.column.": FLAG,
};

/**
 * Checks properties that are about to be set. Those that nobody here knows pass.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a value that the property cannot have.
 */
export function checkProperties(properties: Readonly<Record<string, string>>): void {
  for (const [key, text] of Object.entries(properties)) {
    const kind = kindOf(key);
    if (kind === undefined || (typeof text === "string" && kind.accepts(text))) continue;
    throw invalidArgument(
      key,
      `The table property ${key} must be ${kind.must}, not ${JSON.stringify(text)}.`,
      "Set it to such a value, or leave it out for the default.",
    );
  }
}

function kindOf(key: string): PropertyKind | undefined {
  for (const kinds of [TABLE_PROPERTIES, OTHER_PROPERTIES] as const)
    if (Object.hasOwn(kinds, key)) return (kinds as Readonly<Record<string, PropertyKind>>)[key];
  return Object.entries(COLUMN_PROPERTIES).find(([prefix]) => key.startsWith(prefix))?.[1];
}

export type TableProperty = keyof typeof TABLE_PROPERTIES;

export function textProperty(metadata: TableMetadata, key: TableProperty): string {
  return metadata.properties[key] || TABLE_PROPERTIES[key].fallback;
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
