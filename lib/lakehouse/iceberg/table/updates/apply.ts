import { randomUUID } from "node:crypto";
import type { MetadataLogEntry, TableMetadata } from "../../model/metadata/types.js";
import { requireWellFormed } from "../../model/values/well-formed.js";
import { checkDefinitions } from "./apply-definitions.js";
import { upkeepSnapshotLog } from "./apply-snapshots.js";
import { definitionOf } from "./definitions.js";
import { type Draft, refuse } from "./draft.js";
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
  for (const update of updates) definitionOf(update).apply(draft, update);
  return draft.changed ? finish(draft, options) : draft.metadata;
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
