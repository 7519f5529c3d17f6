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
import type { CommitRequest, TableRequirement, TableUpdate } from "./types.js";

type JsonObject = { readonly [key: string]: JsonInput | undefined };

/** JSON of an update, as the REST catalog's specification spells it. */
export function updateToJson(update: TableUpdate): JsonObject {
  const { action } = update;
  switch (action) {
    case "assign-uuid":
      return { action, uuid: update.uuid };
    case "upgrade-format-version":
      return { action, "format-version": update.formatVersion };
    case "add-schema":
      return { action, schema: schemaToJson(update.schema), "last-column-id": update.lastColumnId };
    case "set-current-schema":
      return { action, "schema-id": update.schemaId };
    case "add-spec":
      return { action, spec: partitionSpecToJson(update.spec) };
    case "set-default-spec":
      return { action, "spec-id": update.specId };
    case "add-sort-order":
      return { action, "sort-order": sortOrderToJson(update.sortOrder) };
    case "set-default-sort-order":
      return { action, "sort-order-id": update.sortOrderId };
    case "add-snapshot":
      return { action, snapshot: snapshotToJson(update.snapshot) };
    case "set-snapshot-ref":
      return { action, "ref-name": update.refName, ...refToJson(update.ref) };
    case "remove-snapshots":
      return { action, "snapshot-ids": update.snapshotIds };
    case "remove-snapshot-ref":
      return { action, "ref-name": update.refName };
    case "set-location":
      return { action, location: update.location };
    case "set-properties":
      return { action, updates: update.updates };
    case "remove-properties":
      return { action, removals: update.removals };
    case "set-statistics":
      return {
        action,
        "snapshot-id": update.statistics.snapshotId,
        statistics: statisticsToJson(update.statistics),
      };
    case "remove-statistics":
    case "remove-partition-statistics":
      return { action, "snapshot-id": update.snapshotId };
    case "set-partition-statistics":
      return { action, "partition-statistics": partitionStatisticsToJson(update.partitionStatistics) };
    case "remove-partition-specs":
      return { action, "spec-ids": update.specIds };
    case "remove-schemas":
      return { action, "schema-ids": update.schemaIds };
    case "add-encryption-key":
      return { action, "encryption-key": encryptionKeyToJson(update.encryptionKey) };
    case "remove-encryption-key":
      return { action, "key-id": update.keyId };
  }
}

/** Reads an update. Fails through the node for an action that tables do not have. */
export function updateFromJson(node: JsonNode): TableUpdate {
  const action = node.get("action").string();
  switch (action) {
    case "assign-uuid":
      return { action, uuid: node.get("uuid").string() };
    case "upgrade-format-version":
      return { action, formatVersion: node.get("format-version").int() as FormatVersion };
    case "add-schema":
      return { action, schema: schemaFromJson(node.get("schema")) };
    case "set-current-schema":
      return { action, schemaId: node.get("schema-id").int() };
    case "add-spec":
      return { action, spec: partitionSpecFromJson(node.get("spec")) };
    case "set-default-spec":
      return { action, specId: node.get("spec-id").int() };
    case "add-sort-order":
      return { action, sortOrder: sortOrderFromJson(node.get("sort-order")) };
    case "set-default-sort-order":
      return { action, sortOrderId: node.get("sort-order-id").int() };
    case "add-snapshot":
      return { action, snapshot: snapshotFromJson(node.get("snapshot")) };
    case "set-snapshot-ref":
      return { action, refName: node.get("ref-name").string(), ref: refFromJson(node) };
    case "remove-snapshots":
      return {
        action,
        snapshotIds: node
          .get("snapshot-ids")
          .array()
          .map((id) => id.long()),
      };
    case "remove-snapshot-ref":
      return { action, refName: node.get("ref-name").string() };
    case "set-location":
      return { action, location: node.get("location").string() };
    case "set-properties":
      // Older clients say "updated" and "removed".
      return { action, updates: (node.optional("updates") ?? node.get("updated")).stringMap() };
    case "remove-properties": {
      const removals = node.optional("removals") ?? node.get("removed");
      return { action, removals: removals.array().map((key) => key.string()) };
    }
    case "set-statistics":
      return { action, statistics: statisticsFromJson(node.get("statistics")) };
    case "remove-statistics":
    case "remove-partition-statistics":
      return { action, snapshotId: node.get("snapshot-id").long() };
    case "set-partition-statistics":
      return { action, partitionStatistics: partitionStatisticsFromJson(node.get("partition-statistics")) };
    case "remove-partition-specs":
      return {
        action,
        specIds: node
          .get("spec-ids")
          .array()
          .map((id) => id.int()),
      };
    case "remove-schemas":
      return {
        action,
        schemaIds: node
          .get("schema-ids")
          .array()
          .map((id) => id.int()),
      };
    case "add-encryption-key":
      return { action, encryptionKey: encryptionKeyFromJson(node.get("encryption-key")) };
    case "remove-encryption-key":
      return { action, keyId: node.get("key-id").string() };
    default:
      return node.get("action").fail(`is no table update: "${action}"`);
  }
}

/** JSON of a requirement, as the REST catalog's specification spells it. */
export function requirementToJson(requirement: TableRequirement): JsonObject {
  const { type } = requirement;
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: requirement.uuid };
    case "assert-ref-snapshot-id":
      return { type, ref: requirement.ref, "snapshot-id": requirement.snapshotId };
    case "assert-last-assigned-field-id":
      return { type, "last-assigned-field-id": requirement.lastAssignedFieldId };
    case "assert-current-schema-id":
      return { type, "current-schema-id": requirement.currentSchemaId };
    case "assert-last-assigned-partition-id":
      return { type, "last-assigned-partition-id": requirement.lastAssignedPartitionId };
    case "assert-default-spec-id":
      return { type, "default-spec-id": requirement.defaultSpecId };
    case "assert-default-sort-order-id":
      return { type, "default-sort-order-id": requirement.defaultSortOrderId };
  }
}

export function requirementFromJson(node: JsonNode): TableRequirement {
  const type = node.get("type").string();
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: node.get("uuid").string() };
    case "assert-ref-snapshot-id": {
      // Null, and for older clients absence, say that the ref must not exist.
      const id = node.optional("snapshot-id");
      return { type, ref: node.get("ref").string(), snapshotId: id === undefined ? null : id.long() };
    }
    case "assert-last-assigned-field-id":
      return { type, lastAssignedFieldId: node.get("last-assigned-field-id").int() };
    case "assert-current-schema-id":
      return { type, currentSchemaId: node.get("current-schema-id").int() };
    case "assert-last-assigned-partition-id":
      return { type, lastAssignedPartitionId: node.get("last-assigned-partition-id").int() };
    case "assert-default-spec-id":
      return { type, defaultSpecId: node.get("default-spec-id").int() };
    case "assert-default-sort-order-id":
      return { type, defaultSortOrderId: node.get("default-sort-order-id").int() };
    default:
      return node.get("type").fail(`is no requirement: "${type}"`);
  }
}

/** JSON of the body of a commit: `{ requirements, updates }`. */
export function commitRequestToJson(request: Pick<CommitRequest, "requirements" | "updates">): JsonObject {
  return {
    requirements: request.requirements.map(requirementToJson),
    updates: request.updates.map(updateToJson),
  };
}

export function commitRequestFromJson(node: JsonNode): Pick<CommitRequest, "requirements" | "updates"> {
  return {
    requirements: node.optional("requirements")?.array().map(requirementFromJson) ?? [],
    updates: node.get("updates").array().map(updateFromJson),
  };
}
