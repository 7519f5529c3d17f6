import { createHash } from "node:crypto";
import { invalidMetadata, isLakehouseError, unsupported } from "../../../errors.js";
import { type JsonNode, readJson } from "../json.js";
import { sortOrderFromJson, UNSORTED } from "../partitioning/sort-order.js";
import { partitionFieldsFromJson, partitionSpecFromJson } from "../partitioning/spec.js";
import type { PartitionSpec, SortOrder } from "../partitioning/types.js";
import { schemaFromJson } from "../schema/json.js";
import { validateSchema } from "../schema/validate.js";
import type { Schema } from "../types/types.js";
import { utf8Decode } from "../values/bytes.js";
import {
  encryptionKeyFromJson,
  partitionStatisticsFromJson,
  refFromJson,
  snapshotFromJson,
  statisticsFromJson,
} from "./snapshot-json.js";
import type { FormatVersion, Snapshot, SnapshotRef, TableMetadata } from "./types.js";

export const MAIN_BRANCH = "main";

/**
 * Reads table metadata of format versions 1 to 3, filling in what older versions leave out (spec, Appendix E).
 * `source` names the document in errors. Throws `INVALID_METADATA` naming the path of what is wrong, and
 * `UNSUPPORTED_FEATURE` for a format version that is not known.
 */
export function parseTableMetadata(text: string | Uint8Array, source = "table metadata"): TableMetadata {
  const json = typeof text === "string" ? text : utf8Decode(text);
  return tableMetadataFromJson(readJson(json, { subject: source, kind: invalidMetadata }), source);
}

/** The same from a node of a larger document, such as a REST response. */
export function tableMetadataFromJson(root: JsonNode, source = "table metadata"): TableMetadata {
  const formatVersion = readFormatVersion(root, source);
  const { schemas, currentSchemaId } = readSchemas(root, formatVersion);
  const { partitionSpecs, defaultSpecId } = readSpecs(root, formatVersion);
  const { sortOrders, defaultSortOrderId } = readSortOrders(root);
  const snapshots = list(root, "snapshots", snapshotFromJson);
  const location = root.get("location").string();
  const currentSnapshotId = readCurrentSnapshotId(root, snapshots);
  return {
    formatVersion,
    tableUuid: readUuid(root, formatVersion, location),
    location,
    lastSequenceNumber: readLastSequenceNumber(root, formatVersion, snapshots),
    lastUpdatedMs: root.get("last-updated-ms").long(),
    lastColumnId: root.get("last-column-id").int(),
    schemas,
    currentSchemaId,
    partitionSpecs,
    defaultSpecId,
    lastPartitionId: readLastPartitionId(root, formatVersion, partitionSpecs),
    properties: root.optional("properties")?.stringMap() ?? {},
    currentSnapshotId,
    snapshots,
    snapshotLog: list(root, "snapshot-log", (node) => ({
      timestampMs: node.get("timestamp-ms").long(),
      snapshotId: node.get("snapshot-id").long(),
    })),
    metadataLog: list(root, "metadata-log", (node) => ({
      timestampMs: node.get("timestamp-ms").long(),
      metadataFile: node.get("metadata-file").string(),
    })),
    sortOrders,
    defaultSortOrderId,
    refs: readRefs(root, snapshots, currentSnapshotId),
    statistics: list(root, "statistics", statisticsFromJson),
    partitionStatistics: list(root, "partition-statistics", partitionStatisticsFromJson),
    nextRowId: formatVersion >= 3 ? root.get("next-row-id").long() : 0n,
    encryptionKeys: list(root, "encryption-keys", encryptionKeyFromJson),
  };
}

function list<T>(root: JsonNode, key: string, read: (node: JsonNode) => T): T[] {
  return root.optional(key)?.array().map(read) ?? [];
}

function readFormatVersion(root: JsonNode, source: string): FormatVersion {
  const node = root.get("format-version");
  const version = node.int();
  if (version === 1 || version === 2 || version === 3) return version;
  if (version < 1) return node.fail("should be 1, 2 or 3");
  throw unsupported(
    source,
    `Cannot read ${source}: it is of format version ${version}, and 3 is the highest that is known.`,
    "Use a newer version of this library.",
  );
}

/** v1 may lack a UUID; one made from the location stays the same at every read. */
function readUuid(root: JsonNode, formatVersion: FormatVersion, location: string): string {
  const uuid = root.optional("table-uuid")?.string();
  if (uuid !== undefined) return uuid;
  if (formatVersion > 1) root.get("table-uuid");
  const hex = createHash("sha1").update(location).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function readSchema(node: JsonNode): Schema {
  const schema = schemaFromJson(node);
  try {
    validateSchema(schema, undefined, true);
  } catch (cause) {
    if (isLakehouseError(cause)) node.fail(`is an invalid schema (${cause.message})`, cause);
    throw cause;
  }
  return schema;
}

function readSchemas(root: JsonNode, formatVersion: FormatVersion) {
  const nodes = root.optional("schemas")?.array();
  if (nodes !== undefined && nodes.length > 0) {
    const schemas = nodes.map(readSchema);
    const id = root.get("current-schema-id");
    if (!schemas.some((schema) => schema.schemaId === id.int())) id.fail("names no schema of the table");
    return { schemas, currentSchemaId: id.int() };
  }
  const schema = readSchema(root.get(formatVersion === 1 ? "schema" : "schemas"));
  return { schemas: [schema], currentSchemaId: schema.schemaId };
}

function readSpecs(root: JsonNode, formatVersion: FormatVersion) {
  const nodes = root.optional("partition-specs")?.array();
  if (nodes !== undefined && nodes.length > 0) {
    const partitionSpecs = nodes.map(partitionSpecFromJson);
    const id = root.get("default-spec-id");
    if (!partitionSpecs.some((spec) => spec.specId === id.int()))
      id.fail("names no partition spec of the table");
    return { partitionSpecs, defaultSpecId: id.int() };
  }
  const fields = root.get(formatVersion === 1 ? "partition-spec" : "partition-specs").array();
  const spec: PartitionSpec = { specId: 0, fields: partitionFieldsFromJson(fields) };
  return { partitionSpecs: [spec], defaultSpecId: 0 };
}

function readLastPartitionId(
  root: JsonNode,
  formatVersion: FormatVersion,
  specs: readonly PartitionSpec[],
): number {
  const given = formatVersion === 1 ? root.optional("last-partition-id") : root.get("last-partition-id");
  if (given !== undefined) return given.int();
  return specs.reduce(
    (last, spec) => spec.fields.reduce((id, field) => Math.max(id, field.fieldId), last),
    999,
  );
}

function readSortOrders(root: JsonNode): { sortOrders: readonly SortOrder[]; defaultSortOrderId: number } {
  const sortOrders = list(root, "sort-orders", sortOrderFromJson);
  if (sortOrders.length === 0) return { sortOrders: [UNSORTED], defaultSortOrderId: UNSORTED.orderId };
  const id = root.get("default-sort-order-id");
  if (!sortOrders.some((order) => order.orderId === id.int())) id.fail("names no sort order of the table");
  return { sortOrders, defaultSortOrderId: id.int() };
}

/** Absent, null and -1 all say that there is none. */
function readCurrentSnapshotId(root: JsonNode, snapshots: readonly Snapshot[]): bigint | undefined {
  const node = root.optional("current-snapshot-id");
  if (node === undefined || node.long() === -1n) return undefined;
  if (!snapshots.some((snapshot) => snapshot.snapshotId === node.long()))
    node.fail("names no snapshot of the table");
  return node.long();
}

function readLastSequenceNumber(
  root: JsonNode,
  formatVersion: FormatVersion,
  snapshots: readonly Snapshot[],
): bigint {
  if (formatVersion === 1) return 0n;
  let highest = 0n;
  for (const { sequenceNumber } of snapshots) if (sequenceNumber > highest) highest = sequenceNumber;
  const node = root.optional("last-sequence-number");
  if (node === undefined) return highest;
  if (node.long() < highest) node.fail(`is lower than the sequence number ${highest} of a snapshot`);
  return node.long();
}

function readRefs(
  root: JsonNode,
  snapshots: readonly Snapshot[],
  current: bigint | undefined,
): Record<string, SnapshotRef> {
  const known = new Set(snapshots.map((snapshot) => snapshot.snapshotId));
  if (known.size < snapshots.length) root.get("snapshots").fail("has two snapshots of one id");
  const refs: Record<string, SnapshotRef> = {};
  for (const [name, node] of root.optional("refs")?.entries() ?? []) {
    const ref = refFromJson(node);
    if (!known.has(ref.snapshotId))
      node.fail(`refers to the snapshot ${ref.snapshotId}, which the table does not have`);
    Object.defineProperty(refs, name, { value: ref, enumerable: true, configurable: true, writable: true });
  }
  const main = refs[MAIN_BRANCH];
  if (main === undefined) {
    if (current !== undefined) refs[MAIN_BRANCH] = { type: "branch", snapshotId: current };
  } else if (main.snapshotId !== current) {
    root
      .get("refs")
      .get(MAIN_BRANCH)
      .fail(`is at snapshot ${main.snapshotId}, but "current-snapshot-id" is ${current ?? "none"}`);
  }
  return refs;
}
