import { type JsonInput, RawJson, stringifyJson } from "../json.js";
import { sortOrderToJson } from "../partitioning/sort-order.js";
import { partitionFieldsToJson, partitionSpecToJson } from "../partitioning/spec.js";
import { schemaToJson } from "../schema/json.js";
import { currentSchema, defaultSpec } from "./lookup.js";
import {
  encryptionKeyToJson,
  partitionStatisticsToJson,
  rawOnce,
  refToJson,
  snapshotToRawJson,
  statisticsToJson,
} from "./snapshot-json.js";
import type { TableMetadata } from "./types.js";

/** JSON of table metadata, with the keys that its format version has (spec, "Table Metadata Fields"). */
export function tableMetadataToJson(metadata: TableMetadata): {
  readonly [key: string]: JsonInput | undefined;
} {
  const { formatVersion } = metadata;
  const refs: Record<string, JsonInput> = {};
  for (const [name, ref] of Object.entries(metadata.refs)) {
    Object.defineProperty(refs, name, { value: refToJson(ref), enumerable: true });
  }
  return {
    "format-version": formatVersion,
    "table-uuid": metadata.tableUuid,
    location: metadata.location,
    "last-sequence-number": formatVersion > 1 ? metadata.lastSequenceNumber : undefined,
    "last-updated-ms": metadata.lastUpdatedMs,
    "last-column-id": metadata.lastColumnId,
    // v1 readers know only the singular forms.
    schema: formatVersion === 1 ? schemaToJson(currentSchema(metadata)) : undefined,
    "current-schema-id": metadata.currentSchemaId,
    schemas: metadata.schemas.map((schema) => rawOnce(schema, schemaToJson)),
    "partition-spec": formatVersion === 1 ? partitionFieldsToJson(defaultSpec(metadata)) : undefined,
    "default-spec-id": metadata.defaultSpecId,
    "partition-specs": metadata.partitionSpecs.map(partitionSpecToJson),
    "last-partition-id": metadata.lastPartitionId,
    "default-sort-order-id": metadata.defaultSortOrderId,
    "sort-orders": metadata.sortOrders.map(sortOrderToJson),
    properties: metadata.properties,
    // Older readers expect -1 for "none", and v3 null.
    "current-snapshot-id": metadata.currentSnapshotId ?? (formatVersion < 3 ? -1 : null),
    "next-row-id": formatVersion >= 3 ? metadata.nextRowId : undefined,
    "encryption-keys":
      formatVersion >= 3 && metadata.encryptionKeys.length > 0
        ? metadata.encryptionKeys.map(encryptionKeyToJson)
        : undefined,
    refs,
    snapshots: metadata.snapshots.map(snapshotToRawJson),
    statistics: metadata.statistics.map(statisticsToJson),
    "partition-statistics": metadata.partitionStatistics.map(partitionStatisticsToJson),
    "snapshot-log": metadata.snapshotLog.map((entry) =>
      rawOnce(entry, ({ timestampMs, snapshotId }) => ({
        "timestamp-ms": timestampMs,
        "snapshot-id": snapshotId,
      })),
    ),
    "metadata-log": metadata.metadataLog.map((entry) =>
      rawOnce(entry, ({ timestampMs, metadataFile }) => ({
        "timestamp-ms": timestampMs,
        "metadata-file": metadataFile,
      })),
    ),
  };
}

const texts = new WeakMap<TableMetadata, string>();

/** JSON text of table metadata, every 64-bit number exact. Made once for each metadata object. */
export function serializeTableMetadata(metadata: TableMetadata): string {
  let text = texts.get(metadata);
  if (text === undefined) {
    text = stringifyJson(tableMetadataToJson(metadata));
    texts.set(metadata, text);
  }
  return text;
}

/** The same as a member for a larger JSON document. */
export function tableMetadataToRawJson(metadata: TableMetadata): RawJson {
  return new RawJson(serializeTableMetadata(metadata));
}
