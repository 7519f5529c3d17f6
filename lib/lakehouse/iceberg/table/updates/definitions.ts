import type { JsonInput, JsonNode } from "../../model/json.js";
import {
  encryptionKeyFromJson,
  encryptionKeyToJson,
  partitionStatisticsFromJson,
  partitionStatisticsToJson,
  refFromJson,
  refToJson,
  snapshotFromJson,
  snapshotToJson,
  statisticsFromJson,
  statisticsToJson,
} from "../../model/metadata/snapshot-json.js";
import type { FormatVersion } from "../../model/metadata/types.js";
import { sortOrderFromJson, sortOrderToJson } from "../../model/partitioning/sort-order.js";
import { partitionSpecFromJson, partitionSpecToJson } from "../../model/partitioning/spec.js";
import { schemaFromJson, schemaToJson } from "../../model/schema/json.js";
import {
  addSchema,
  addSortOrder,
  addSpec,
  removeSchemas,
  removeSpecs,
  setCurrentSchema,
  setDefaultSortOrder,
  setDefaultSpec,
} from "./apply-definitions.js";
import { addSnapshot, removeSnapshotRef, removeSnapshots, setSnapshotRef } from "./apply-snapshots.js";
import {
  addEncryptionKey,
  assignUuid,
  removeEncryptionKey,
  removePartitionStatistics,
  removeProperties,
  removeStatistics,
  setLocation,
  setPartitionStatistics,
  setProperties,
  setStatistics,
  upgradeFormatVersion,
} from "./apply-table.js";
import type { Draft } from "./draft.js";
import type { TableRequirement, TableUpdate } from "./types.js";

export type JsonObject = { readonly [key: string]: JsonInput | undefined };
export type UpdateAction = TableUpdate["action"];

/** The member of the union that is of an action. */
export type UpdateOf<Action extends UpdateAction> = Extract<TableUpdate, { readonly action: Action }>;

/** Everything that depends on which update it is; its JSON is that of the REST catalog's specification. */
export interface UpdateDefinition<Update extends TableUpdate = TableUpdate> {
  apply(draft: Draft, update: Update): void;
  /** The members of its JSON beside `action`. */
  toJson(update: Update): JsonObject;
  fromJson(node: JsonNode): Omit<Update, "action">;
  /** What must still be as it was where the update was made, as the reference requires it. */
  readonly requires?: TableRequirement["type"];
}

const ints = (node: JsonNode) => node.array().map((each) => each.int());

/** The definition of each update. */
export const UPDATES: { readonly [Action in UpdateAction]: UpdateDefinition<UpdateOf<Action>> } = {
  "assign-uuid": {
    apply: (draft, { uuid }) => assignUuid(draft, uuid),
    toJson: ({ uuid }) => ({ uuid }),
    fromJson: (node) => ({ uuid: node.get("uuid").string() }),
  },
  "upgrade-format-version": {
    apply: (draft, { formatVersion }) => upgradeFormatVersion(draft, formatVersion),
    toJson: ({ formatVersion }) => ({ "format-version": formatVersion }),
    fromJson: (node) => ({ formatVersion: node.get("format-version").int() as FormatVersion }),
  },
  "add-schema": {
    apply: (draft, { schema }) => addSchema(draft, schema),
    toJson: ({ schema, lastColumnId }) => ({
      schema: schemaToJson(schema),
      "last-column-id": lastColumnId,
    }),
    fromJson: (node) => ({ schema: schemaFromJson(node.get("schema")) }),
    requires: "assert-last-assigned-field-id",
  },
  "set-current-schema": {
    apply: (draft, { schemaId }) => setCurrentSchema(draft, schemaId),
    toJson: ({ schemaId }) => ({ "schema-id": schemaId }),
    fromJson: (node) => ({ schemaId: node.get("schema-id").int() }),
    requires: "assert-current-schema-id",
  },
  "add-spec": {
    apply: (draft, { spec }) => addSpec(draft, spec),
    toJson: ({ spec }) => ({ spec: partitionSpecToJson(spec) }),
    fromJson: (node) => ({ spec: partitionSpecFromJson(node.get("spec")) }),
    requires: "assert-last-assigned-partition-id",
  },
  "set-default-spec": {
    apply: (draft, { specId }) => setDefaultSpec(draft, specId),
    toJson: ({ specId }) => ({ "spec-id": specId }),
    fromJson: (node) => ({ specId: node.get("spec-id").int() }),
    requires: "assert-default-spec-id",
  },
  "add-sort-order": {
    apply: (draft, { sortOrder }) => addSortOrder(draft, sortOrder),
    toJson: ({ sortOrder }) => ({ "sort-order": sortOrderToJson(sortOrder) }),
    fromJson: (node) => ({ sortOrder: sortOrderFromJson(node.get("sort-order")) }),
  },
  "set-default-sort-order": {
    apply: (draft, { sortOrderId }) => setDefaultSortOrder(draft, sortOrderId),
    toJson: ({ sortOrderId }) => ({ "sort-order-id": sortOrderId }),
    fromJson: (node) => ({ sortOrderId: node.get("sort-order-id").int() }),
    requires: "assert-default-sort-order-id",
  },
  "add-snapshot": {
    apply: (draft, { snapshot }) => addSnapshot(draft, snapshot),
    toJson: ({ snapshot }) => ({ snapshot: snapshotToJson(snapshot) }),
    fromJson: (node) => ({ snapshot: snapshotFromJson(node.get("snapshot")) }),
  },
  "set-snapshot-ref": {
    apply: (draft, { refName, ref }) => setSnapshotRef(draft, refName, ref),
    toJson: ({ refName, ref }) => ({ "ref-name": refName, ...refToJson(ref) }),
    fromJson: (node) => ({ refName: node.get("ref-name").string(), ref: refFromJson(node) }),
    requires: "assert-ref-snapshot-id",
  },
  "remove-snapshots": {
    apply: (draft, { snapshotIds }) => removeSnapshots(draft, snapshotIds),
    toJson: ({ snapshotIds }) => ({ "snapshot-ids": snapshotIds }),
    fromJson: (node) => ({
      snapshotIds: node
        .get("snapshot-ids")
        .array()
        .map((id) => id.long()),
    }),
  },
  "remove-snapshot-ref": {
    apply: (draft, { refName }) => removeSnapshotRef(draft, refName),
    toJson: ({ refName }) => ({ "ref-name": refName }),
    fromJson: (node) => ({ refName: node.get("ref-name").string() }),
  },
  "set-location": {
    apply: (draft, { location }) => setLocation(draft, location),
    toJson: ({ location }) => ({ location }),
    fromJson: (node) => ({ location: node.get("location").string() }),
  },
  "set-properties": {
    apply: (draft, { updates }) => setProperties(draft, updates),
    toJson: ({ updates }) => ({ updates }),
    // Older clients say "updated" and "removed".
    fromJson: (node) => ({ updates: (node.optional("updates") ?? node.get("updated")).stringMap() }),
  },
  "remove-properties": {
    apply: (draft, { removals }) => removeProperties(draft, removals),
    toJson: ({ removals }) => ({ removals }),
    fromJson: (node) => {
      const removals = node.optional("removals") ?? node.get("removed");
      return { removals: removals.array().map((key) => key.string()) };
    },
  },
  "set-statistics": {
    apply: (draft, { statistics }) => setStatistics(draft, statistics),
    toJson: ({ statistics }) => ({
      "snapshot-id": statistics.snapshotId,
      statistics: statisticsToJson(statistics),
    }),
    fromJson: (node) => ({ statistics: statisticsFromJson(node.get("statistics")) }),
  },
  "remove-statistics": {
    apply: (draft, { snapshotId }) => removeStatistics(draft, snapshotId),
    toJson: ({ snapshotId }) => ({ "snapshot-id": snapshotId }),
    fromJson: (node) => ({ snapshotId: node.get("snapshot-id").long() }),
  },
  "set-partition-statistics": {
    apply: (draft, { partitionStatistics }) => setPartitionStatistics(draft, partitionStatistics),
    toJson: ({ partitionStatistics }) => ({
      "partition-statistics": partitionStatisticsToJson(partitionStatistics),
    }),
    fromJson: (node) => ({
      partitionStatistics: partitionStatisticsFromJson(node.get("partition-statistics")),
    }),
  },
  "remove-partition-statistics": {
    apply: (draft, { snapshotId }) => removePartitionStatistics(draft, snapshotId),
    toJson: ({ snapshotId }) => ({ "snapshot-id": snapshotId }),
    fromJson: (node) => ({ snapshotId: node.get("snapshot-id").long() }),
  },
  "remove-partition-specs": {
    apply: (draft, { specIds }) => removeSpecs(draft, specIds),
    toJson: ({ specIds }) => ({ "spec-ids": specIds }),
    fromJson: (node) => ({ specIds: ints(node.get("spec-ids")) }),
    requires: "assert-default-spec-id",
  },
  "remove-schemas": {
    apply: (draft, { schemaIds }) => removeSchemas(draft, schemaIds),
    toJson: ({ schemaIds }) => ({ "schema-ids": schemaIds }),
    fromJson: (node) => ({ schemaIds: ints(node.get("schema-ids")) }),
    requires: "assert-current-schema-id",
  },
  "add-encryption-key": {
    apply: (draft, { encryptionKey }) => addEncryptionKey(draft, encryptionKey),
    toJson: ({ encryptionKey }) => ({ "encryption-key": encryptionKeyToJson(encryptionKey) }),
    fromJson: (node) => ({ encryptionKey: encryptionKeyFromJson(node.get("encryption-key")) }),
  },
  "remove-encryption-key": {
    apply: (draft, { keyId }) => removeEncryptionKey(draft, keyId),
    toJson: ({ keyId }) => ({ "key-id": keyId }),
    fromJson: (node) => ({ keyId: node.get("key-id").string() }),
  },
};

/** The definition of an update's action. */
export function definitionOf({ action }: TableUpdate): UpdateDefinition {
  return UPDATES[action] as UpdateDefinition;
}
