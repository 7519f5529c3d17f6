import { stripTrailingSlash } from "../../model/metadata/new.js";
import { checkProperties } from "../../model/metadata/properties.js";
import type {
  EncryptionKey,
  PartitionStatisticsFile,
  SnapshotId,
  StatisticsFile,
  TableMetadata,
} from "../../model/metadata/types.js";
import { change, type Draft, refuse } from "./draft.js";

export function assignUuid(draft: Draft, uuid: string): void {
  if (draft.base !== undefined && draft.base.tableUuid !== uuid) {
    refuse(draft, `The table has the UUID ${draft.base.tableUuid}, which cannot be replaced by ${uuid}.`);
  }
  if (draft.metadata.tableUuid !== uuid) change(draft, { tableUuid: uuid });
}

export function upgradeFormatVersion(draft: Draft, version: TableMetadata["formatVersion"]): void {
  const { formatVersion } = draft.metadata;
  if (version !== 1 && version !== 2 && version !== 3)
    refuse(draft, `There is no format version ${version} to upgrade to.`);
  // A table that is being made has no version to go back from.
  if (version < formatVersion && draft.base !== undefined) {
    refuse(draft, `A table of format version ${formatVersion} cannot go back to ${version}.`);
  }
  if (version !== formatVersion) change(draft, { formatVersion: version });
}

export function setLocation(draft: Draft, location: string): void {
  if (location !== draft.metadata.location) change(draft, { location: stripTrailingSlash(location) });
}

export function setProperties(draft: Draft, updates: Readonly<Record<string, string>>): void {
  if (Object.keys(updates).length === 0) return;
  const { properties } = draft.metadata;
  checkProperties(
    Object.fromEntries(Object.entries(updates).filter(([key, value]) => properties[key] !== value)),
  );
  change(draft, { properties: { ...properties, ...updates } });
}

export function removeProperties(draft: Draft, removals: readonly string[]): void {
  if (removals.length === 0) return;
  const kept = Object.entries(draft.metadata.properties).filter(([key]) => !removals.includes(key));
  change(draft, { properties: Object.fromEntries(kept) });
}

export function setStatistics(draft: Draft, file: StatisticsFile): void {
  const others = draft.metadata.statistics.filter(({ snapshotId }) => snapshotId !== file.snapshotId);
  change(draft, { statistics: [...others, file] });
}

export function removeStatistics(draft: Draft, id: SnapshotId): void {
  change(draft, { statistics: draft.metadata.statistics.filter(({ snapshotId }) => snapshotId !== id) });
}

export function setPartitionStatistics(draft: Draft, file: PartitionStatisticsFile): void {
  const files = draft.metadata.partitionStatistics;
  const others = files.filter(({ snapshotId }) => snapshotId !== file.snapshotId);
  change(draft, { partitionStatistics: [...others, file] });
}

export function removePartitionStatistics(draft: Draft, id: SnapshotId): void {
  const files = draft.metadata.partitionStatistics;
  change(draft, { partitionStatistics: files.filter(({ snapshotId }) => snapshotId !== id) });
}

export function addEncryptionKey(draft: Draft, added: EncryptionKey): void {
  const keys = draft.metadata.encryptionKeys;
  if (keys.some(({ keyId }) => keyId === added.keyId)) return;
  change(draft, { encryptionKeys: [...keys, added] });
}

export function removeEncryptionKey(draft: Draft, id: string): void {
  const keys = draft.metadata.encryptionKeys;
  const kept = keys.filter(({ keyId }) => keyId !== id);
  if (kept.length < keys.length) change(draft, { encryptionKeys: kept });
}
