import { sameSortOrder, UNSORTED, validateSortOrder } from "../../model/partitioning/sort-order.js";
import {
  equivalentSpecs,
  highestPartitionFieldId,
  PARTITION_FIELD_ID_START,
  validatePartitionSpec,
} from "../../model/partitioning/spec.js";
import type { PartitionSpec, SortOrder } from "../../model/partitioning/types.js";
import { highestFieldId } from "../../model/schema/lookup.js";
import { validateNewNames } from "../../model/schema/reserved.js";
import { validateSchema } from "../../model/schema/validate.js";
import { sameType } from "../../model/types/type-text.js";
import type { Schema } from "../../model/types/types.js";
import { change, type Draft, refuse } from "./draft.js";

/** Stands for "the one that this list of updates added last". */
const LAST_ADDED = -1;

/** Adds a schema, or finds the same one among those there are: then nothing is added. */
export function addSchema(draft: Draft, schema: Schema): void {
  const { metadata } = draft;
  validateSchema(schema, metadata.formatVersion);
  validateNewNames(schema, metadata.schemas);
  const lastColumnId = Math.max(metadata.lastColumnId, highestFieldId(schema));
  const same = metadata.schemas.find((known) => sameSchema(known, schema));
  if (same !== undefined) {
    draft.lastAddedSchemaId = same.schemaId;
    if (lastColumnId > metadata.lastColumnId) change(draft, { lastColumnId });
    return;
  }
  const schemaId = metadata.schemas.reduce((next, known) => Math.max(next, known.schemaId + 1), 0);
  draft.lastAddedSchemaId = schemaId;
  change(draft, { lastColumnId, schemas: [...metadata.schemas, { ...schema, schemaId }] });
}

/** True when schemas differ in their ids only. */
export function sameSchema(a: Schema, b: Schema): boolean {
  return (
    sameType({ type: "struct", fields: a.fields }, { type: "struct", fields: b.fields }) &&
    a.identifierFieldIds.length === b.identifierFieldIds.length &&
    a.identifierFieldIds.every((id) => b.identifierFieldIds.includes(id))
  );
}

export function setCurrentSchema(draft: Draft, schemaId: number): void {
  const id = resolve(draft, schemaId, draft.lastAddedSchemaId, "schema");
  if (!draft.metadata.schemas.some((schema) => schema.schemaId === id)) {
    refuse(draft, `Cannot make schema ${id} the current one: the table has no such schema.`);
  }
  if (draft.metadata.currentSchemaId !== id) change(draft, { currentSchemaId: id });
}

function resolve(draft: Draft, id: number, lastAdded: number | undefined, what: string): number {
  if (id !== LAST_ADDED) return id;
  return lastAdded ?? refuse(draft, `Cannot set the last added ${what}: none was added.`);
}

function schemaNow(draft: Draft): Schema {
  const { schemas, currentSchemaId } = draft.metadata;
  const schema = schemas.find((candidate) => candidate.schemaId === currentSchemaId);
  return schema ?? refuse(draft, "The table has no current schema: add one first.");
}

/** Adds a partition spec, or finds an equivalent one: writers must not create it twice (spec, "Partitioning"). */
export function addSpec(draft: Draft, spec: PartitionSpec): void {
  const { metadata } = draft;
  const same = metadata.partitionSpecs.find((known) => equivalentSpecs(known, spec));
  if (same !== undefined) {
    draft.lastAddedSpecId = same.specId;
    return;
  }
  validatePartitionSpec(spec, schemaNow(draft));
  if (spec.fields.some((field) => field.transform.transform === "unknown")) {
    refuse(draft, "A partition spec with an unknown transform cannot be added: nobody may write with it.");
  }
  if (
    metadata.formatVersion === 1 &&
    spec.fields.some((field, i) => field.fieldId !== PARTITION_FIELD_ID_START + i)
  ) {
    refuse(
      draft,
      "Partition field ids must be sequential from 1000 in format version 1.",
      "Replace a dropped field by a void one.",
    );
  }
  const specId = metadata.partitionSpecs.reduce((next, known) => Math.max(next, known.specId + 1), 0);
  draft.lastAddedSpecId = specId;
  change(draft, {
    partitionSpecs: [...metadata.partitionSpecs, { ...spec, specId }],
    lastPartitionId: Math.max(metadata.lastPartitionId, highestPartitionFieldId(spec)),
  });
}

export function setDefaultSpec(draft: Draft, specId: number): void {
  const id = resolve(draft, specId, draft.lastAddedSpecId, "partition spec");
  if (!draft.metadata.partitionSpecs.some((spec) => spec.specId === id)) {
    refuse(draft, `Cannot make partition spec ${id} the default: the table has no such spec.`);
  }
  if (draft.metadata.defaultSpecId !== id) change(draft, { defaultSpecId: id });
}

/** Adds a sort order, or finds the same one; the unsorted order always has id 0. */
export function addSortOrder(draft: Draft, order: SortOrder): void {
  const { metadata } = draft;
  const same = metadata.sortOrders.find((known) => sameSortOrder(known, order));
  if (same !== undefined) {
    draft.lastAddedSortOrderId = same.orderId;
    return;
  }
  validateSortOrder(order, schemaNow(draft));
  const unsorted = order.fields.length === 0;
  const orderId = unsorted
    ? UNSORTED.orderId
    : metadata.sortOrders.reduce((next, known) => Math.max(next, known.orderId + 1), 1);
  draft.lastAddedSortOrderId = orderId;
  change(draft, { sortOrders: [...metadata.sortOrders, { ...order, orderId }] });
}

export function setDefaultSortOrder(draft: Draft, orderId: number): void {
  const id = resolve(draft, orderId, draft.lastAddedSortOrderId, "sort order");
  if (!draft.metadata.sortOrders.some((order) => order.orderId === id)) {
    refuse(draft, `Cannot make sort order ${id} the default: the table has no such order.`);
  }
  if (draft.metadata.defaultSortOrderId !== id) change(draft, { defaultSortOrderId: id });
}

export function removeSpecs(draft: Draft, specIds: readonly number[]): void {
  const { partitionSpecs, defaultSpecId } = draft.metadata;
  if (specIds.includes(defaultSpecId)) refuse(draft, "The default partition spec cannot be removed.");
  const kept = partitionSpecs.filter((spec) => !specIds.includes(spec.specId));
  if (kept.length < partitionSpecs.length) change(draft, { partitionSpecs: kept });
}

export function removeSchemas(draft: Draft, schemaIds: readonly number[]): void {
  const { schemas, currentSchemaId } = draft.metadata;
  if (schemaIds.includes(currentSchemaId)) refuse(draft, "The current schema cannot be removed.");
  const kept = schemas.filter((schema) => !schemaIds.includes(schema.schemaId));
  if (kept.length < schemas.length) change(draft, { schemas: kept });
}

/** The default spec and sort order must still fit the schema that is now current. */
export function checkDefinitions(draft: Draft): void {
  const { metadata } = draft;
  const schema = schemaNow(draft);
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === metadata.defaultSpecId);
  const order = metadata.sortOrders.find((candidate) => candidate.orderId === metadata.defaultSortOrderId);
  if (spec === undefined || order === undefined) {
    refuse(draft, "The table has no default partition spec or sort order: add them first.");
  }
  // A spec with an unknown transform may be read, and so kept.
  const known = spec.fields.filter((field) => field.transform.transform !== "unknown");
  validatePartitionSpec({ ...spec, fields: known }, schema);
  validateSortOrder(
    { ...order, fields: order.fields.filter((field) => field.transform.transform !== "unknown") },
    schema,
  );
}
