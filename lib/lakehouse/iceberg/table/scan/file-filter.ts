import { type ResolvedSpec, type SpecsById, specOf } from "../../files/manifest/specs.js";
import { bind, unbind } from "../../model/expressions/bind.js";
import { partitionFilter } from "../../model/expressions/evaluate.js";
import {
  inclusiveMetricsEvaluator,
  manifestEvaluator,
  strictMetricsEvaluator,
} from "../../model/expressions/metrics.js";
import { inclusiveProjection } from "../../model/expressions/project.js";
import { residualEvaluator } from "../../model/expressions/residual.js";
import type { BoundExpression, Expression } from "../../model/expressions/types.js";
import type { DataFile, FieldSummary, FileBrief, ManifestFile } from "../../model/metadata/manifest-types.js";
import { partitionFieldType } from "../../model/partitioning/spec.js";
import type { PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import { sameType } from "../../model/types/type-text.js";
import type { PrimitiveType, Schema } from "../../model/types/types.js";

/**
 * A row filter, asked of manifests and files. Every answer but a proof is "may match": pruning never changes a result.
 */
export interface FileFilter {
  /** False when it is true of every row: there is nothing to leave out. */
  readonly selective: boolean;
  /** False when the manifest's partition summaries prove that none of its files matches. */
  mayMatchManifest(manifest: ManifestFile): boolean;
  /** False when the file's partition or metrics prove that none of its rows matches. */
  mayMatchFile(file: FileBrief): boolean;
  /** True when the file's partition or metrics prove that all of its rows match. */
  matchesWholly(file: DataFile): boolean;
  /** What is left to be checked of each row once the file's partition is known. */
  residual(file: DataFile): Expression;
}

/** What the filter says of the partitions of one spec. */
interface SpecFilter {
  manifest(partitions: readonly FieldSummary[] | undefined): boolean;
  partition(file: Pick<FileBrief, "partition">): boolean;
  residual(tuple: PartitionTuple): BoundExpression;
}

const TRUE: Expression = { type: "true" };
const ALL: FileFilter = {
  selective: false,
  mayMatchManifest: () => true,
  mayMatchFile: () => true,
  matchesWholly: () => true,
  residual: () => TRUE,
};

/**
 * The filter, bound to a schema and projected on each partition spec as it is met (spec, "Scan Planning").
 *
 * @throws LakehouseError INVALID_EXPRESSION when it does not fit the schema.
 */
export function fileFilter(
  filter: Expression,
  schema: Schema,
  specs: SpecsById,
  caseSensitive: boolean,
): FileFilter {
  const bound = bind(schema, filter, { caseSensitive });
  if (bound.type === "true") return ALL;
  const mayMatch = inclusiveMetricsEvaluator(bound);
  const mustMatch = strictMetricsEvaluator(bound);
  const bySpec = new Map<SpecId, SpecFilter>();
  const unbound = new Map<BoundExpression, Expression>();
  const of = (specId: SpecId, subject: string): SpecFilter => {
    let known = bySpec.get(specId);
    if (known === undefined) {
      known = specFilter(bound, schema, specOf(specs, specId, subject));
      bySpec.set(specId, known);
    }
    return known;
  };
  return {
    selective: true,
    mayMatchManifest: (manifest) =>
      of(manifest.partitionSpecId, manifest.manifestPath).manifest(manifest.partitions),
    mayMatchFile: (file) => of(file.specId, "A manifest").partition(file) && mayMatch(file),
    matchesWholly: (file) =>
      of(file.specId, file.filePath).residual(file.partition).type === "true" || mustMatch(file),
    residual: (file) => {
      const residual = of(file.specId, file.filePath).residual(file.partition);
      let expression = unbound.get(residual);
      if (expression === undefined) {
        expression = unbind(residual);
        unbound.set(residual, expression);
      }
      return expression;
    },
  };
}

function specFilter(bound: BoundExpression, schema: Schema, { spec, types }: ResolvedSpec): SpecFilter {
  // Tuples are in the types of the table as it is now. An older schema may know a column by a narrower type, or not
  // at all; its literals would not compare, so such a spec prunes nothing.
  const comparable = spec.fields.every((field, i) => {
    const type = partitionFieldType(field, schema);
    return type.type === "unknown" || sameType(type, types[i] as PrimitiveType);
  });
  if (spec.fields.length === 0 || !comparable) {
    return { manifest: () => true, partition: () => true, residual: () => bound };
  }
  const projection = inclusiveProjection(spec, schema)(bound);
  const test = partitionFilter(projection, spec);
  return {
    manifest: manifestEvaluator(projection, spec, schema),
    // A tuple is decoded when it is asked for.
    partition: projection.type === "true" ? () => true : (file) => test(file.partition),
    residual: residualEvaluator(bound, spec, schema),
  };
}
