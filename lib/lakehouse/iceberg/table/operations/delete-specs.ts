import { invalidArgument, type LakehouseError } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import { commitConflict } from "../../errors.js";
import { readManifests } from "../../files/manifest/list.js";
import { type ResolvedSpec, specOf, specsById } from "../../files/manifest/specs.js";
import { snapshotByRef } from "../../model/metadata/lookup.js";
import type { Snapshot, TableMetadata } from "../../model/metadata/types.js";
import { isUnpartitioned } from "../../model/partitioning/spec.js";
import type { PartitionField, SpecId } from "../../model/partitioning/types.js";
import { locateById } from "../../model/schema/lookup.js";
import type { FieldId, Schema } from "../../model/types/types.js";
import type { TableState } from "./file-change.js";

/**
 * The specs to write deletes in, so that they reach every row: a delete holds in its own partition of its own spec only,
 * and one without a partition in all. Rows may stand in specs that were the table's before.
 */
export async function reachingSpecs(
  { store, metadata }: TableState,
  schema: Schema,
  ids: readonly FieldId[],
  ref: string,
): Promise<readonly ResolvedSpec[]> {
  if (metadata.formatVersion === 1) throw refusedKey("Tables of format version 1 have no delete files");
  const specs = specsById(metadata);
  const used = await specsInUse(store, snapshotByRef(metadata, ref));
  const reached = [...new Set([metadata.defaultSpecId, ...used])].map((id) =>
    specOf(specs, id, metadata.location),
  );
  const everywhere = reached.find(({ spec }) => isUnpartitioned(spec));
  if (everywhere !== undefined) return [everywhere];
  const untold = reached.flatMap(({ spec }) => spec.fields).find((field) => !isTold(field, ids));
  if (untold === undefined) return reached;
  const unpartitioned = [...specs.values()].find(({ spec }) => isUnpartitioned(spec));
  if (unpartitioned !== undefined) return [unpartitioned];
  const source = locateById(schema, untold.sourceIds[0])?.name ?? untold.name;
  throw refusedKey(`The table is partitioned by ${source}, which is no part of the key`);
}

/** Whether the key tells a partition value: then equal keys are in one partition. */
function isTold({ sourceIds, transform }: PartitionField, ids: readonly FieldId[]): boolean {
  if (transform.transform === "unknown") return false;
  return transform.transform === "void" || sourceIds.every((id) => ids.includes(id));
}

/** @throws LakehouseError COMMIT_CONFLICT when rows have come into a spec that the deletes do not reach. */
export async function validateReach(
  store: ObjectStore,
  base: TableMetadata,
  parent: Snapshot | undefined,
  reach: readonly ResolvedSpec[],
): Promise<void> {
  if (reach.some(({ spec }) => isUnpartitioned(spec))) return;
  const reached = new Set(reach.map(({ spec }) => spec.specId));
  for (const id of await specsInUse(store, parent)) {
    if (reached.has(id)) continue;
    throw commitConflict(
      base.location,
      `Another commit added rows in partition spec ${id}, which these deletes do not reach.`,
      "Run the change again on the refreshed table.",
    );
  }
}

/** The specs that a snapshot has data files in. */
async function specsInUse(store: ObjectStore, snapshot: Snapshot | undefined): Promise<Set<SpecId>> {
  const manifests = snapshot === undefined ? [] : await readManifests(store, snapshot);
  const data = manifests.filter(
    ({ content, addedFilesCount, existingFilesCount }) =>
      content === "data" && (addedFilesCount !== 0 || existingFilesCount !== 0),
  );
  return new Set(data.map(({ partitionSpecId }) => partitionSpecId));
}

export function refusedKey(problem: string): LakehouseError {
  return invalidArgument("on", `${problem}.`, "Name the key's columns in `on`, or delete by a filter.");
}
