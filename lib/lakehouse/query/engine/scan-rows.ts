import {
  alwaysTrue,
  bind,
  type NestedField,
  referencedFieldIds,
  schemaToArrow,
  type Table,
  type TableScan,
} from "../../iceberg/index.js";
import { readError, sqlError } from "../duckdb/sql-error.js";
import { whereSql } from "../relation/where.js";
import { execute } from "../result/execute.js";
import type { QueryResult } from "../result/query-result.js";
import type { Use } from "../result/use.js";
import { comparesNulls, parseStatement } from "../sql/parse.js";
import { predicateFilter } from "../sql/pushdown.js";
import { spellExpression } from "../sql/spelling.js";
import { aliasOf, columnName, edgeOf, internalName } from "../text/names.js";
import { quoteIdentifier, toByteString } from "../text/tokens.js";
import type { PlannedRelations } from "./planned-relations.js";
import type { ScanRowsOptions } from "./query-engine.js";
import { allColumns, scanColumns } from "./scan-columns.js";
import { BARRIER } from "./statement-tables.js";

/** The rows of a scan: see `QueryEngine.scan`. */
export function scanRows(
  planned: PlannedRelations,
  table: Table,
  scan: TableScan,
  options: ScanRowsOptions,
  use: Use,
): Promise<QueryResult> {
  const { where, limit = scan.limit } = options;
  const kept = { ...options, limit: limit === undefined ? "" : ` LIMIT ${limit}` };
  return where === undefined
    ? filteredRows(planned, table, scan, kept, use)
    : predicateRows(planned, table, scan, { ...kept, where }, use);
}

type Limited = Omit<ScanRowsOptions, "limit"> & { readonly limit: string };

async function filteredRows(
  planned: PlannedRelations,
  table: Table,
  scan: TableScan,
  { tasks, limit }: Limited,
  use: Use,
): Promise<QueryResult> {
  const { metadataColumns } = scan;
  const filter = filterOf(scan);
  const fields = scanColumns(scan, referencedFieldIds(filter));
  const relation = await planned.ofScan(table, scan, use, { fields, metadataColumns, tasks });
  const count = scan.schema.fields.length;
  const columns = [...fields.slice(0, count).map(columnName), ...metadataColumns.map(internalName)];
  const sql = `SELECT ${columns.join(", ")} FROM ${relation} WHERE ${whereSql(filter, fields)}${limit}`;
  const onError = readError(table.name);
  return execute(use, { bytes: toByteString(sql), onError, schema: arrowSchema(scan) });
}

/** Where the rows are chosen by a predicate in SQL. Files that it proves to hold none are not read. */
async function predicateRows(
  planned: PlannedRelations,
  table: Table,
  scan: TableScan,
  { tasks, limit, where }: Limited & { readonly where: string },
  use: Use,
): Promise<QueryResult> {
  const { metadataColumns } = scan;
  const fields = allColumns(scan);
  const source = toByteString(where);
  const spelled = await spellExpression(use.connection, source, fields);
  const placed = (offset: number) => (position: number) => spelled.original(position - offset);
  const statement = await parseStatement(
    use.connection,
    `${ALONE}${spelled.text}\n)`,
    source,
    placed(ALONE.length),
  );
  const pruning = scan.narrowed(predicateFilter(statement, fields) ?? alwaysTrue);
  const relation = await planned.ofScan(table, pruning, use, { fields, metadataColumns, tasks });
  const edge = edgeOf(relation, fields, metadataColumns);
  const names = namesOf(scan, fields, edge.names).map(quoteIdentifier);
  const barrier = comparesNulls(statement) ? BARRIER : "";
  const rows = `${edge.sql} WHERE ${whereSql(filterOf(scan), fields)}${barrier}`;
  const head = toByteString(`SELECT ${names.join(", ")} FROM (${rows}) AS ${aliasOf(edge)} WHERE (`);
  const bytes = `${head}${spelled.text}\n)${limit}`;
  const onError = (error: unknown) => sqlError(error, source, placed(head.length));
  return execute(use, { bytes, onError, schema: arrowSchema(scan) });
}

/** Before a predicate, makes a statement of it that DuckDB can parse. */
const ALONE = "SELECT * FROM t WHERE (";

function filterOf({ tableSchema, filter, caseSensitive }: TableScan): ReturnType<typeof bind> {
  return bind(tableSchema, filter, { caseSensitive });
}

function arrowSchema({ schema, metadataColumns }: TableScan): ReturnType<typeof schemaToArrow> {
  return schemaToArrow({ fields: [...schema.fields, ...metadataColumns] });
}

/** Of the names of a relation, those that the scan gives: of its own columns, which are first, and the metadata columns. */
function namesOf({ schema }: TableScan, fields: readonly NestedField[], names: readonly string[]): string[] {
  return [...names.slice(0, schema.fields.length), ...names.slice(fields.length)];
}
