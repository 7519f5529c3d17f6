import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBInstance } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import { unsupported } from "../../errors.js";
import {
  type ChangedRows,
  changelogSchema,
  type MergeRequest,
  type Ordered,
  type RowEngine,
  type RowMerge,
  type RowsRequest,
  schemaToArrow,
  type Table,
  type TableScan,
} from "../../iceberg/index.js";
import { openFileCache } from "../../storage/index.js";
import { readError, sqlError } from "../duckdb/sql-error.js";
import { type InferRequest, type InferredSource, Ingest, type Prepare } from "../ingest/ingest.js";
import { Relations } from "../relation/relations.js";
import { execute } from "../result/execute.js";
import type { QueryResult } from "../result/query-result.js";
import type { Use } from "../result/use.js";
import type { ChangesOptions } from "../rows/changes.js";
import { openMerge } from "../rows/merge.js";
import { RowReader } from "../rows/reader.js";
import { bindParameters } from "../sql/parameters.js";
import { parseStatement } from "../sql/parse.js";
import { findReferences, splitExplain } from "../sql/statement.js";
import { type SqlFragment, statementOf } from "../sql/template.js";
import { prepareText } from "../sql/time-travel.js";
import type { Statement, StatementContext } from "../statements/context.js";
import { runStatement } from "../statements/run.js";
import { applyEdits } from "../text/edits.js";
import { columnName } from "../text/names.js";
import { fromByteString, toByteString } from "../text/tokens.js";
import { defineView } from "./define-view.js";
import { PlannedRelations } from "./planned-relations.js";
import type {
  QueryEngine,
  QueryEngineOptions,
  QuerySourceRequest,
  ScanRowsOptions,
  StatementOptions,
} from "./query-engine.js";
import { scanRows } from "./scan-rows.js";
import { StatementTables } from "./statement-tables.js";

/** A query engine on an open DuckDB, which it closes. */
export class DuckDBEngine implements QueryEngine {
  readonly #instance: DuckDBInstance;
  readonly #relations: Relations;
  readonly #planned: PlannedRelations;
  readonly #tables: StatementTables;
  readonly #rows: RowReader;
  readonly #scratch: string;
  readonly #ingest: Ingest;
  readonly #lake: QueryEngineOptions["lake"];

  /** @param scratch folder for files that are read in place of others, and for rows that are to be merged. */
  constructor(instance: DuckDBInstance, options: QueryEngineOptions, scratch: string) {
    this.#instance = instance;
    const cache = options.cache && openFileCache(options.cache);
    this.#relations = new Relations(instance, cache, join(scratch, "stand-ins"));
    this.#planned = new PlannedRelations(this.#relations);
    this.#tables = new StatementTables(options, this.#planned, join(scratch, "uncommitted"));
    this.#rows = new RowReader(this.#relations);
    this.#scratch = scratch;
    this.#lake = options.lake;
    this.#ingest = new Ingest(this.#relations, join(scratch, "sources"), this.#preparing(undefined));
  }

  async sql(query: string | SqlFragment, options: StatementOptions = {}): Promise<QueryResult> {
    const statement = readStatement(query, options);
    const written = runStatement(statement, () => this.#writing(statement.source));
    if (written !== undefined) return written;
    return this.#relations.use(
      async (use) => execute(use, await this.#prepared(statement, use)),
      options.signal,
    );
  }

  /** What statements that write need. */
  #writing(source: string): StatementContext {
    if (this.#lake === undefined) {
      throw unsupported(
        fromByteString(source),
        "This engine has no catalog to write to: it reads.",
        "Open the lakehouse, whose sql() writes.",
      );
    }
    const { catalog, store } = this.#lake;
    return {
      relations: this.#relations,
      catalog: (ref) => catalog({ ref }),
      store,
      engine: this,
      defineView: ({ catalog, identifier, ref }, query, options) =>
        defineView(this, catalog, identifier, query, { ...options, ref }),
      prepare: async (query, statement, use, targets = []) => {
        const { source, prepared, options } = statement;
        if (options.signal) use.cutBy(options.signal);
        const body = query.text;
        const original = (position: number) => prepared.original(query.original(position));
        const tree = await parseStatement(use.connection, body, source, original);
        const own = targets.map(({ name, parts }) => [name, { parts }] as const);
        const references = findReferences(tree, body, new Map([...prepared.special, ...own]));
        const { edits, renamed } = await this.#tables.edits(tree, references, body, options, use, targets);
        const final = applyEdits(body, edits);
        return {
          bytes: final.text,
          original: (position) => original(final.original(Math.max(0, position))),
          renamed,
          tables: references.tables.length,
        };
      },
    };
  }

  /** A user's query with what DuckDB can read in the place of the tables that it names. */
  async #prepared({ source, prepared, options }: Statement, use: Use) {
    const { prefix, body } = splitExplain(prepared.text);
    const inBody = (position: number) => prepared.original(prefix.length + position);
    const statement = await parseStatement(use.connection, body, source, inBody);
    const listing = await this.#tables.shown(statement, options);
    const { edits, renamed } =
      listing === undefined
        ? await this.#tables.edits(
            statement,
            findReferences(statement, body, prepared.special),
            body,
            options,
            use,
          )
        : { edits: [{ start: 0, end: body.length, text: listing }], renamed: undefined };
    const final = applyEdits(body, edits);
    const onError = (error: unknown) =>
      sqlError(error, source, (position) => inBody(final.original(Math.max(0, position - prefix.length))));
    return { bytes: prefix + final.text, onError, renamed };
  }

  async scanRows(table: Table, scan: TableScan): Promise<readonly Record<string, unknown>[]> {
    return (await this.scan(table, scan)).rows();
  }

  readSource({ rows, ...request }: QuerySourceRequest): AsyncIterable<arrow.RecordBatch> {
    return this.#ingest.rows(request, this.#preparing(rows));
  }

  /** @param rows by names of the caller's. */
  #preparing(rows: StatementOptions["rows"]): Prepare {
    return async (text, ref, use) => {
      const options: StatementOptions = { ref, rows };
      const { bytes, ...prepared } = await this.#prepared(readStatement(text, options), use);
      return { ...prepared, sql: fromByteString(bytes) };
    };
  }

  inferSource(request: InferRequest): Promise<InferredSource> {
    return this.#ingest.infer(request);
  }

  async scan(table: Table, scan: TableScan, options: ScanRowsOptions = {}): Promise<QueryResult> {
    return this.#relations.use((use) => scanRows(this.#planned, table, scan, options, use), options.signal);
  }

  async changes(table: Table, options: ChangesOptions = {}): Promise<QueryResult> {
    return this.#relations.use(async (use) => {
      const { relation, fields, order } = await this.#planned.ofChanges(table, options, use);
      const columns = fields.map(columnName).join(", ");
      return execute(use, {
        bytes: toByteString(`SELECT ${columns} FROM ${relation} ORDER BY ${order.join(", ")}`),
        onError: readError(table.name),
        schema: schemaToArrow(changelogSchema(table.metadata)),
      });
    }, options.signal);
  }

  remainingRows(request: RowsRequest & Ordered): AsyncIterable<arrow.RecordBatch> {
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

/** A statement with its parameters' values in their places. */
function readStatement(query: string | SqlFragment, options: StatementOptions): Statement {
  const { text, params } = statementOf(query, options.params);
  const source = toByteString(text);
  const bound = bindParameters(source, params);
  const prepared = prepareText(bound.text);
  const original = (position: number) => bound.original(prepared.original(position));
  return { source, prepared: { ...prepared, original }, options, params };
}
