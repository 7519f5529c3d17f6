import type * as arrow from "apache-arrow";
import { Schema as ArrowSchema, Field, Int64 } from "apache-arrow";
import {
  bind,
  type ChangedRows,
  LAST_UPDATED_SEQUENCE_NUMBER,
  lineageColumns,
  type NestedField,
  type Ordered,
  POSITION,
  PositionBitmap,
  ROW_ID,
  type RowEngine,
  type RowsRequest,
  rowsToBatches,
  type ScanTask,
  type Schema,
  schemaToArrow,
} from "../../iceberg/index.js";
import { valueReader } from "../arrow/values.js";
import { TASK } from "../relation/relation.js";
import type { Relations } from "../relation/relations.js";
import { whereSql } from "../relation/where.js";
import { execute } from "../result/execute.js";
import type { Use } from "../result/use.js";
import { columnName, edgeOf, internalName } from "../text/names.js";
import { toByteString } from "../text/tokens.js";
import { assignedSql, assignmentError } from "./assigned.js";
import { orderedSql } from "./order.js";

type Batches = AsyncGenerator<arrow.RecordBatch, void, undefined>;

/** Reads the rows that row-level changes need, out of the files that they name. */
export class RowReader implements Omit<RowEngine, "openMerge" | "readSource" | "scanRows"> {
  readonly #relations: Relations;

  constructor(relations: Relations) {
    this.#relations = relations;
  }

  async *remainingRows(request: RowsRequest & Ordered): Batches {
    const { order, schema } = request;
    const names = storedNames(request).join(", ");
    const sql = (relation: string) => {
      const rows = `FROM ${relation} WHERE (${filterSql(request)}) IS NOT TRUE`;
      return order === undefined ? `SELECT ${names} ${rows}` : orderedSql(names, rows, order, schema.fields);
    };
    yield* this.#read(request, sql, schemaToArrow({ fields: storedFields(request) }));
  }

  async *changedRows(request: ChangedRows): Batches {
    const { set, schema } = request;
    const lineage = hasLineage(request) ? LINEAGE : [];
    const fields = storedFields(request);
    const sql = (relation: string, { connection }: Use): string | Promise<string> => {
      // Expressions name columns as the reader does.
      const edge = edgeOf(relation, schema.fields, lineage);
      const values = typeof set === "function" ? {} : set;
      const where = `(${filterSql(request)}) IS TRUE`;
      // The row stays the same row; that this commit updated it is told by the null (spec, "Row Lineage").
      const kept = ([rowId]: readonly string[]) => (rowId === undefined ? [] : [rowId, "NULL::BIGINT"]);
      return assignedSql(connection, values, schema.fields, edge, where, kept);
    };
    const rows = this.#read(request, sql, schemaToArrow({ fields }));
    yield* typeof set === "function" ? mapRows(schema, fields, rows, set) : rows;
  }

  async matchingPositions(request: RowsRequest): Promise<Map<ScanTask, PositionBitmap>> {
    const place = [TASK, POSITION].map(internalName).join(", ");
    const sql = (relation: string) =>
      `SELECT ${place} FROM ${relation} WHERE (${filterSql(request)}) IS TRUE`;
    return collectPositions(request.tasks, this.#read(request, sql, POSITIONS, true));
  }

  async *#read(
    request: RowsRequest,
    sql: (relation: string, use: Use) => string | Promise<string>,
    schema: arrow.Schema,
    positions = false,
  ): Batches {
    const result = await this.#relations.use(async (use) => {
      await use.connection.run(AHEAD);
      const bytes = toByteString(
        await sql(await rowsRelation(this.#relations, request, use, positions), use),
      );
      const onError = (error: unknown) => assignmentError(error, bytes);
      return execute(use, { bytes, onError, schema });
    });
    yield* result.batches();
  }
}

/**
 * How far DuckDB reads ahead of whoever writes the rows again. By its own 1 MB, which is for who waits for the first rows, its
 * threads stop and start anew at every few files: a fifth of what reading 2,000 small ones costs.
 */
const AHEAD = "SET streaming_buffer_size = '64MB'";

export const POSITIONS = new ArrowSchema([
  new Field(TASK.name, new Int64()),
  new Field(POSITION.name, new Int64()),
]);

/** The relation of the rows of a request's tasks: all columns, in v3 the row lineage, and where they stand if asked for. */
export function rowsRelation(
  relations: Relations,
  request: Pick<RowsRequest, "store" | "metadata" | "tasks" | "schema">,
  use: Use,
  positions: boolean,
  numbers: ReadonlyMap<ScanTask, number> = numbered(request.tasks),
): Promise<string> {
  const { store, metadata, schema } = request;
  const tasks = request.tasks.map((task) => ({ ...task, number: numbers.get(task) ?? 0 }));
  const lineage = hasLineage(request) ? LINEAGE : [];
  const metadataColumns = [...lineage, ...(positions ? [TASK, POSITION] : [])];
  return relations.hold({ store, metadata, tasks, fields: schema.fields, metadataColumns }, use);
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

/** The columns of `storedFields` in a relation of `rowsRelation`. */
export function storedNames(request: Pick<RowsRequest, "metadata" | "schema">): readonly string[] {
  const columns = request.schema.fields.map(columnName);
  return hasLineage(request) ? [...columns, ...LINEAGE.map(internalName)] : columns;
}

function filterSql({ schema, where, caseSensitive = true }: RowsRequest): string {
  return whereSql(bind(schema, where, { caseSensitive }), schema.fields);
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
