import { type JsonInput, type JsonNode, RawJson, stringifyJson } from "../json.js";
import type {
  BlobMetadata,
  EncryptionKey,
  Operation,
  PartitionStatisticsFile,
  Snapshot,
  SnapshotRef,
  SnapshotSummary,
  StatisticsFile,
} from "./types.js";

type JsonObject = { readonly [key: string]: JsonInput | undefined };

const OPERATIONS: ReadonlySet<string> = new Set<Operation>(["append", "replace", "overwrite", "delete"]);

/** JSON of a snapshot (spec, "Snapshots"). The sequence number 0 of v1 is left out. */
export function snapshotToJson(snapshot: Snapshot): JsonObject {
  return {
    "sequence-number": snapshot.sequenceNumber > 0n ? snapshot.sequenceNumber : undefined,
    "snapshot-id": snapshot.snapshotId,
    "parent-snapshot-id": snapshot.parentSnapshotId,
    "timestamp-ms": snapshot.timestampMs,
    summary: snapshot.summary,
    "manifest-list": snapshot.manifestList,
    manifests: snapshot.manifestList === undefined ? snapshot.manifests : undefined,
    "schema-id": snapshot.schemaId,
    "first-row-id": snapshot.firstRowId,
    "added-rows": snapshot.addedRows,
    "key-id": snapshot.keyId,
  };
}

/** The same as text, made once for each snapshot. */
export function snapshotToRawJson(snapshot: Snapshot): RawJson {
  return rawOnce(snapshot, snapshotToJson);
}

const texts = new WeakMap<object, RawJson>();

/** JSON text of a part of metadata, made once for each: every commit writes the parts that stay again. */
export function rawOnce<T extends object>(part: T, toJson: (part: T) => JsonInput): RawJson {
  let raw = texts.get(part);
  if (raw === undefined) {
    raw = new RawJson(stringifyJson(toJson(part)));
    texts.set(part, raw);
  }
  return raw;
}

/** Reads a snapshot of any version: a missing sequence number is 0, v1 may list manifests inline and lack a summary. */
export function snapshotFromJson(node: JsonNode): Snapshot {
  const manifestList = node.optional("manifest-list")?.string();
  const manifests = node
    .optional("manifests")
    ?.array()
    .map((item) => item.string());
  if (manifestList === undefined && manifests === undefined) node.get("manifest-list");
  const summary = node.optional("summary");
  return withoutUndefined({
    snapshotId: node.get("snapshot-id").long(),
    parentSnapshotId: parentOf(node),
    sequenceNumber: node.optional("sequence-number")?.long() ?? 0n,
    timestampMs: node.get("timestamp-ms").long(),
    manifestList,
    manifests: manifestList === undefined ? manifests : undefined,
    summary: summary === undefined ? undefined : summaryFromJson(summary),
    schemaId: node.optional("schema-id")?.int(),
    firstRowId: node.optional("first-row-id")?.long(),
    addedRows: node.optional("added-rows")?.long(),
    keyId: node.optional("key-id")?.string(),
  });
}

/** Some writers give -1 for "no parent". */
function parentOf(node: JsonNode): bigint | undefined {
  const parent = node.optional("parent-snapshot-id")?.long();
  return parent === -1n ? undefined : parent;
}

function summaryFromJson(node: JsonNode): SnapshotSummary {
  const values = node.object();
  const summary: Record<string, string> = { operation: "overwrite" };
  for (const key of Object.keys(values)) {
    const value = values[key];
    // Counts are text by the spec; a writer that gives numbers is understood.
    summary[key] =
      typeof value === "string"
        ? value
        : typeof value === "number" || typeof value === "bigint"
          ? String(value)
          : node.get(key).string();
  }
  const { operation } = summary;
  if (!OPERATIONS.has(operation as string)) node.get("operation").fail(`is no operation: "${operation}"`);
  return summary as SnapshotSummary;
}

/** JSON of a reference (spec, "Snapshot References"). */
export function refToJson(ref: SnapshotRef): JsonObject {
  return {
    "snapshot-id": ref.snapshotId,
    type: ref.type,
    "min-snapshots-to-keep": ref.minSnapshotsToKeep,
    "max-snapshot-age-ms": ref.maxSnapshotAgeMs,
    "max-ref-age-ms": ref.maxRefAgeMs,
  };
}

export function refFromJson(node: JsonNode): SnapshotRef {
  const type = node.get("type").string().toLowerCase();
  if (type !== "branch" && type !== "tag") return node.get("type").fail('should be "branch" or "tag"');
  return withoutUndefined<SnapshotRef>({
    type,
    snapshotId: node.get("snapshot-id").long(),
    minSnapshotsToKeep: node.optional("min-snapshots-to-keep")?.int(),
    maxSnapshotAgeMs: node.optional("max-snapshot-age-ms")?.long(),
    maxRefAgeMs: node.optional("max-ref-age-ms")?.long(),
  });
}

/** JSON of a statistics file (spec, "Table Statistics"). */
export function statisticsToJson(file: StatisticsFile): JsonObject {
  return {
    "snapshot-id": file.snapshotId,
    "statistics-path": file.statisticsPath,
    "file-size-in-bytes": file.fileSizeInBytes,
    "file-footer-size-in-bytes": file.fileFooterSizeInBytes,
    "key-metadata": file.keyMetadata,
    "blob-metadata": file.blobMetadata.map((blob) => ({
      type: blob.type,
      "snapshot-id": blob.snapshotId,
      "sequence-number": blob.sequenceNumber,
      fields: blob.fields,
      properties: blob.properties,
    })),
  };
}

export function statisticsFromJson(node: JsonNode): StatisticsFile {
  return withoutUndefined<StatisticsFile>({
    snapshotId: node.get("snapshot-id").long(),
    statisticsPath: node.get("statistics-path").string(),
    fileSizeInBytes: node.get("file-size-in-bytes").long(),
    fileFooterSizeInBytes: node.get("file-footer-size-in-bytes").long(),
    keyMetadata: node.optional("key-metadata")?.string(),
    blobMetadata: node.get("blob-metadata").array().map(blobFromJson),
  });
}

function blobFromJson(node: JsonNode): BlobMetadata {
  return withoutUndefined<BlobMetadata>({
    type: node.get("type").string(),
    snapshotId: node.get("snapshot-id").long(),
    sequenceNumber: node.get("sequence-number").long(),
    fields: node
      .get("fields")
      .array()
      .map((id) => id.int()),
    properties: node.optional("properties")?.stringMap(),
  });
}

/** JSON of a partition statistics file (spec, "Partition Statistics"). */
export function partitionStatisticsToJson(file: PartitionStatisticsFile): JsonObject {
  return {
    "snapshot-id": file.snapshotId,
    "statistics-path": file.statisticsPath,
    "file-size-in-bytes": file.fileSizeInBytes,
  };
}

export function partitionStatisticsFromJson(node: JsonNode): PartitionStatisticsFile {
  return {
    snapshotId: node.get("snapshot-id").long(),
    statisticsPath: node.get("statistics-path").string(),
    fileSizeInBytes: node.get("file-size-in-bytes").long(),
  };
}

/** JSON of an encryption key (spec, "Encryption Keys"). */
export function encryptionKeyToJson(key: EncryptionKey): JsonObject {
  return {
    "key-id": key.keyId,
    "encrypted-key-metadata": key.encryptedKeyMetadata,
    "encrypted-by-id": key.encryptedById,
    properties: key.properties,
  };
}

export function encryptionKeyFromJson(node: JsonNode): EncryptionKey {
  return withoutUndefined<EncryptionKey>({
    keyId: node.get("key-id").string(),
    encryptedKeyMetadata: node.get("encrypted-key-metadata").string(),
    encryptedById: node.optional("encrypted-by-id")?.string(),
    properties: node.optional("properties")?.stringMap(),
  });
}

/** A copy without the members that are `undefined`. Deleting them instead would make objects slow for good. */
function withoutUndefined<T extends object>(value: T): T {
  const result: Partial<T> = {};
  for (const key in value) if (value[key] !== undefined) result[key] = value[key];
  return result as T;
}
