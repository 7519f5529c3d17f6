import type * as arrow from "apache-arrow";
import { Schema as ArrowSchema, Field, Int64 } from "apache-arrow";
import { LakehouseError } from "../errors.js";
import {
  bind,
  type ChangedRows,
  canonicalValue,
  LAST_UPDATED_SEQUENCE_NUMBER,
  lineageColumns,
  type NestedField,
  POSITION,
  PositionBitmap,
  ROW_ID,
  type RowEngine,
  type RowsRequest,
  rowsToBatches,
  type ScanTask,
  type Schema,
  schemaToArrow,
  typeToString,
} from "../iceberg/index.js";
import { valueReader } from "./arrow/values.js";
import { sqlError } from "./errors.js";
import { execute } from "./execute.js";
import { columnName, edgeOf, internalName } from "./relation/names.js";
import { TASK } from "./relation/relation.js";
import { keyText, type Relations, type Use } from "./relation/relations.js";
import { sqlLiteral, sqlType } from "./relation/sql-types.js";
import { whereSql } from "./relation/where.js";
import { spellExpression } from "./sql/spelling.js";
import { fromByteString, quoteIdentifier, toByteString } from "./sql/tokens.js";

type Batches = AsyncGenerator<arrow.RecordBatch, void, undefined>;

/** Reads the rows that row-level changes need, out of the files that they name. */
export class RowReader implements Omit<RowEngine, "openMerge"> {
  readonly #relations: Relations;

  constructor(relations: Relations) {
    this.#relations = relations;
  }

  async *remainingRows(request: RowsRequest): Batches {
    const sql = (view: string) =>
      `SELECT ${storedNames(request).join(", ")} FROM ${view} WHERE (${filterSql(request)}) IS NOT TRUE`;
    yield* this.#read(request, sql, schemaToArrow({ fields: storedFields(request) }));
  }

  async *changedRows(request: ChangedRows): Batches {
    const { set, schema } = request;
    const lineage = hasLineage(request) ? LINEAGE : [];
    const fields = storedFields(request);
    const values = typeof set === "function" ? new Map<string, string>() : assignedSql(set, schema.fields);
    const sql = (view: string): string => {
      // Expressions name columns as the reader does.
      const edge = edgeOf(view, schema.fields, lineage);
      const named = edge.names.map(quoteIdentifier);
      const columns = schema.fields.map(({ name }, i) => values.get(name) ?? (named[i] as string));
      // The row stays the same row; that this commit updated it is told by the null (spec, "Row Lineage").
      if (lineage.length > 0) columns.push(named[schema.fields.length] as string, "NULL::BIGINT");
      return `SELECT ${columns.join(", ")} FROM (${edge.sql} WHERE (${filterSql(request)}) IS TRUE)`;
    };
    const rows = this.#read(request, sql, schemaToArrow({ fields }));
    yield* typeof set === "function" ? mapRows(schema, fields, rows, set) : rows;
  }

  async matchingPositions(request: RowsRequest): Promise<Map<ScanTask, PositionBitmap>> {
    const place = [TASK, POSITION].map(internalName).join(", ");
    const sql = (view: string) => `SELECT ${place} FROM ${view} WHERE (${filterSql(request)}) IS TRUE`;
    return collectPositions(request.tasks, this.#read(request, sql, POSITIONS, true));
  }

  async *#read(
    request: RowsRequest,
    sql: (view: string) => string,
    schema: arrow.Schema,
    positions = false,
  ): Batches {
    const result = await this.#relations.use(async (use) => {
      const bytes = toByteString(sql(await rowsView(this.#relations, request, use, positions)));
      const onError = (error: unknown) => sqlError(error, bytes, (position) => position);
      return execute(use.connection, { ...use, bytes, onError, schema });
    });
    yield* result.batches();
  }
}

export const POSITIONS = new ArrowSchema([
  new Field(TASK.name, new Int64()),
  new Field(POSITION.name, new Int64()),
]);

/** The view of the rows of a request's tasks: all columns, in v3 the row lineage, and where they stand if asked for. */
export function rowsView(
  relations: Relations,
  request: Pick<RowsRequest, "store" | "metadata" | "tasks" | "schema">,
  use: Use,
  positions: boolean,
  numbers: ReadonlyMap<ScanTask, number> = numbered(request.tasks),
): Promise<string> {
  const { store, metadata, schema } = request;
  const tasks = request.tasks.map((task) => ({ ...task, number: numbers.get(task) ?? 0 }));
  const files = tasks.map(({ number, dataFile, deleteFiles }) => [
    ...(positions ? [number] : []),
    dataFile.filePath,
    ...deleteFiles.map((file) => [file.filePath, file.contentOffset]),
  ]);
  const lineage = hasLineage(request) ? LINEAGE : [];
  const metadataColumns = [...lineage, ...(positions ? [TASK, POSITION] : [])];
  const { fields } = schema;
  const key = keyText(["rows", fields, metadataColumns, files]);
  return relations.view(key, { store, metadata, tasks, fields, metadataColumns }, use);
}

export function numbered(tasks: readonly ScanTask[]): ReadonlyMap<ScanTask, number> {
  return new Map(tasks.map((task, i) => [task, i]));
}

/** Gathers rows of (number of the task, position). */
export async function collectPositions(
  tasks: readonly ScanTask[],
  batches: AsyncIterable<arrow.RecordBatch>,
): Promise<Map<ScanTask, PositionBitmap>> {
  const found = new Map<ScanTask, PositionBitmap>();
  for await (const batch of batches) {
    const files = batch.data.children[0]?.values as BigInt64Array;
    const positions = batch.data.children[1]?.values as BigInt64Array;
    let file: bigint | undefined;
    let bitmap = new PositionBitmap();
    for (let i = 0; i < batch.numRows; i++) {
      if (files[i] !== file) {
        file = files[i] as bigint;
        const task = tasks[Number(file)] as ScanTask;
        bitmap = found.get(task) ?? new PositionBitmap();
        found.set(task, bitmap);
      }
      bitmap.add(Number(positions[i]));
    }
  }
  return found;
}

export function hasLineage({ metadata }: Pick<RowsRequest, "metadata">): boolean {
  return metadata.formatVersion >= 3;
}

const LINEAGE: readonly NestedField[] = [ROW_ID, LAST_UPDATED_SEQUENCE_NUMBER];

/** What is stored of a row that moves. */
export function storedFields(request: Pick<RowsRequest, "metadata" | "schema">): readonly NestedField[] {
  const { schema } = request;
  return hasLineage(request) ? [...schema.fields, ...lineageColumns(schema)] : schema.fields;
}

/** The columns of `storedFields` in a view of `rowsView`. */
export function storedNames(request: Pick<RowsRequest, "metadata" | "schema">): readonly string[] {
  const columns = request.schema.fields.map(columnName);
  return hasLineage(request) ? [...columns, ...LINEAGE.map(internalName)] : columns;
}

function filterSql({ schema, where, caseSensitive = true }: RowsRequest): string {
  return whereSql(bind(schema, where, { caseSensitive }), schema.fields);
}

type Assigned = Exclude<ChangedRows["set"], (row: Record<string, unknown>) => unknown>;

function assignedSql(set: Assigned, fields: readonly NestedField[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(set)) {
    const field = fields.find((each) => each.name === name);
    if (field === undefined) throw unassignable(name, "the table has no such top-level column");
    if (value !== undefined) values.set(name, valueSql(field, value, fields));
  }
  return values;
}

function valueSql(field: NestedField, value: unknown, fields: readonly NestedField[]): string {
  if (isSql(value)) return `CAST((${toSource(value.sql, fields)}) AS ${sqlType(field.type)})`;
  if (value === null) return `NULL::${sqlType(field.type)}`;
  const { type } = field;
  const nested = type.type === "struct" || type.type === "list" || type.type === "map";
  const canonical = nested ? undefined : canonicalValue(type, value);
  if (canonical !== undefined) return sqlLiteral(type, canonical);
  throw unassignable(
    field.name,
    `${String(value)} is no value of type ${typeToString(type)}${nested ? "; give it by a function" : ""}`,
  );
}

/** The text as DuckDB is to see it; a comment at its end shall not reach what follows. */
function toSource(sql: string, fields: readonly NestedField[]): string {
  return `${fromByteString(spellExpression(toByteString(sql), fields).text)}\n`;
}

function isSql(value: unknown): value is { readonly sql: string } {
  return typeof value === "object" && value !== null && "sql" in value && typeof value.sql === "string";
}

function unassignable(column: string, problem: string): LakehouseError {
  return new LakehouseError({
    code: "SCHEMA_MISMATCH",
    subject: column,
    message: `Column ${JSON.stringify(column)} cannot be set: ${problem}.`,
  });
}

/**
 * Rows with what a function makes of them; columns that it leaves out, and the row lineage, stay.
 *
 * @param fields those of `schema`, and what is stored beside them.
 */
async function* mapRows(
  schema: Schema,
  fields: readonly NestedField[],
  batches: AsyncIterable<arrow.RecordBatch>,
  change: (row: Record<string, unknown>) => Partial<Record<string, unknown>>,
): Batches {
  const count = schema.fields.length;
  async function* rows(): AsyncGenerator<Record<string, unknown>> {
    for await (const batch of batches) {
      const read = batch.schema.fields.map((field, i) =>
        valueReader(field, batch.data.children[i] as arrow.Data),
      );
      const take = (from: number, to: number | undefined, row: number) =>
        Object.fromEntries(
          read.slice(from, to).map((value, i) => [fields[from + i]?.name ?? "", value(row)]),
        );
      for (let i = 0; i < batch.numRows; i++) {
        const row = take(0, count, i);
        yield { ...row, ...change({ ...row }), ...take(count, undefined, i) };
      }
    }
  }
  yield* rowsToBatches({ ...schema, fields }, rows());
}
