import { invalidMetadata } from "../../../errors.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { escapePathPart } from "../../model/partitioning/spec.js";
import type { PartitionSpec, PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import { fieldById } from "../../model/schema/lookup.js";
import { canTransform, humanPartitionValue, transformResultType } from "../../model/transforms/transform.js";
import type { NestedField, PrimitiveType, StructType } from "../../model/types/types.js";

/** A partition spec with the types of its values. */
export interface ResolvedSpec {
  readonly spec: PartitionSpec;
  /** Type of each partition value, in the spec's order. */
  readonly types: readonly PrimitiveType[];
  /** The partition struct, as manifests store it. */
  readonly struct: StructType;
}

/** The specs of a table, by id, with their types resolved. */
export type SpecsById = ReadonlyMap<SpecId, ResolvedSpec>;

interface Resolution extends Pick<TableMetadata, "schemas" | "currentSchemaId"> {
  readonly specs: SpecsById;
}

/** Kept from one version of the metadata to the next, as long as specs and schemas are the same. */
const resolved = new WeakMap<TableMetadata["partitionSpecs"], Resolution>();

/**
 * All partition specs of a table. A source column that was dropped since is looked up in the older schemas, newest
 * first; one that is in none reads as a string and filters nothing.
 */
export function specsById(metadata: TableMetadata): SpecsById {
  const { partitionSpecs, schemas, currentSchemaId } = metadata;
  const known = resolved.get(partitionSpecs);
  if (known?.schemas === schemas && known.currentSchemaId === currentSchemaId) return known.specs;
  const specs = new Map(partitionSpecs.map((spec) => [spec.specId, resolveSpec(spec, metadata)]));
  resolved.set(partitionSpecs, { schemas, currentSchemaId, specs });
  return specs;
}

function resolveSpec(spec: PartitionSpec, metadata: TableMetadata): ResolvedSpec {
  const current = metadata.schemas.filter((schema) => schema.schemaId === metadata.currentSchemaId);
  const schemas = [...current, ...metadata.schemas.toReversed()];
  const types = spec.fields.map((field): PrimitiveType => {
    for (const schema of schemas) {
      const source = fieldById(schema, field.sourceIds[0]);
      if (source !== undefined && canTransform(field.transform, source.type)) {
        return transformResultType(field.transform, source.type);
      }
    }
    return { type: "string" };
  });
  return {
    spec,
    types,
    struct: {
      type: "struct",
      fields: spec.fields.map(
        (field, i): NestedField => ({
          id: field.fieldId as number,
          name: field.name,
          required: false,
          type: types[i] as PrimitiveType,
        }),
      ),
    },
  };
}

/** @throws LakehouseError INVALID_METADATA when the table has no such spec. */
export function specOf(specs: SpecsById, specId: SpecId, subject: string): ResolvedSpec {
  const spec = specs.get(specId);
  if (spec === undefined) {
    throw invalidMetadata(
      subject,
      `${subject} uses partition spec ${specId}, which the table's metadata does not list.`,
    );
  }
  return spec;
}

/** The path of a partition: `date_day=2001-01-01/origin=ATL`, each part escaped; empty when there are no fields. */
export function partitionPath({ spec, types }: ResolvedSpec, tuple: PartitionTuple): string {
  return spec.fields
    .map((field, i) => {
      const value = humanPartitionValue(field.transform, types[i] as PrimitiveType, tuple[i] ?? null);
      return `${escapePathPart(field.name)}=${escapePathPart(value)}`;
    })
    .join("/");
}
