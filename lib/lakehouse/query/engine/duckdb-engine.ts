import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBInstance } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import {
  bind,
  type ChangedRows,
  changelogSchema,
  type MergeRequest,
  type RowEngine,
  type RowMerge,
  type RowsRequest,
  referencedFieldIds,
  schemaToArrow,
  type Table,
  type TableScan,
} from "../../iceberg/index.js";
import { openFileCache } from "../../storage/index.js";
import { openDuckDB } from "../duckdb/open.js";
import { readError, sqlError } from "../duckdb/sql-error.js";
import { Relations } from "../relation/relations.js";
import { whereSql } from "../relation/where.js";
import { execute } from "../result/execute.js";
import type { QueryResult } from "../result/query-result.js";
import type { ChangesOptions } from "../rows/changes.js";
import { openMerge } from "../rows/merge.js";
import { RowReader } from "../rows/reader.js";
import { isShowTables, parseStatement } from "../sql/parse.js";
import { spellExpression } from "../sql/spelling.js";
import { findReferences, splitExplain } from "../sql/statement.js";
import { prepareText } from "../sql/time-travel.js";
import { applyEdits } from "../text/edits.js";
import { columnName, edgeOf, internalName } from "../text/names.js";
import { quoteIdentifier, toByteString } from "../text/tokens.js";
import { PlannedRelations } from "./planned-relations.js";
import type { QueryEngine, QueryEngineOptions, ScanRowsOptions, SqlOptions } from "./query-engine.js";
import { allColumns, scanColumns } from "./scan-columns.js";
import { BARRIER, StatementTables } from "./statement-tables.js";

export async function openDuckDBEngine(options: QueryEngineOptions): Promise<QueryEngine> {
  const scratch = join(tmpdir(), `sololakehouse-${randomUUID()}`);
  const { allowedDirectories } = options;
  const allowed = allowedDirectories && { allowedDirectories: [...allowedDirectories, scratch] };
  return new DuckDBEngine(await openDuckDB({ ...options, ...allowed }), options, scratch);
}

class DuckDBEngine implements QueryEngine {
  readonly #instance: DuckDBInstance;
  readonly #relations: Relations;
  readonly #planned: PlannedRelations;
  readonly #tables: StatementTables;
  readonly #rows: RowReader;
  /** A folder for rows that are to be merged, made when needed. */
  readonly #scratch: string;

  constructor(instance: DuckDBInstance, options: QueryEngineOptions, scratch: string) {
    this.#instance = instance;
    const cache = options.cache && openFileCache(options.cache);
    this.#relations = new Relations(instance, cache, join(scratch, "stand-ins"));
    this.#planned = new PlannedRelations(this.#relations);
    this.#tables = new StatementTables(options, this.#planned);
    this.#rows = new RowReader(this.#relations);
    this.#scratch = scratch;
  }

  async sql(text: string, options: SqlOptions = {}): Promise<QueryResult> {
    const source = toByteString(text);
    if (text.includes("\0"))
      throw sqlError(new Error("A statement cannot have a NUL character."), source, () => 0);
    const prepared = prepareText(source);
    const { prefix, body } = splitExplain(prepared.text);
    const inBody = (position: number) => prepared.original(prefix.length + position);
    return this.#relations.use(async (use) => {
      const statement = await parseStatement(use.connection, body, source, inBody);
      const { edits, renamed } = isShowTables(statement)
        ? { edits: [{ start: 0, end: body.length, text: await this.#tables.shown(options) }] }
        : await this.#tables.edits(
            statement,
            findReferences(statement, body, prepared.special),
            body,
            options,
            use,
          );
      const final = applyEdits(body, edits);
      const onError = (error: unknown) =>
        sqlError(error, source, (position) => inBody(final.original(Math.max(0, position - prefix.length))));
      return execute(use.connection, { ...use, bytes: prefix + final.text, onError, renamed });
    });
  }

  async scan(table: Table, scan: TableScan, options: ScanRowsOptions = {}): Promise<QueryResult> {
    const filter = bind(scan.tableSchema, scan.filter, { caseSensitive: scan.caseSensitive });
    const { where } = options;
    const { metadataColumns } = scan;
    const fields = where === undefined ? scanColumns(scan, referencedFieldIds(filter)) : allColumns(scan);
    const count = scan.schema.fields.length;
    const schema = schemaToArrow({ fields: [...scan.schema.fields, ...metadataColumns] });
    return this.#relations.use(async (use) => {
      const { tasks } = options;
      const relation = await this.#planned.ofScan(table, scan, use, { fields, metadataColumns, tasks });
      const rows = options.limit ?? scan.limit;
      const limit = rows === undefined ? "" : ` LIMIT ${rows}`;
      const kept = `WHERE ${whereSql(filter, fields)}`;
      if (where === undefined) {
        const columns = [...fields.slice(0, count).map(columnName), ...metadataColumns.map(internalName)];
        const bytes = toByteString(`SELECT ${columns.join(", ")} FROM ${relation} ${kept}${limit}`);
        return execute(use.connection, { ...use, bytes, onError: readError(table.name), schema });
      }
      const edge = edgeOf(relation, fields, metadataColumns);
      const names = [...edge.names.slice(0, count), ...edge.names.slice(fields.length)].map(quoteIdentifier);
      // As for a statement's tables, by the word alone: more barriers than needed change no row.
      const barrier = /\bdistinct\b/i.test(where) ? BARRIER : "";
      const head = toByteString(`SELECT ${names.join(", ")} FROM (${edge.sql} ${kept}${barrier}) WHERE (`);
      const source = toByteString(where);
      const spelled = spellExpression(source, fields);
      const bytes = `${head}${spelled.text}\n)${limit}`;
      const onError = (error: unknown) => sqlError(error, source, (at) => spelled.original(at - head.length));
      return execute(use.connection, { ...use, bytes, onError, schema });
    });
  }

  async changes(table: Table, options: ChangesOptions = {}): Promise<QueryResult> {
    return this.#relations.use(async (use) => {
      const { relation, fields, order } = await this.#planned.ofChanges(table, options, use);
      const columns = fields.map(columnName).join(", ");
      return execute(use.connection, {
        ...use,
        bytes: toByteString(`SELECT ${columns} FROM ${relation} ORDER BY ${order.join(", ")}`),
        onError: readError(table.name),
        schema: schemaToArrow(changelogSchema(table.metadata)),
      });
    });
  }

  remainingRows(request: RowsRequest): AsyncIterable<arrow.RecordBatch> {
    return this.#rows.remainingRows(request);
  }

  changedRows(request: ChangedRows): AsyncIterable<arrow.RecordBatch> {
    return this.#rows.changedRows(request);
  }

  matchingPositions(request: RowsRequest): ReturnType<RowEngine["matchingPositions"]> {
    return this.#rows.matchingPositions(request);
  }

  async openMerge(request: MergeRequest): Promise<RowMerge> {
    this.#relations.checkOpen();
    return openMerge(this.#relations, this.#scratch, request);
  }

  get isClosed(): boolean {
    return this.#relations.isClosed;
  }

  async close(): Promise<void> {
    await this.#relations.close();
    this.#instance.closeSync();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}
