import {
  expectedTypeText,
  type IcebergType,
  type PrimitiveType,
  parquetFit,
  parquetTypeText,
} from "../../iceberg/index.js";
import type { ParquetNode } from "../../parquet/index.js";
import { quoteString } from "../text/tokens.js";
import { parquetSqlType, sqlType } from "./sql-types.js";

/*
 * Columns whose type in a file does not fit the table's. `addFiles` refuses such files, but other engines may have added
 * them: what means the same in both types is read, a row with anything else is refused, and nothing is rounded.
 */

/** Whether DuckDB's own cast reads every value of the file's type as the table's, without a change. */
export function isReadAs(type: PrimitiveType, node: ParquetNode): boolean {
  // Files of one table may be older than its version of the format: what any version promotes is right.
  return parquetFit(type, node, 3) !== undefined || isEquivalent(type, node);
}

/** Types that engines write for one another, and read as the one that the table has: whole and without a change. */
function isEquivalent(type: PrimitiveType, { physicalType, logicalType }: ParquetNode): boolean {
  // DuckDB refuses the integer that is too large for the table's type.
  if (logicalType?.kind === "int") return type.type === "int" || type.type === "long";
  if (logicalType?.kind === "float16") return type.type === "float" || type.type === "double";
  if (logicalType?.kind === "timestamp") {
    return type.type.startsWith("timestamp") && (logicalType.unit !== "nanos" || type.type.endsWith("_ns"));
  }
  const bytes = physicalType === "BYTE_ARRAY" || physicalType === "FIXED_LEN_BYTE_ARRAY";
  return bytes && logicalType === undefined && sqlType(type) === "BLOB";
}

/** True where one is a struct, list or map, and the other is not. */
export function isOfAnotherKind(type: IcebergType, node: ParquetNode): boolean {
  const nested = type.type === "struct" || type.type === "list" || type.type === "map";
  return type.type !== "variant" && nested !== (node.physicalType === undefined);
}

/** A value that can be none: a row that has one is refused, and not read as what it is not. */
export function onlyNull(expression: string, type: IcebergType, node: ParquetNode): string {
  const refusal = `column ${node.name} is ${parquetTypeText(node)} in its file, and ${expectedTypeText(type)} in the table`;
  return `CASE WHEN ${expression} IS NULL THEN NULL::${sqlType(type)} ELSE error(${quoteString(refusal)}) END`;
}

/** SQL for a value of a primitive type that does not fit the table's. */
export function exactly(expression: string, type: PrimitiveType, node: ParquetNode): string {
  const [from, to] = [parquetSqlType(node), sqlType(type)];
  const kinds = [NUMBERS, TIMES].find((kind) => from !== undefined && kind.test(from) && kind.test(to));
  if (from === undefined || !(kinds || from === "VARCHAR" || to === "VARCHAR")) {
    return onlyNull(expression, type, node);
  }
  const value = `CAST(${expression} AS ${to})`;
  const refusal = `column ${node.name} is ${parquetTypeText(node)} in its file, and a value is no ${expectedTypeText(type)}`;
  const back = `CAST(${value} AS ${from}) IS NOT DISTINCT FROM ${expression}`;
  return `CASE WHEN ${back} THEN ${value} ELSE error(${quoteString(refusal)}) END`;
}

const NUMBERS = /^(INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL)/;
const TIMES = /^(DATE|TIMESTAMP)/;
