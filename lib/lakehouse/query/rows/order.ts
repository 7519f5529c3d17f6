import {
  type FieldId,
  invalidSchema,
  type NestedField,
  type RowOrder,
  type SortField,
} from "../../iceberg/index.js";
import { fieldSql } from "../text/names.js";

/**
 * A SELECT of rows in an order.
 *
 * @param names the columns to select.
 * @param rows from FROM on.
 * @param fields the columns of the relation, in which those of the order are looked up.
 */
export function orderedSql(
  names: string,
  rows: string,
  order: RowOrder,
  fields: readonly NestedField[],
): string {
  if (order.kind === "sort") {
    const terms = order.fields.map((field) => termSql(field, columnSql(fields, field.sourceIds[0])));
    return `SELECT ${names} ${rows} ORDER BY ${terms.join(", ")}`;
  }
  const columns = order.columns.map((id) => columnSql(fields, id));
  const ranks = columns.map(
    (column, i) => `rank() OVER (ORDER BY ${column} ASC NULLS FIRST) - 1 AS ${rankName(i)}`,
  );
  const ranked = `SELECT *, ${ranks.join(", ")}, count(*) OVER () AS z_count ${rows}`;
  return `SELECT ${names} FROM (${ranked}) ORDER BY ${curveSql(columns.length)}`;
}

function columnSql(fields: readonly NestedField[], id: FieldId): string {
  const sql = fieldSql(fields, id);
  if (sql !== undefined) return sql;
  throw invalidSchema(String(id), `Rows cannot be put in order by the column ${id}, which the schema lacks.`);
}

function termSql({ transform, direction, nullOrder }: SortField, column: string): string {
  const value =
    transform.transform === "identity" ? column : `date_trunc('${transform.transform}', ${column})`;
  const nulls = nullOrder === "nulls-first" ? "NULLS FIRST" : "NULLS LAST";
  return `${value} ${direction === "asc" ? "ASC" : "DESC"} ${nulls}`;
}

/** A relation's columns are `c1`, `m_pos` and the like. */
const rankName = (column: number): string => `z_${column}`;

/** Bits of the place on the curve: what BIGINT holds without its sign. */
const CURVE_BITS = 62;
/** Bits of a column's rank that count at most: as many steps tell rows of one file apart well enough. */
const RANK_BITS = 16;

/**
 * The place of a row on the Z-order curve: the bits of the columns' ranks in turn, the highest first. Ranks and not
 * values, so that columns of any type and spread count alike.
 */
function curveSql(columns: number): string {
  const bits = Math.max(1, Math.min(RANK_BITS, Math.floor(CURVE_BITS / columns)));
  const parts: string[] = [];
  for (let column = 0; column < columns; column++) {
    const rank = `(${rankName(column)} * ${2 ** bits} // z_count)`;
    for (let bit = 0; bit < bits; bit++) {
      const place = bit * columns + (columns - 1 - column);
      parts.push(`(((${rank} >> ${bit}) & 1) << ${place})`);
    }
  }
  return parts.join(" + ");
}
