import { invalidArgument, type LakehouseError } from "../../../errors.js";
import type { ColumnMetrics } from "../../../parquet/index.js";
import { fileMetrics } from "../../files/data/metrics.js";
import type { ResolvedSpec } from "../../files/manifest/specs.js";
import { hiveFolders } from "../../model/partitioning/hive-folders.js";
import { refuseUnknown } from "../../model/partitioning/spec.js";
import type { PartitionField, PartitionTuple } from "../../model/partitioning/types.js";
import { locateById } from "../../model/schema/lookup.js";
import { definitionOf } from "../../model/transforms/table.js";
import { transformFunction } from "../../model/transforms/transform.js";
import { isFloat, isPrimitiveType } from "../../model/types/type-text.js";
import type { FieldId, PrimitiveType, PrimitiveValue, Schema } from "../../model/types/types.js";
import { canonicalValue } from "../../model/values/canonical.js";
import { fromBinary } from "../../model/values/single-value.js";

/**
 * The partition of a file that somebody else wrote: identity fields from folders such as `origin=ATL`, all others
 * from the bounds of their column, where these leave one value.
 *
 * @param metrics of the file's columns
 * @param present the columns that the file has; what is in the file goes before what the path says of it
 */
export function inferPartition(
  uri: string,
  { spec }: ResolvedSpec,
  schema: Schema,
  metrics: readonly ColumnMetrics[],
  present: ReadonlySet<FieldId>,
): PartitionTuple {
  const folders = hiveFolders(uri);
  return spec.fields.map((field) => {
    refuseUnknown(field);
    if (field.transform.transform === "void") return null;
    const source = locateById(schema, field.sourceIds[0]);
    const type = source?.field.type;
    if (source === undefined || type === undefined || !isPrimitiveType(type)) {
      throw untold(uri, field, "its column is not in the table's schema");
    }
    const column = metrics.find(({ fieldId }) => fieldId === source.field.id);
    if (present.has(source.field.id)) return fromBounds(uri, field, type, schema, column);
    const text = folders.has(source.name) ? folders.get(source.name) : folders.get(field.name);
    if (text === undefined || field.transform.transform !== "identity") {
      throw untold(uri, field, `neither its columns nor its folders have ${source.name}`);
    }
    if (text === null) return null;
    const value = fromText(type, text);
    if (value === undefined) throw untold(uri, field, `${JSON.stringify(text)} is no ${type.type}`);
    return value;
  });
}

/**
 * Refuses a file whose folders tell a column that it does not have and that its partition does not keep: the column would
 * be read as null, or as its default. Folders whose names no column has or had say nothing of the table's rows.
 *
 * @param names all that columns have ever had, in lower case: a folder may have one of before a rename.
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function refuseUntaken(
  uri: string,
  { spec }: ResolvedSpec,
  schema: Schema,
  present: ReadonlySet<FieldId>,
  names: ReadonlyMap<FieldId, ReadonlySet<string>>,
): void {
  const kept = new Set(
    spec.fields
      .filter(({ transform }) => transform.transform === "identity")
      .map((field) => field.sourceIds[0]),
  );
  const folders = [...hiveFolders(uri).keys()].map((name) => name.toLowerCase());
  const untaken = schema.fields.find(
    ({ id }) => !present.has(id) && !kept.has(id) && folders.some((name) => names.get(id)?.has(name)),
  );
  if (untaken === undefined) return;
  throw invalidArgument(
    uri,
    `${uri} cannot be added: only the name of its folder tells its ${JSON.stringify(untaken.name)}, and the table is not partitioned by that column.`,
    `Partition the table by ${JSON.stringify(untaken.name)} itself first, or append what a query reads of the file.`,
  );
}

function fromText(type: PrimitiveType, text: string): PrimitiveValue | undefined {
  switch (type.type) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "int":
    case "long":
      return /^[+-]?\d+$/.test(text) ? canonicalValue(type, BigInt(text)) : undefined;
    case "float":
    case "double":
      // Engines write what is no number under its name, and nothing else reads as NaN.
      return /^\s*$/.test(text) || (Number.isNaN(Number(text)) && text.toLowerCase() !== "nan")
        ? undefined
        : canonicalValue(type, Number(text));
    case "timestamp":
    case "timestamptz":
      return canonicalValue(type, text.replace(" ", "T"));
    case "decimal":
    case "date":
    case "time":
    case "timestamp_ns":
    case "timestamptz_ns":
    case "string":
    case "uuid":
    case "fixed":
    case "binary":
      return canonicalValue(type, text);
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return undefined;
  }
}

function fromBounds(
  uri: string,
  field: PartitionField,
  type: PrimitiveType,
  schema: Schema,
  column: ColumnMetrics | undefined,
): PrimitiveValue | null {
  if (column?.nullCount !== undefined && column.nullCount === column.valueCount) return null;
  if (column?.nullCount !== 0n || !column.lower?.exact || !column.upper?.exact) {
    throw untold(uri, field, "the file's statistics do not tell its values");
  }
  // Bounds say nothing of NaN, which is a value of a partition of its own.
  if (isFloat(type) && column.nanCount !== 0n) {
    throw untold(uri, field, "the file's statistics do not tell whether some of its values are NaN");
  }
  const config = new Map([[column.fieldId, { mode: "full" as const }]]);
  const bounds = fileMetrics([column], schema, config);
  const transform = transformFunction(field.transform, type);
  const read = (bytes: Uint8Array | undefined) => bytes && fromBinary(type, bytes);
  const lower = read(bounds.lowerBounds?.get(column.fieldId));
  const upper = read(bounds.upperBounds?.get(column.fieldId));
  if (lower === undefined || upper === undefined) throw untold(uri, field, "its column has no bounds");
  const [first, last] = [transform(lower), transform(upper)];
  if (sameValue(lower, upper)) return first;
  // Where results wrap around, equal ones still enclose one step alone: the range is narrower than that.
  if (definitionOf(field.transform).preservesOrder && sameValue(first, last)) return first;
  throw untold(uri, field, "its rows belong to several partitions");
}

function sameValue(a: PrimitiveValue | null, b: PrimitiveValue | null): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

function untold(uri: string, field: PartitionField, problem: string): LakehouseError {
  return invalidArgument(
    uri,
    `${uri} cannot be added: its partition ${field.name} cannot be told: ${problem}.`,
    "Append its rows instead, which splits them by partition.",
  );
}
