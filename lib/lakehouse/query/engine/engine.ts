import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBInstance } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import { nearNames } from "../../errors.js";
import {
  bind,
  type ChangedRows,
  changelogSchema,
  type MergeRequest,
  type NestedField,
  noSuchTable,
  type RowEngine,
  type RowMerge,
  type RowsRequest,
  referencedFieldIds,
  type ScanTask,
  type Schema,
  schemaToArrow,
  type Table,
  type TableScan,
} from "../../iceberg/index.js";
import { type FileCacheOptions, openFileCache } from "../../storage/index.js";
import { type DuckDBOptions, openDuckDB } from "../duckdb/open.js";
import { readError, sqlError } from "../duckdb/sql-error.js";
import type { RelationInput } from "../relation/relation.js";
import { Relations, type Use } from "../relation/relations.js";
import { whereSql } from "../relation/where.js";
import { execute } from "../result/execute.js";
import type { QueryResult } from "../result/query-result.js";
import { type ChangesOptions, changesSql } from "../rows/changes.js";
import { openMerge } from "../rows/merge.js";
import { RowReader } from "../rows/reader.js";
import { describeSql } from "../sql/describe.js";
import {
  type Extended,
  extend,
  type KnownTable,
  mayNameMetadata,
  starEdits,
} from "../sql/metadata-columns.js";
import { metadataTable } from "../sql/metadata-tables.js";
import { columnEdits, comparesNulls, isShowTables, parseStatement } from "../sql/parse.js";
import { pushedFilter } from "../sql/pushdown.js";
import { Spellings, spellColumns, spellExpression } from "../sql/spelling.js";
import { snapshotOf } from "../sql/state.js";
import {
  findReferences,
  type Node,
  type StatementReferences,
  splitExplain,
  type TableReference,
} from "../sql/statement.js";
import { prepareText } from "../sql/time-travel.js";
import { applyEdits, type Edit } from "../text/edits.js";
import { columnName, edgeOf, internalName } from "../text/names.js";
import { quoteIdentifier, quoteString, toByteString } from "../text/tokens.js";
import { asDuckDB } from "../types/sql-types.js";
import { allColumns, scanColumns } from "./scan-columns.js";
import { givenPlan, ScanPlans } from "./scan-plans.js";

export interface TableRequest {
  /** A branch or tag of the catalog; the engine's user decides on the default. */
  readonly ref?: string;
}

/** A name as SHOW TABLES lists it. */
export interface ListedTable {
  readonly namespace: string;
  readonly name: string;
}

export interface QueryEngineOptions extends DuckDBOptions {
  /** Finds a table by the dotted parts of its name; `undefined` when there is none. */
  readonly resolve: (name: readonly string[], request: TableRequest) => Promise<Table | undefined>;
  /** For SHOW TABLES. */
  readonly listTables?: (request: TableRequest) => Promise<readonly ListedTable[]>;
  /** Folder and size of the cache of files of stores that are not on this machine's disk. */
  readonly cache?: FileCacheOptions;
}

export interface SqlOptions {
  /** A branch or tag of the catalog that names without `@` are looked up on. */
  readonly ref?: string;
  /** A point in time that names without a time of their own are read at; a bigint is milliseconds since the epoch. */
  readonly at?: Date | bigint;
}

export interface ScanRowsOptions {
  /** A SQL predicate in place of the scan's filter: any that DuckDB takes, but no file is left out by it. */
  readonly where?: string | undefined;
  /** Rows at most; the scan's own limit when absent. */
  readonly limit?: number | undefined;
  /** Files to read in place of those that the scan would plan: what `Table.incrementalAppends` gives, say. */
  readonly tasks?: readonly ScanTask[] | undefined;
}

/** SQL over tables. `close` it when done: it holds memory and files. */
export interface QueryEngine extends RowEngine {
  /**
   * Runs one query. Names are `namespace.table`, at any depth, with `@ref` for a branch of the catalog; state is
   * chosen with `FOR VERSION AS OF <snapshot id | 'ref'>` or `FOR TIMESTAMP AS OF '…'`; `namespace.table.snapshots`
   * and its like read metadata, and `namespace.table.changes` reads all changes up to that state (see `changes`; a
   * WHERE on `_commit_snapshot_id` or `_change_ordinal` keeps it to some snapshots). Writes are refused.
   *
   * A SELECT may name the metadata columns of its tables: `_file`, `_pos`, `_spec_id`, `_row_id` and
   * `_last_updated_sequence_number`. `*` does not give them, and a table's own column of such a name comes first.
   *
   * SQL ignores case in names, tables do not: of columns that differ by it alone, the one that is spelled just so is
   * meant, where the SELECT names it itself; elsewhere they are `"a#1"` and `"A#2"`, by name and field id.
   *
   * @throws LakehouseError INVALID_SQL, with the place in the text; NO_SUCH_TABLE; NO_SUCH_SNAPSHOT.
   */
  sql(text: string, options?: SqlOptions): Promise<QueryResult>;
  /**
   * The rows of a scan: its columns, in the table's own Arrow schema, where its filter is true, deletes applied, as
   * many as its limit says. Names that differ by case alone are different names.
   *
   * @throws LakehouseError OBJECT_NOT_FOUND, CORRUPT_FILE, UNSUPPORTED_FEATURE.
   */
  scan(table: Table, scan: TableScan, options?: ScanRowsOptions): Promise<QueryResult>;
  /**
   * The rows that the snapshots of a range changed: the table's columns, then `_change_type` (`INSERT`, `DELETE`,
   * and with a key `UPDATE_BEFORE` and `UPDATE_AFTER`), `_change_ordinal` (the snapshot's place in the range, from 0)
   * and `_commit_snapshot_id`. In order of snapshots; in each, by key and what goes before what comes. Rows that were
   * only written again, by copy-on-write or compaction, are no changes.
   *
   * @throws LakehouseError NO_SUCH_SNAPSHOT, also when deletes have to be compared with a snapshot that has expired;
   *   INVALID_ARGUMENT when `from` is no ancestor of `to`; and as `scan`.
   */
  changes(table: Table, options?: ChangesOptions): Promise<QueryResult>;
  /** True after `close`. */
  readonly isClosed: boolean;
  close(): Promise<void>;
}

export async function openDuckDBEngine(options: QueryEngineOptions): Promise<QueryEngine> {
  const scratch = join(tmpdir(), `sololakehouse-${randomUUID()}`);
  const { allowedDirectories } = options;
  const allowed = allowedDirectories && { allowedDirectories: [...allowedDirectories, scratch] };
  return new DuckDBEngine(await openDuckDB({ ...options, ...allowed }), options, scratch);
}

/** No filter passes it: DuckDB then evaluates what it would push down wrongly (`comparesNulls`). */
const BARRIER = " OFFSET 0";

interface ViewOptions extends Pick<RelationInput, "fields" | "metadataColumns"> {
  readonly tasks?: readonly ScanTask[] | undefined;
}

class DuckDBEngine implements QueryEngine {
  readonly #instance: DuckDBInstance;
  readonly #options: QueryEngineOptions;
  readonly #relations: Relations;
  readonly #rows: RowReader;
  /** A folder for rows that are to be merged, made when needed. */
  readonly #scratch: string;
  readonly #plans = new ScanPlans();

  constructor(instance: DuckDBInstance, options: QueryEngineOptions, scratch: string) {
    this.#instance = instance;
    this.#options = options;
    const cache = options.cache && openFileCache(options.cache);
    this.#relations = new Relations(instance, cache, join(scratch, "stand-ins"));
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
      const renamed = new Map<string, string>();
      const edits: readonly Edit[] = isShowTables(statement)
        ? [{ start: 0, end: body.length, text: await this.#showTables(options) }]
        : await this.#edits(
            statement,
            findReferences(statement, body, prepared.special),
            body,
            options,
            use,
            renamed,
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
      const view = await this.#view(table, scan, use, { fields, metadataColumns, tasks: options.tasks });
      const rows = options.limit ?? scan.limit;
      const limit = rows === undefined ? "" : ` LIMIT ${rows}`;
      const kept = `WHERE ${whereSql(filter, fields)}`;
      if (where === undefined) {
        const columns = [...fields.slice(0, count).map(columnName), ...metadataColumns.map(internalName)];
        const bytes = toByteString(`SELECT ${columns.join(", ")} FROM ${view} ${kept}${limit}`);
        return execute(use.connection, { ...use, bytes, onError: readError(table.name), schema });
      }
      const edge = edgeOf(view, fields, metadataColumns);
      const names = [...edge.names.slice(0, count), ...edge.names.slice(fields.length)].map(quoteIdentifier);
      // As in `#edits`, by the word alone: more barriers than needed change no row.
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
      const { relation, fields, order } = await this.#changes(table, options, use);
      const columns = fields.map(columnName).join(", ");
      return execute(use.connection, {
        ...use,
        bytes: toByteString(`SELECT ${columns} FROM ${relation} ORDER BY ${order.join(", ")}`),
        onError: readError(table.name),
        schema: schemaToArrow(changelogSchema(table.metadata)),
      });
    });
  }

  async #changes(table: Table, options: ChangesOptions, use: Use): ReturnType<typeof changesSql> {
    const changes = await changesSql(this.#relations, table, options, use);
    const files = changes.tasks.map((task) => task.dataFile);
    use.tables.push({
      name: `${table.name}.changes`,
      snapshotId: options.to ?? table.currentSnapshot?.snapshotId,
      dataFiles: files.length,
      skippedDataFiles: 0,
      deleteFiles: new Set(changes.tasks.flatMap((task) => task.deletesAfter ?? task.deletesBefore)).size,
      bytes: files.reduce((sum, file) => sum + file.fileSizeInBytes, 0n),
      records: files.reduce((sum, file) => sum + file.recordCount, 0n),
    });
    return changes;
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

  async #showTables(options: SqlOptions): Promise<string> {
    const tables = (await this.#options.listTables?.(requestOn(options.ref))) ?? [];
    const rows = tables.map(({ namespace, name }) => `(${quoteString(namespace)}, ${quoteString(name)})`);
    const empty = "SELECT NULL::VARCHAR AS namespace, NULL::VARCHAR AS name WHERE false";
    return toByteString(
      rows.length === 0 ? empty : `SELECT * FROM (VALUES ${rows.join(", ")}) AS t(namespace, name)`,
    );
  }

  async #edits(
    statement: Node,
    references: StatementReferences,
    body: string,
    options: SqlOptions,
    use: Use,
    renamed: Map<string, string>,
  ): Promise<Edit[]> {
    const edits = columnEdits(references, body);
    const barrier = comparesNulls(statement) ? BARRIER : "";
    const extended = mayNameMetadata(body) ? await this.#extended(references, options, use) : [];
    edits.push(...starEdits(extended, body));
    for (const reference of references.tables) {
      const added = extended.find((each) => each.reference === reference)?.added ?? [];
      const { sql, schema } = (await this.#tableSql(reference, options, use, added)) ?? {};
      if (sql === undefined) continue;
      const fields = schema?.fields ?? [];
      const spellings = new Spellings(fields);
      edits.push(...spellColumns(reference, body, spellings));
      for (const [said, column] of spellings.originals) renamed.set(said, column);
      const name = quoteIdentifier(reference.parts.at(-1) ?? "");
      const alias = reference.mayAlias && !reference.alias ? ` AS ${name}` : "";
      const head = reference.isSelect ? "SELECT * FROM " : reference.isDescribed ? "DESCRIBE " : "";
      const whole =
        reference.isDescribed && schema
          ? describeSql(sql, schema)
          : head + (reference.mayAlias ? `(${sql}${barrier})` : sql) + alias;
      edits.push({ start: reference.start, end: reference.end, text: toByteString(whole) });
    }
    return edits;
  }

  /** The tables that a statement reads, as far as it names their metadata columns. */
  async #extended({ tables }: StatementReferences, options: SqlOptions, use: Use): Promise<Extended[]> {
    const known: KnownTable[] = [];
    for (const reference of tables) {
      const table = await this.#options.resolve(reference.parts, requestOn(reference.ref ?? options.ref));
      if (!table) continue;
      const state = await snapshotOf(reference, options, use.connection);
      known.push({ reference, fields: table.scan(state).schema.fields });
    }
    return extend(known);
  }

  /**
   * What stands for a reference in the statement; `undefined` for what is DuckDB's own.
   *
   * @param added metadata columns, of a table.
   */
  async #tableSql(
    reference: TableReference,
    options: SqlOptions,
    use: Use,
    added: readonly NestedField[],
  ): Promise<{ readonly sql: string; readonly schema?: Schema } | undefined> {
    const { parts } = reference;
    const request = requestOn(reference.ref ?? options.ref);
    const state = await snapshotOf(reference, options, use.connection);
    const table = await this.#options.resolve(parts, request);
    if (table) {
      const scan = table.scan(state);
      const filter = pushedFilter(reference, scan.schema.fields);
      const { schema } = scan;
      const columns = { fields: schema.fields, metadataColumns: added };
      const view = await this.#view(table, filter ? table.scan({ ...state, filter }) : scan, use, columns);
      return { sql: edgeOf(view, schema.fields, added, asDuckDB).sql, schema };
    }
    const owner = parts.length > 1 ? await this.#options.resolve(parts.slice(0, -1), request) : undefined;
    if (owner && parts.at(-1)?.toLowerCase() === "changes") {
      const schema = changelogSchema(owner.metadata);
      const filter = pushedFilter(reference, schema.fields);
      const to = owner.scan(state).snapshot?.snapshotId;
      const { relation, fields } = await this.#changes(owner, { to, filter }, use);
      return { sql: edgeOf(relation, fields, [], asDuckDB).sql, schema: { ...schema, fields } };
    }
    const metadata = owner && (await metadataTable(owner, parts.at(-1) ?? "", owner.scan(state).snapshot));
    if (metadata) return { sql: metadata };
    if (["information_schema", "pg_catalog"].includes(parts[0]?.toLowerCase() ?? "")) return undefined;
    throw noSuchTable(
      parts.join("."),
      `There is no table ${parts.join(".")}${request.ref === undefined ? "" : ` on ${request.ref}`}.`,
      await this.#meant(parts.join("."), request),
    );
  }

  async #meant(name: string, request: TableRequest): Promise<string> {
    const tables = (await this.#options.listTables?.(request)) ?? [];
    const [best] = nearNames(
      name,
      tables.map((table) => `${table.namespace}.${table.name}`),
    );
    return best === undefined
      ? "SHOW TABLES lists them."
      : `Did you mean ${best}? SHOW TABLES lists them all.`;
  }

  /** The view that stands for a scan: planned, its files at hand. */
  async #view(
    table: Table,
    scan: TableScan,
    use: Use,
    { tasks: given, ...columns }: ViewOptions = { fields: scan.schema.fields },
  ): Promise<string> {
    const { tasks, report } = given ? givenPlan(given) : await this.#plans.of(scan);
    use.tables.push({
      name: table.name,
      snapshotId: scan.snapshot?.snapshotId,
      dataFiles: tasks.length,
      skippedDataFiles: report.skippedDataFiles,
      deleteFiles: report.resultDeleteFiles,
      bytes: report.resultFileSizeInBytes,
      records: tasks.reduce((sum, task) => sum + task.dataFile.recordCount, 0n),
    });
    const { store, metadata } = table;
    return this.#relations.view({ store, metadata, tasks, ...columns }, use);
  }
}

function requestOn(ref: string | undefined): TableRequest {
  return ref === undefined ? {} : { ref };
}
