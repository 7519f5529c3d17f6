import type { DataFile, MetricMap } from "../../model/metadata/manifest-types.js";
import type { SequenceNumber } from "../../model/metadata/types.js";
import { isUnpartitioned } from "../../model/partitioning/spec.js";
import type { PartitionSpec, PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import { isFloat } from "../../model/types/type-text.js";
import type { FieldId, IcebergType, PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { utf8Decode, utf8Encode } from "../../model/values/bytes.js";
import { comparatorOf, compareBytes } from "../../model/values/compare.js";
import { type Bounds, boundsFromBinary } from "../../model/values/single-value.js";
import { isDeletionVector } from "./deletion-vector.js";
import { FILE_PATH_ID } from "./reserved.js";

/** A data or delete file with its data sequence number, which is where its manifest entry keeps it. */
export interface SequencedFile {
  readonly file: DataFile;
  readonly sequenceNumber: SequenceNumber;
}

/** What the rules ask of a table. */
export interface DeleteScope {
  /** The spec of a delete file: equality deletes of an unpartitioned spec are global. */
  spec(id: SpecId): PartitionSpec;
  /** The widest type that a column has had, also of one that was dropped since; `undefined` when no schema knows it. */
  fieldType(id: FieldId): IcebergType | undefined;
}

/**
 * Whether a deletion vector must be applied to a data file (spec, "Scan Planning"): it names the file, is not
 * older, and stands in the same partition.
 */
export function deletionVectorApplies(data: SequencedFile, vector: SequencedFile): boolean {
  return (
    isDeletionVector(vector.file) &&
    vector.file.referencedDataFile === data.file.filePath &&
    data.sequenceNumber <= vector.sequenceNumber &&
    samePartition(data.file, vector.file)
  );
}

/**
 * Whether a position delete file must be applied to a data file for which there is no deletion vector (spec, "Scan
 * Planning"): same partition, not older, and, where that can be told, it holds deletes of this file.
 */
export function positionDeletesApply(data: SequencedFile, deletes: SequencedFile): boolean {
  return (
    deletes.file.content === "position-deletes" &&
    !isDeletionVector(deletes.file) &&
    data.sequenceNumber <= deletes.sequenceNumber &&
    samePartition(data.file, deletes.file) &&
    mayHoldPath(deletes.file, data.file.filePath)
  );
}

/**
 * Whether an equality delete file must be applied to a data file (spec, "Scan Planning"): it is strictly younger,
 * and in the same partition or global. A file whose metrics prove that no row can be equal is left out.
 */
export function equalityDeletesApply(
  data: SequencedFile,
  deletes: SequencedFile,
  scope: DeleteScope,
): boolean {
  return (
    deletes.file.content === "equality-deletes" &&
    data.sequenceNumber < deletes.sequenceNumber &&
    (isGlobal(deletes.file, scope) || samePartition(data.file, deletes.file)) &&
    mayHoldEqualRows(deletes.file, data.file, scope)
  );
}

/** Whether a delete file holds in every partition of every spec (spec, "Scan Planning"). */
export function isGlobal({ content, specId }: DataFile, scope: Pick<DeleteScope, "spec">): boolean {
  return content === "equality-deletes" && isUnpartitioned(scope.spec(specId));
}

/**
 * A delete file as far as it tells what the rows that it deletes are like: by its partition, and by the metrics of its
 * delete columns. The other columns that it may carry tell nothing of the rows, and positions tell nothing of values.
 */
export function asDeletedRows(deletes: DataFile): DataFile {
  const ids = new Set(deletes.content === "equality-deletes" ? deletes.equalityIds : []);
  const only = <V>(metric: MetricMap<V> | undefined): MetricMap<V> =>
    new Map(
      [...ids].flatMap((id) => {
        const value = metric?.get(id);
        return value === undefined ? [] : [[id, value] as const];
      }),
    );
  return {
    ...deletes,
    valueCounts: only(deletes.valueCounts),
    nullValueCounts: only(deletes.nullValueCounts),
    nanValueCounts: only(deletes.nanValueCounts),
    lowerBounds: only(deletes.lowerBounds),
    upperBounds: only(deletes.upperBounds),
  };
}

/** The one data file that a position delete file is about, where its entry tells: named, or as both bounds of its paths. */
export function referencedDataFile(deletes: DataFile): string | undefined {
  if (deletes.referencedDataFile !== undefined) return deletes.referencedDataFile;
  const lower = deletes.lowerBounds?.get(FILE_PATH_ID);
  const upper = deletes.upperBounds?.get(FILE_PATH_ID);
  // A bound that was cut short is no path; but a cut upper bound was also raised, so then the two differ.
  if (lower === undefined || upper === undefined || compareBytes(lower, upper) !== 0) return undefined;
  return utf8Decode(lower);
}

function mayHoldPath(deletes: DataFile, path: string): boolean {
  if (deletes.referencedDataFile !== undefined) return deletes.referencedDataFile === path;
  const lower = deletes.lowerBounds?.get(FILE_PATH_ID);
  const upper = deletes.upperBounds?.get(FILE_PATH_ID);
  if (lower === undefined && upper === undefined) return true;
  const bytes = utf8Encode(path);
  return (
    (lower === undefined || compareBytes(bytes, lower) >= 0) &&
    (upper === undefined || compareBytes(bytes, upper) <= 0)
  );
}

/** Only the delete columns tell: what else a delete file carries is no part of the match. */
function mayHoldEqualRows(deletes: DataFile, data: DataFile, scope: DeleteScope): boolean {
  return (deletes.equalityIds ?? []).every((id) => {
    const type = scope.fieldType(id);
    return type === undefined || isNested(type) || mayBeEqual(deletes, data, id, type);
  });
}

/**
 * False only when the metrics prove that no value of the column, null included, is in both files. A data file without
 * the column has no metrics of it: the value that its rows have by projection is for the reader to compare.
 */
function mayBeEqual(deletes: DataFile, data: DataFile, id: FieldId, type: PrimitiveType): boolean {
  const deleteNulls = deletes.nullValueCounts?.get(id);
  const dataNulls = data.nullValueCounts?.get(id);
  if (deleteNulls !== 0n && dataNulls !== 0n) return true;
  // From here on one side has no null, so only values can be equal.
  if (isAll(deleteNulls, deletes, id) || isAll(dataNulls, data, id)) return false;
  // Bounds say nothing of NaN, and a float's zeros have two forms.
  if (isFloat(type)) return true;
  const deleted = boundsOf(deletes, id, type);
  const stored = boundsOf(data, id, type);
  const compare = comparatorOf(type);
  const above = (a: PrimitiveValue | undefined, b: PrimitiveValue | undefined): boolean =>
    a !== undefined && b !== undefined && compare(a, b) > 0;
  return !above(deleted.lower, stored.upper) && !above(stored.lower, deleted.upper);
}

function boundsOf({ lowerBounds, upperBounds }: DataFile, id: FieldId, type: PrimitiveType): Bounds {
  return boundsFromBinary(type, lowerBounds?.get(id), upperBounds?.get(id));
}

function isAll(count: bigint | undefined, file: DataFile, id: FieldId): boolean {
  const values = file.valueCounts?.get(id);
  return count !== undefined && values !== undefined && values > 0n && count === values;
}

function isNested(type: IcebergType): type is Exclude<IcebergType, PrimitiveType> {
  return type.type === "struct" || type.type === "list" || type.type === "map";
}

/** Whether two files stand in the same partition of the same spec. */
export function samePartition(a: DataFile, b: DataFile): boolean {
  return (
    a.specId === b.specId &&
    (a.partition === b.partition ||
      partitionKey(a.specId, a.partition) === partitionKey(b.specId, b.partition))
  );
}

/**
 * A map key for a partition: equal exactly for equal spec ids and equal values. Floats are equal when their bits
 * are, with one NaN (spec, "Scan Planning", note 3).
 */
export function partitionKey(specId: SpecId, partition: PartitionTuple): string {
  let key = `${specId}`;
  for (const value of partition) {
    let text: string;
    if (value === null) text = "";
    else if (value instanceof Uint8Array) text = `x${Buffer.from(value).toString("latin1")}`;
    else text = `v${Object.is(value, -0) ? "-0" : value}`;
    key += `,${text.length}:${text}`;
  }
  return key;
}
