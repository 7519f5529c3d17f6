import { LakehouseError } from "../errors.js";
import {
  allFields,
  type BoundExpression,
  type IcebergType,
  locateById,
  type NestedField,
  referencedFieldIds,
  type TableScan,
} from "../iceberg/index.js";

/** The columns of a scan as SQL sees them. */
export interface ScanColumns {
  /** The scan's columns, and after them those that only its filter needs. */
  readonly fields: readonly NestedField[];
  /** The filter with the names that `fields` have. */
  readonly filter: BoundExpression;
}

/** The fields to read for a scan, under names that DuckDB can tell apart. */
export function scanColumns(scan: TableScan, filter: BoundExpression): ScanColumns {
  return distinctNames(neededFields(scan, referencedFieldIds(filter)), filter);
}

/** DuckDB ignores case in names, Iceberg does not: where that makes a difference, fields are named by id. */
export function distinctNames(fields: readonly NestedField[], filter: BoundExpression): ScanColumns {
  if (!differByCaseAlone(fields)) return { fields, filter };
  const renamed = namedById(fields);
  return { fields: renamed, filter: renameFilter(filter, renamed) };
}

/** All columns of the table, the scan's own first: for a filter in SQL, which may name any. */
export function allColumns(scan: TableScan): readonly NestedField[] {
  const fields = neededFields(scan, new Set([...allFields(scan.tableSchema)].map(({ field }) => field.id)));
  if (!differByCaseAlone(fields)) return fields;
  throw new LakehouseError({
    code: "UNSUPPORTED_FEATURE",
    subject: "filter",
    message: "Columns of this table differ by case alone, which this filter could not tell apart.",
    remedy: "Use comparisons, IN, BETWEEN, LIKE 'prefix%', IS NULL, AND, OR, NOT.",
  });
}

function neededFields(scan: TableScan, used: ReadonlySet<number>): NestedField[] {
  const needed = scan.tableSchema.fields.filter((field) =>
    [...allFields({ fields: [field] })].some((location) => used.has(location.field.id)),
  );
  const fields = [...scan.schema.fields];
  for (const field of needed) {
    const selected = fields.find(({ id }) => id === field.id);
    if (!selected) fields.push(field);
    else if (!covers(selected, field, used)) {
      throw new LakehouseError({
        code: "UNSUPPORTED_FEATURE",
        subject: field.name,
        message: `The scan selects a part of ${field.name} and filters by another part of it.`,
        remedy: `Select ${field.name} whole.`,
      });
    }
  }
  return fields;
}

/** Whether the selected part of a column has all of it that the filter uses. */
function covers(selected: NestedField, whole: NestedField, used: ReadonlySet<number>): boolean {
  return [...allFields({ fields: [whole] })].every(
    ({ field }) => !used.has(field.id) || locateById({ fields: [selected] }, field.id) !== undefined,
  );
}

function differByCaseAlone(fields: readonly NestedField[]): boolean {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()));
  return names.size < fields.length || fields.some(({ type }) => structsIn(type).some(differByCaseAlone));
}

function structsIn(type: IcebergType): (readonly NestedField[])[] {
  if (type.type === "struct") return [type.fields];
  if (type.type === "list") return structsIn(type.element);
  return type.type === "map" ? [...structsIn(type.key), ...structsIn(type.value)] : [];
}

function namedById(fields: readonly NestedField[]): NestedField[] {
  return fields.map((field) => ({ ...field, name: `c${field.id}`, type: typeNamedById(field.type) }));
}

function typeNamedById(type: IcebergType): IcebergType {
  if (type.type === "struct") return { ...type, fields: namedById(type.fields) };
  if (type.type === "list") return { ...type, element: typeNamedById(type.element) };
  if (type.type === "map") return { ...type, key: typeNamedById(type.key), value: typeNamedById(type.value) };
  return type;
}

function renameFilter(filter: BoundExpression, fields: readonly NestedField[]): BoundExpression {
  if (filter.type === "and" || filter.type === "or") {
    const { type, left, right } = filter;
    return { type, left: renameFilter(left, fields), right: renameFilter(right, fields) };
  }
  if (!("term" in filter)) return filter;
  const path = locateById({ fields }, filter.term.field.id)?.path;
  return path === undefined ? filter : { ...filter, term: { ...filter.term, path } };
}
