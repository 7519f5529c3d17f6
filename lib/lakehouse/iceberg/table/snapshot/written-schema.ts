import { commitConflict } from "../../errors.js";
import { currentSchema, isAncestorOf } from "../../model/metadata/lookup.js";
import type { FormatVersion, TableMetadata } from "../../model/metadata/types.js";
import { canPromote } from "../../model/types/promotion.js";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type { IcebergType, NestedField } from "../../model/types/types.js";

/**
 * Whether rows may come to a table whose schema has changed since they were written: they have to be what they would be, had they
 * come before the change. After one that evolves the schema they are, unless it made a column required. To a table
 * that was replaced meanwhile (CREATE OR REPLACE) they came too late, and would be there without the columns that it lost.
 *
 * @param written the table as it was when the rows were written.
 * @param branch that they come to.
 * @throws LakehouseError COMMIT_CONFLICT
 */
export function validateWrittenSchema(written: TableMetadata, base: TableMetadata, branch: string): void {
  if (written.currentSchemaId === base.currentSchemaId) return;
  const headOf = ({ refs }: TableMetadata) =>
    Object.hasOwn(refs, branch) ? refs[branch]?.snapshotId : undefined;
  const start = headOf(written);
  const isEvolved = start !== undefined && isAncestorOf(base, headOf(base), start);
  const change = changeOf(currentSchema(written).fields, currentSchema(base).fields, {
    formatVersion: base.formatVersion,
    mayLose: isEvolved,
  });
  if (change === undefined) return;
  throw commitConflict(
    base.location,
    `The columns of the table have changed since the rows were written: ${change}.`,
    "Write the rows again to the refreshed table.",
  );
}

interface Allowed {
  readonly formatVersion: FormatVersion;
  /** Whether columns may be gone that the rows have. */
  readonly mayLose: boolean;
}

/** What is in the way of rows, if something is. */
function changeOf(
  written: readonly NestedField[],
  now: readonly NestedField[],
  allowed: Allowed,
): string | undefined {
  for (const field of written) {
    const is = now.find(({ id }) => id === field.id);
    const change = is === undefined ? undefined : typeChange(field.type, is.type, allowed);
    const quoted = JSON.stringify(field.name);
    if (is === undefined && !allowed.mayLose) return `${quoted} is gone`;
    if (is?.required && !field.required) return `${quoted} is required now`;
    if (change !== undefined) return `${quoted} ${change}`;
  }
  const added = now.find(
    ({ id, required, initialDefault }) =>
      required && (initialDefault ?? null) === null && !written.some((field) => field.id === id),
  );
  return added && `${JSON.stringify(added.name)} is required, and new`;
}

function typeChange(written: IcebergType, now: IcebergType, allowed: Allowed): string | undefined {
  if (isPrimitiveType(written) || isPrimitiveType(now) || written.type !== now.type)
    return canPromote(written, now, allowed.formatVersion) ? undefined : "has another type";
  const inner = changeOf(partsOf(written), partsOf(now), allowed);
  return inner && `has changed within: ${inner}`;
}

function partsOf(type: IcebergType): readonly NestedField[] {
  if (isPrimitiveType(type)) return [];
  switch (type.type) {
    case "struct":
      return type.fields;
    case "list":
      return [{ id: type.elementId, name: "element", required: type.elementRequired, type: type.element }];
    case "map":
      return [
        { id: type.keyId, name: "key", required: true, type: type.key },
        { id: type.valueId, name: "value", required: type.valueRequired, type: type.value },
      ];
  }
}
