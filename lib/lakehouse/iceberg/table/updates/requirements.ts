import { commitConflict } from "../../errors.js";

import type { TableMetadata } from "../../model/metadata/types.js";
import type { TableRequirement } from "./types.js";

/** Checks what a commit requires of the table as it is now; `undefined` for a table that is not there. Throws `COMMIT_CONFLICT`. */
export function checkRequirements(
  metadata: TableMetadata | undefined,
  requirements: readonly TableRequirement[],
): void {
  for (const requirement of requirements) {
    const problem = metadata === undefined ? problemWithout(requirement) : problemWith(metadata, requirement);
    if (problem === undefined) continue;
    throw commitConflict(
      metadata?.location ?? requirement.type,
      `The commit requires that ${problem}.`,
      "Refresh the table and make the change again.",
    );
  }
}

function problemWithout(requirement: TableRequirement): string | undefined {
  return requirement.type === "assert-create" ? undefined : "the table exists, but it does not";
}

function problemWith(metadata: TableMetadata, requirement: TableRequirement): string | undefined {
  switch (requirement.type) {
    case "assert-create":
      return "the table does not exist, but it does";
    case "assert-table-uuid":
      return same("the table's UUID", requirement.uuid.toLowerCase(), metadata.tableUuid.toLowerCase());
    case "assert-ref-snapshot-id": {
      const ref = Object.hasOwn(metadata.refs, requirement.ref) ? metadata.refs[requirement.ref] : undefined;
      const found = ref?.snapshotId ?? null;
      if (found === requirement.snapshotId) return undefined;
      const wanted =
        requirement.snapshotId === null ? "does not exist" : `is at snapshot ${requirement.snapshotId}`;
      return `"${requirement.ref}" ${wanted}, but it ${found === null ? "does not exist" : `is at snapshot ${found}`}`;
    }
    case "assert-last-assigned-field-id":
      return same("the last field id", requirement.lastAssignedFieldId, metadata.lastColumnId);
    case "assert-current-schema-id":
      return same("the current schema", requirement.currentSchemaId, metadata.currentSchemaId);
    case "assert-last-assigned-partition-id":
      return same(
        "the last partition field id",
        requirement.lastAssignedPartitionId,
        metadata.lastPartitionId,
      );
    case "assert-default-spec-id":
      return same("the default partition spec", requirement.defaultSpecId, metadata.defaultSpecId);
    case "assert-default-sort-order-id":
      return same("the default sort order", requirement.defaultSortOrderId, metadata.defaultSortOrderId);
  }
}

function same(what: string, wanted: string | number, found: string | number): string | undefined {
  return wanted === found ? undefined : `${what} is ${wanted}, but it is ${found}`;
}

/**
 * The requirements under which a list of updates may be applied to the table that it was made from: those of the
 * reference implementation for the same updates.
 */
export function requirementsFor(
  base: TableMetadata,
  updates: readonly { readonly action: string; readonly refName?: string }[],
): TableRequirement[] {
  const requirements: TableRequirement[] = [{ type: "assert-table-uuid", uuid: base.tableUuid }];
  const actions = new Set(updates.map((update) => update.action));
  const refs = new Set<string>();
  for (const update of updates)
    if (update.action === "set-snapshot-ref" && update.refName !== undefined) refs.add(update.refName);
  for (const ref of refs) {
    const snapshotId = Object.hasOwn(base.refs, ref) ? base.refs[ref]!.snapshotId : null;
    requirements.push({ type: "assert-ref-snapshot-id", ref, snapshotId });
  }
  if (actions.has("add-schema")) {
    requirements.push({ type: "assert-last-assigned-field-id", lastAssignedFieldId: base.lastColumnId });
  }
  if (actions.has("set-current-schema") || actions.has("remove-schemas")) {
    requirements.push({ type: "assert-current-schema-id", currentSchemaId: base.currentSchemaId });
  }
  if (actions.has("add-spec")) {
    requirements.push({
      type: "assert-last-assigned-partition-id",
      lastAssignedPartitionId: base.lastPartitionId,
    });
  }
  if (actions.has("set-default-spec") || actions.has("remove-partition-specs")) {
    requirements.push({ type: "assert-default-spec-id", defaultSpecId: base.defaultSpecId });
  }
  if (actions.has("set-default-sort-order")) {
    requirements.push({ type: "assert-default-sort-order-id", defaultSortOrderId: base.defaultSortOrderId });
  }
  return requirements;
}
