import { randomUUID } from "node:crypto";
import { stripTrailingSlash } from "../../model/metadata/new.js";
import type { MetadataLogEntry, TableMetadata } from "../../model/metadata/types.js";
import { requireWellFormed } from "../../model/values/well-formed.js";
import {
  addSchema,
  addSortOrder,
  addSpec,
  checkDefinitions,
  removeSchemas,
  removeSpecs,
  setCurrentSchema,
  setDefaultSortOrder,
  setDefaultSpec,
} from "./apply-definitions.js";
import {
  addSnapshot,
  removeSnapshotRef,
  removeSnapshots,
  setSnapshotRef,
  upkeepSnapshotLog,
} from "./apply-snapshots.js";
import { change, type Draft, refuse } from "./draft.js";
import type { TableUpdate } from "./types.js";

/** How many earlier metadata files the log keeps; 100 unless the property says otherwise. */
export const PREVIOUS_VERSIONS_MAX = "write.metadata.previous-versions-max";

export interface ApplyOptions {
  /** Location of the metadata file that is replaced; goes into the metadata log. */
  readonly previousMetadataLocation?: string | undefined;
  /** Milliseconds from 1970; defaults to the clock. */
  readonly now?: bigint | undefined;
}

/**
 * The next version of a table's metadata. Pure: `metadata` stays as it is, and is returned itself when the updates
 * change nothing. With `undefined` the updates make a new table from nothing, as a create transaction sends them.
 *
 * Throws `INVALID_ARGUMENT` for an update that makes no sense on this table, `INVALID_SCHEMA` for a schema that its
 * version cannot have, `COMMIT_CONFLICT` for a snapshot made from an older version of the table.
 */
export function applyUpdates(
  metadata: TableMetadata | undefined,
  updates: readonly TableUpdate[],
  options: ApplyOptions = {},
): TableMetadata {
  requireWellFormed(updates);
  const draft: Draft = {
    base: metadata,
    now: options.now ?? BigInt(Date.now()),
    metadata: metadata ?? emptyMetadata(),
    changed: false,
    lastUpdatedMs: undefined,
    lastAddedSchemaId: undefined,
    lastAddedSpecId: undefined,
    lastAddedSortOrderId: undefined,
    addedSnapshots: new Set(),
    passedByMain: new Set(),
    snapshotsRemoved: false,
  };
  for (const update of updates) applyUpdate(draft, update);
  return draft.changed ? finish(draft, options) : draft.metadata;
}

function applyUpdate(draft: Draft, update: TableUpdate): void {
  const { metadata } = draft;
  switch (update.action) {
    case "assign-uuid":
      assignUuid(draft, update.uuid);
      return;
    case "upgrade-format-version":
      upgradeFormatVersion(draft, update.formatVersion);
      return;
    case "add-schema":
      addSchema(draft, update.schema);
      return;
    case "set-current-schema":
      setCurrentSchema(draft, update.schemaId);
      return;
    case "add-spec":
      addSpec(draft, update.spec);
      return;
    case "set-default-spec":
      setDefaultSpec(draft, update.specId);
      return;
    case "add-sort-order":
      addSortOrder(draft, update.sortOrder);
      return;
    case "set-default-sort-order":
      setDefaultSortOrder(draft, update.sortOrderId);
      return;
    case "add-snapshot":
      addSnapshot(draft, update.snapshot);
      return;
    case "set-snapshot-ref":
      setSnapshotRef(draft, update.refName, update.ref);
      return;
    case "remove-snapshots":
      removeSnapshots(draft, update.snapshotIds);
      return;
    case "remove-snapshot-ref":
      removeSnapshotRef(draft, update.refName);
      return;
    case "set-location":
      if (update.location !== metadata.location)
        change(draft, { location: stripTrailingSlash(update.location) });
      return;
    case "set-properties":
      if (Object.keys(update.updates).length > 0) {
        change(draft, { properties: { ...metadata.properties, ...update.updates } });
      }
      return;
    case "remove-properties": {
      const kept = Object.entries(metadata.properties).filter(([key]) => !update.removals.includes(key));
      if (update.removals.length > 0) change(draft, { properties: Object.fromEntries(kept) });
      return;
    }
    case "set-statistics": {
      const { statistics } = update;
      const others = metadata.statistics.filter((file) => file.snapshotId !== statistics.snapshotId);
      change(draft, { statistics: [...others, statistics] });
      return;
    }
    case "remove-statistics":
      change(draft, {
        statistics: metadata.statistics.filter((file) => file.snapshotId !== update.snapshotId),
      });
      return;
    case "set-partition-statistics": {
      const file = update.partitionStatistics;
      const others = metadata.partitionStatistics.filter((other) => other.snapshotId !== file.snapshotId);
      change(draft, { partitionStatistics: [...others, file] });
      return;
    }
    case "remove-partition-statistics":
      change(draft, {
        partitionStatistics: metadata.partitionStatistics.filter(
          (file) => file.snapshotId !== update.snapshotId,
        ),
      });
      return;
    case "remove-partition-specs":
      removeSpecs(draft, update.specIds);
      return;
    case "remove-schemas":
      removeSchemas(draft, update.schemaIds);
      return;
    case "add-encryption-key": {
      const known = metadata.encryptionKeys.some((key) => key.keyId === update.encryptionKey.keyId);
      if (!known) change(draft, { encryptionKeys: [...metadata.encryptionKeys, update.encryptionKey] });
      return;
    }
    case "remove-encryption-key": {
      const kept = metadata.encryptionKeys.filter((key) => key.keyId !== update.keyId);
      if (kept.length < metadata.encryptionKeys.length) change(draft, { encryptionKeys: kept });
      return;
    }
  }
}

function assignUuid(draft: Draft, uuid: string): void {
  if (draft.base !== undefined && draft.base.tableUuid !== uuid) {
    refuse(draft, `The table has the UUID ${draft.base.tableUuid}, which cannot be replaced by ${uuid}.`);
  }
  if (draft.metadata.tableUuid !== uuid) change(draft, { tableUuid: uuid });
}

function upgradeFormatVersion(draft: Draft, version: TableMetadata["formatVersion"]): void {
  const { formatVersion } = draft.metadata;
  if (version !== 1 && version !== 2 && version !== 3)
    refuse(draft, `There is no format version ${version} to upgrade to.`);
  // A table that is being made has no version to go back from.
  if (version < formatVersion && draft.base !== undefined) {
    refuse(draft, `A table of format version ${formatVersion} cannot go back to ${version}.`);
  }
  if (version !== formatVersion) change(draft, { formatVersion: version });
}

function finish(draft: Draft, options: ApplyOptions): TableMetadata {
  checkDefinitions(draft);
  if (draft.metadata.location === "") refuse(draft, "The table has no location.");
  const { base, metadata } = draft;
  return {
    ...metadata,
    lastUpdatedMs: draft.lastUpdatedMs ?? draft.now,
    snapshotLog: upkeepSnapshotLog(draft),
    metadataLog:
      base === undefined ? [] : upkeepMetadataLog(base, metadata, options.previousMetadataLocation),
  };
}

function upkeepMetadataLog(
  base: TableMetadata,
  metadata: TableMetadata,
  previous: string | undefined,
): readonly MetadataLogEntry[] {
  if (previous === undefined) return metadata.metadataLog;
  const configured = Number(metadata.properties[PREVIOUS_VERSIONS_MAX] ?? 100);
  const max = Number.isInteger(configured) && configured >= 1 ? configured : 1;
  const entry: MetadataLogEntry = { timestampMs: base.lastUpdatedMs, metadataFile: previous };
  return [...metadata.metadataLog, entry].slice(-max);
}

function emptyMetadata(): TableMetadata {
  return {
    formatVersion: 2,
    tableUuid: randomUUID(),
    location: "",
    lastSequenceNumber: 0n,
    lastUpdatedMs: 0n,
    lastColumnId: 0,
    schemas: [],
    currentSchemaId: -1,
    partitionSpecs: [],
    defaultSpecId: -1,
    lastPartitionId: 999,
    properties: {},
    currentSnapshotId: undefined,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    sortOrders: [],
    defaultSortOrderId: -1,
    refs: {},
    statistics: [],
    partitionStatistics: [],
    nextRowId: 0n,
    encryptionKeys: [],
  };
}

/** The updates that make a table of this metadata from nothing: those of a create transaction. */
export function updatesToCreate(metadata: TableMetadata): TableUpdate[] {
  const updates: TableUpdate[] = [
    { action: "assign-uuid", uuid: metadata.tableUuid },
    { action: "upgrade-format-version", formatVersion: metadata.formatVersion },
    ...metadata.schemas.map((schema): TableUpdate => ({ action: "add-schema", schema })),
    { action: "set-current-schema", schemaId: metadata.currentSchemaId },
    ...metadata.partitionSpecs.map((spec): TableUpdate => ({ action: "add-spec", spec })),
    { action: "set-default-spec", specId: metadata.defaultSpecId },
    ...metadata.sortOrders.map((sortOrder): TableUpdate => ({ action: "add-sort-order", sortOrder })),
    { action: "set-default-sort-order", sortOrderId: metadata.defaultSortOrderId },
    { action: "set-location", location: metadata.location },
    ...metadata.snapshots.map((snapshot): TableUpdate => ({ action: "add-snapshot", snapshot })),
    ...Object.entries(metadata.refs).map(
      ([refName, ref]): TableUpdate => ({ action: "set-snapshot-ref", refName, ref }),
    ),
  ];
  if (Object.keys(metadata.properties).length > 0) {
    updates.push({ action: "set-properties", updates: metadata.properties });
  }
  return updates;
}
