import { invalidArgument, unsupported } from "../../../errors.js";
import type { JsonInput, JsonNode } from "../json.js";
import { columnsRemedy, locateById, locateByName } from "../schema/lookup.js";
import { definitionOf } from "../transforms/table.js";
import {
  canTransform,
  humanPartitionValue,
  parseTransform,
  sameTransform,
  transformFunction,
  transformToString,
} from "../transforms/transform.js";
import { isPrimitiveType, typeToString } from "../types/type-text.js";
import type { NestedField, PrimitiveType, PrimitiveValue, Schema, StructType } from "../types/types.js";
import type {
  PartitionField,
  PartitionFieldInit,
  PartitionSpec,
  PartitionTuple,
  SourceIds,
  SpecId,
} from "./types.js";

/** Ids of partition fields start here. */
export const PARTITION_FIELD_ID_START = 1000;

/** True for a spec that gives one partition to all rows: without fields, or with void ones only. */
export function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform.transform === "void");
}

function init<Name extends string>(
  source: Name,
  transform: PartitionFieldInit["transform"],
  name?: string,
): PartitionFieldInit<Name> {
  return { kind: "partition-field", source, transform, name };
}

/** Partitions by the value itself. */
export const identity = <Name extends string>(source: Name, name?: string) =>
  init(source, { transform: "identity" }, name);
/** Partitions by hash, into `numBuckets`. */
export const bucket = <Name extends string>(source: Name, numBuckets: number, name?: string) =>
  init(source, { transform: "bucket", numBuckets: positive(numBuckets, "number of buckets") }, name);
/** Partitions by prefix (text, binary) or by steps of `width` (numbers). */
export const truncate = <Name extends string>(source: Name, width: number, name?: string) =>
  init(source, { transform: "truncate", width: positive(width, "width") }, name);
export const year = <Name extends string>(source: Name, name?: string) =>
  init(source, { transform: "year" }, name);
export const month = <Name extends string>(source: Name, name?: string) =>
  init(source, { transform: "month" }, name);
export const day = <Name extends string>(source: Name, name?: string) =>
  init(source, { transform: "day" }, name);
export const hour = <Name extends string>(source: Name, name?: string) =>
  init(source, { transform: "hour" }, name);
/** Always null: a field that partitions nothing. */
export const voidTransform = <Name extends string>(source: Name, name?: string) =>
  init(source, { transform: "void" }, name);

function positive(value: number, what: string): number {
  if (Number.isInteger(value) && value > 0 && value <= 0x7fffffff) return value;
  throw invalidArgument(
    String(value),
    `The ${what} of a transform must be a positive 32-bit integer, not ${value}.`,
  );
}

/** The name that a partition field gets when none is given, as in the reference: `date_day`, `id_bucket`. */
export function defaultPartitionName(field: PartitionFieldInit): string {
  return field.name ?? `${field.source}${definitionOf(field.transform).suffix}`;
}

function invalid(subject: string, message: string, remedy?: string): never {
  throw invalidArgument(subject, message, remedy);
}

/** Binds partition fields to a schema, with ids from 1000 up. Throws `INVALID_ARGUMENT`. */
export function buildPartitionSpec(
  schema: Schema,
  fields: readonly PartitionFieldInit[],
  specId: SpecId = 0,
): PartitionSpec {
  const spec: PartitionSpec = {
    specId,
    fields: fields.map((field, i) => {
      const location = locateByName(schema, field.source);
      if (location === undefined) {
        return invalid(
          field.source,
          `There is no column "${field.source}" to partition by.`,
          columnsRemedy(schema),
        );
      }
      return {
        sourceIds: [location.field.id],
        fieldId: PARTITION_FIELD_ID_START + i,
        name: defaultPartitionName(field),
        transform: field.transform,
      };
    }),
  };
  validatePartitionSpec(spec, schema);
  return spec;
}

/** Two time transforms of one column say the same thing at two sizes, so they count as one here. */
function redundancyKey(field: PartitionField): string {
  const { family } = definitionOf(field.transform);
  return `${field.sourceIds.join(",")}:${family === "own" ? transformToString(field.transform) : family}`;
}

/**
 * Checks a spec that is to be written against the schema: sources exist, are primitives outside lists and maps, and
 * suit the transform; names are unique and clash with no column; no field is redundant. Throws `INVALID_ARGUMENT`.
 */
export function validatePartitionSpec(spec: PartitionSpec, schema: Schema): void {
  const names = new Set<string>();
  const keys = new Set<string>();
  const ids = new Set<number>();
  for (const field of spec.fields) {
    const { name, transform } = field;
    if (name === "") invalid(name, "A partition field cannot have an empty name.");
    if (names.has(name)) invalid(name, `There are two partition fields "${name}".`);
    names.add(name);
    if (ids.has(field.fieldId)) invalid(name, `Two partition fields have the id ${field.fieldId}.`);
    ids.add(field.fieldId);
    if (transform.transform === "void") continue;
    for (const id of field.sourceIds) checkSource(field, id, schema);
    const column = locateByName(schema, name);
    if (
      column !== undefined &&
      !(transform.transform === "identity" && column.field.id === field.sourceIds[0])
    ) {
      invalid(name, `The partition field "${name}" has the name of a column that is not its source.`);
    }
    const key = redundancyKey(field);
    if (keys.has(key)) invalid(name, `The partition field "${name}" repeats another of the same column.`);
    keys.add(key);
  }
}

function checkSource(field: PartitionField, id: number, schema: Schema): void {
  const location = locateById(schema, id);
  if (location === undefined) {
    invalid(field.name, `The source column ${id} of "${field.name}" does not exist.`);
  }
  if (location.path === undefined) {
    invalid(field.name, `The source "${location.name}" of "${field.name}" is inside a list or map.`);
  }
  if (!canTransform(field.transform, location.field.type)) {
    const type = typeToString(location.field.type);
    invalid(
      field.name,
      `${transformToString(field.transform)} cannot be applied to "${location.name}" of type ${type}.`,
    );
  }
}

/** Type of a field's partition values; `unknown` where its source is no longer in the schema. */
export function partitionFieldType(field: PartitionField, schema: Schema): PrimitiveType {
  const source = locateById(schema, field.sourceIds[0])?.field.type;
  const { result, takes } = definitionOf(field.transform);
  return result(source !== undefined && isPrimitiveType(source) && takes(source) ? source : undefined);
}

/** The struct of a spec's partition tuples: one optional field per partition field, under its id. */
export function partitionType(spec: PartitionSpec, schema: Schema): StructType {
  const fields = spec.fields.map(
    (field): NestedField => ({
      id: field.fieldId as number,
      name: field.name,
      required: false,
      type: partitionFieldType(field, schema),
    }),
  );
  return { type: "struct", fields };
}

/**
 * A function that gives the partition tuple of a row. It is given the canonical value of each source column, looked
 * up by id. Throws `UNSUPPORTED_FEATURE` for a spec with an unknown transform, which nobody may write with.
 */
export function partitioner(
  spec: PartitionSpec,
  schema: Schema,
): (value: (sourceId: number) => PrimitiveValue | null) => PartitionTuple {
  const parts = spec.fields.map((field) => {
    refuseUnknown(field);
    const source = locateById(schema, field.sourceIds[0])?.field.type;
    if (field.transform.transform === "void" || source === undefined) return undefined;
    return { id: field.sourceIds[0], apply: transformFunction(field.transform, source) };
  });
  return (value) => parts.map((part) => (part === undefined ? null : part.apply(value(part.id))));
}

export function refuseUnknown(field: PartitionField): void {
  if (field.transform.transform !== "unknown" && field.sourceIds.length === 1) return;
  throw unsupported(
    field.name,
    `Cannot write with the partition field "${field.name}": its transform ${transformToString(field.transform)} is not known.`,
    "Evolve the table to a spec without it.",
  );
}

/** The path of a partition as the reference writes it: `date_day=2001-01-01/origin=ATL`, each part escaped; empty when unpartitioned. */
export function partitionToPath(spec: PartitionSpec, schema: Schema, tuple: PartitionTuple): string {
  const parts = spec.fields.map((field, i) => {
    const value = humanPartitionValue(field.transform, partitionFieldType(field, schema), tuple[i] ?? null);
    return `${escapePathPart(field.name)}=${escapePathPart(value)}`;
  });
  return parts.join("/");
}

/** True when specs partition alike: same sources, transforms and names in the same order (spec, "Partitioning"). Ids may differ. */
export function equivalentSpecs(a: PartitionSpec, b: PartitionSpec): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]!;
      return (
        field.name === other.name &&
        sameTransform(field.transform, other.transform) &&
        field.sourceIds.length === other.sourceIds.length &&
        field.sourceIds.every((id, j) => id === other.sourceIds[j])
      );
    })
  );
}

/** Highest partition field id of a spec; 999 when it has none. */
export function highestPartitionFieldId(spec: PartitionSpec): number {
  return spec.fields.reduce(
    (highest, field) => Math.max(highest, field.fieldId),
    PARTITION_FIELD_ID_START - 1,
  );
}

export function sourceIdsToJson(ids: SourceIds): { [key: string]: JsonInput } {
  return ids.length === 1 ? { "source-id": ids[0] } : { "source-ids": [...ids] };
}

/** v3 writers may give `source-ids` even for one source; `source-id` is read where there is no list. */
export function sourceIdsFromJson(node: JsonNode): SourceIds {
  const [first, ...rest] = node
    .optional("source-ids")
    ?.array()
    .map((id) => id.int()) ?? [node.get("source-id").int()];
  return first === undefined ? node.get("source-ids").fail("should not be empty") : [first, ...rest];
}

/** JSON of a spec's fields alone, as manifests carry it. */
export function partitionFieldsToJson(spec: PartitionSpec): readonly JsonInput[] {
  return spec.fields.map((field) => ({
    ...sourceIdsToJson(field.sourceIds),
    "field-id": field.fieldId,
    name: field.name,
    transform: transformToString(field.transform),
  }));
}

/** JSON of a spec (spec, Appendix C, "Partition Specs"). */
export function partitionSpecToJson(spec: PartitionSpec): { readonly [key: string]: JsonInput | undefined } {
  return { "spec-id": spec.specId, fields: partitionFieldsToJson(spec) };
}

/** Reads a list of partition fields. v1 left out their ids, which then count from 1000 in order. */
export function partitionFieldsFromJson(nodes: readonly JsonNode[]): PartitionField[] {
  return nodes.map((node, i) => ({
    sourceIds: sourceIdsFromJson(node),
    fieldId: node.optional("field-id")?.int() ?? PARTITION_FIELD_ID_START + i,
    name: node.get("name").string(),
    transform: parseTransform(node.get("transform").string()),
  }));
}

/** Reads a spec. Its id may be left out in requests, and is then 0. */
export function partitionSpecFromJson(node: JsonNode): PartitionSpec {
  return {
    specId: node.optional("spec-id")?.int() ?? 0,
    fields: partitionFieldsFromJson(node.get("fields").array()),
  };
}

/** Text, with lone surrogates replaced, escaped for one part of a partition path, as an HTML form would escape it: `a b/c` is `a+b%2Fc`. */
export function escapePathPart(text: string): string {
  return encodeURIComponent(Buffer.from(text, "utf8").toString("utf8"))
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
