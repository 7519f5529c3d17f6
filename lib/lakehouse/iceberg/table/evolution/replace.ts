import { unsupported } from "../../../errors.js";
import { checkObject } from "../../../options.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import { RESERVED_PROPERTIES } from "../../model/metadata/new.js";
import { MAIN_BRANCH } from "../../model/metadata/parse.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { buildSortOrder } from "../../model/partitioning/sort-order.js";
import { buildPartitionSpec, equivalentSpecs } from "../../model/partitioning/spec.js";
import type { PartitionFieldInit, PartitionSpec, SortFieldInit } from "../../model/partitioning/types.js";
import { assignFreshIds, freshSchema } from "../../model/schema/fresh-ids.js";
import { allFields, fieldName, locateByName } from "../../model/schema/lookup.js";
import {
  DEFAULT_NAME_MAPPING,
  nameMappingFromJson,
  nameMappingToJson,
  updateNameMapping,
} from "../../model/schema/name-mapping.js";
import { validateNewNames } from "../../model/schema/reserved.js";
import { validateSchema } from "../../model/schema/validate.js";
import { sameTransform } from "../../model/transforms/transform.js";
import type { FieldId, Schema } from "../../model/types/types.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import { requirementsFor } from "../updates/requirements.js";
import type { TableUpdate } from "../updates/types.js";

/** `Name`: the columns, where the compiler knows them. */
export interface TableReplacement<Name extends string = string> {
  readonly schema: Schema;
  /** Default: unpartitioned. */
  readonly partitionSpec?: readonly PartitionFieldInit<Name>[] | undefined;
  /** Default: unsorted. */
  readonly sortOrder?: readonly SortFieldInit<Name>[] | undefined;
  /** Set on top of the properties that the table has. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/**
 * Makes another table of a table: its schema, partitioning and sort order are replaced, and it is empty. It stays the
 * same table, with its history: earlier snapshots can be read, and a branch set to them. Columns that are in both schemas
 * under one name keep their ids.
 *
 * Throws, when proposed, `INVALID_SCHEMA` or `INVALID_ARGUMENT`.
 */
export function replaceTable(replacement: TableReplacement): PendingUpdate {
  checkObject("replace", "contents", replacement);
  const { partitionSpec = [], sortOrder = [], properties = {} } = replacement;
  return {
    propose(base) {
      validateSchema(replacement.schema, base.formatVersion);
      const schema = replacementSchema(base, replacement.schema);
      validateNewNames(schema, base.schemas);
      const kept = Object.entries({ ...mappingOf(base, schema), ...properties }).filter(
        ([key]) => !RESERVED_PROPERTIES.has(key),
      );
      const updates: TableUpdate[] = [
        { action: "add-schema", schema },
        { action: "set-current-schema", schemaId: -1 },
        { action: "add-spec", spec: replacementSpec(base, schema, partitionSpec) },
        { action: "set-default-spec", specId: -1 },
        { action: "add-sort-order", sortOrder: buildSortOrder(schema, sortOrder) },
        { action: "set-default-sort-order", sortOrderId: -1 },
      ];
      if (kept.length > 0) updates.push({ action: "set-properties", updates: Object.fromEntries(kept) });
      if (Object.hasOwn(base.refs, MAIN_BRANCH)) {
        updates.push({ action: "remove-snapshot-ref", refName: MAIN_BRANCH });
      }
      return { requirements: requirementsFor(base, updates), updates };
    },
  };
}

/** The schema with the ids that the table's columns of these names have, and new ones for the others. */
function replacementSchema(base: TableMetadata, schema: Schema): Schema {
  const current = currentSchema(base);
  // Fresh ids are given in one order: where the field of the n-th stands is known from a schema that has n for its id.
  const numbered = freshSchema(schema, 0);
  const names = new Map([...allFields(numbered)].map(({ field, name }) => [field.id, name]));
  let last = base.lastColumnId;
  let number = 0;
  const nextId = (): FieldId => {
    number += 1;
    const known = locateByName(current, names.get(number) ?? "");
    if (known !== undefined) return known.field.id;
    last += 1;
    return last;
  };
  const fields = assignFreshIds(schema.fields, nextId);
  const identifierFieldIds = schema.identifierFieldIds.map(
    (id) => locateByName({ fields }, fieldName(schema, id) ?? "")?.field.id ?? id,
  );
  return { schemaId: 0, fields, identifierFieldIds };
}

/**
 * The name mapping with the new columns, where the table has one: without them, files without field ids that are adopted
 * from now on would have none of their values there. Old names stay, for the files of earlier snapshots.
 */
function mappingOf(base: TableMetadata, schema: Schema): Readonly<Record<string, string>> {
  const mapping = base.properties[DEFAULT_NAME_MAPPING];
  if (mapping === undefined) return {};
  return {
    [DEFAULT_NAME_MAPPING]: nameMappingToJson(updateNameMapping(nameMappingFromJson(mapping), schema)),
  };
}

/** The spec with the ids that equal fields of earlier specs have: they stand for the same values. */
function replacementSpec(
  base: TableMetadata,
  schema: Schema,
  init: readonly PartitionFieldInit[],
): PartitionSpec {
  const built = buildPartitionSpec(schema, init);
  const earlier = base.partitionSpecs.flatMap((spec) => spec.fields);
  if (base.formatVersion === 1) {
    if (built.fields.length > 0 && !base.partitionSpecs.some((spec) => equivalentSpecs(spec, built))) {
      throw unsupported(
        base.location,
        "In format version 1 a table cannot be replaced by one with another partitioning.",
        "Upgrade it to version 2 or 3 first.",
      );
    }
    return built;
  }
  let last = base.lastPartitionId;
  const fields = built.fields.map((field) => {
    const same = earlier.find(
      (each) => each.sourceIds[0] === field.sourceIds[0] && sameTransform(each.transform, field.transform),
    );
    if (same !== undefined) return { ...field, fieldId: same.fieldId };
    last += 1;
    return { ...field, fieldId: last };
  });
  return { ...built, fields };
}
