import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import { LakehouseError } from "../errors.js";
import {
  bind,
  type ChangedRows,
  changelogSchema,
  type MergeRequest,
  type NestedField,
  type RowEngine,
  type RowMerge,
  type RowsRequest,
  type ScanOptions,
  type ScanPlan,
  type ScanTask,
  schemaToArrow,
  type Table,
  type TableScan,
} from "../iceberg/index.js";
import { openFileCache } from "../storage/index.js";
import { type ChangesOptions, changesSql } from "./changes.js";
import { ask, type DuckDBOptions, openDuckDB } from "./duckdb.js";
import { readError, sqlError } from "./errors.js";
import { execute } from "./execute.js";
import { metadataTable } from "./metadata-tables.js";
import type { RelationInput } from "./relation/relation.js";
import { keyText, Relations, type Use } from "./relation/relations.js";
import { whereSql } from "./relation/where.js";
import type { QueryResult } from "./result.js";
import { openMerge } from "./row-merge.js";
import { RowReader } from "./row-reader.js";
import { allColumns, scanColumns } from "./scan-columns.js";
import { applyEdits, type Edit } from "./sql/edits.js";
import { columnEdits, isShowTables, parseStatement } from "./sql/parse.js";
import { pushedFilter } from "./sql/pushdown.js";
import {
  findReferences,
  type StatementReferences,
  splitExplain,
  type TableReference,
} from "./sql/statement.js";
import { prepareText } from "./sql/time-travel.js";
import { quoteIdentifier, quoteString, toByteString } from "./sql/tokens.js";

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
  readonly cache?: { readonly dir: string; readonly maxBytes: number };
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
  close(): Promise<void>;
}

export async function openDuckDBEngine(options: QueryEngineOptions): Promise<QueryEngine> {
  const scratch = join(tmpdir(), `sololakehouse-${randomUUID()}`);
  const { allowedDirectories } = options;
  const allowed = allowedDirectories && { allowedDirectories: [...allowedDirectories, scratch] };
  return new DuckDBEngine(await openDuckDB({ ...options, ...allowed }), options, scratch);
}

/** Scan plans remembered: by table state and filter, so a repeated query does not read manifests again. */
const MAX_PLANS = 256;

type SnapshotChoice = Pick<ScanOptions, "snapshotId" | "ref" | "asOf">;

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
  readonly #plans = new Map<string, Promise<ScanPlan>>();

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
    const prepared = prepareText(source);
    const { prefix, body } = splitExplain(prepared.text);
    const inBody = (position: number) => prepared.original(prefix.length + position);
    return this.#relations.use(async (use) => {
      const statement = await parseStatement(use.connection, body, source, inBody);
      const edits: readonly Edit[] = isShowTables(statement)
        ? [{ start: 0, end: body.length, text: await this.#showTables(options) }]
        : await this.#edits(findReferences(statement, body, prepared.special), body, options, use);
      const final = applyEdits(body, edits);
      const onError = (error: unknown) =>
        sqlError(error, source, (position) => inBody(final.original(Math.max(0, position - prefix.length))));
      return execute(use.connection, { ...use, bytes: prefix + final.text, onError });
    });
  }

  async scan(table: Table, scan: TableScan, options: ScanRowsOptions = {}): Promise<QueryResult> {
    const bound = bind(scan.tableSchema, scan.filter, { caseSensitive: scan.caseSensitive });
    const { where } = options;
    const columns =
      where === undefined ? scanColumns(scan, bound) : { fields: allColumns(scan), filter: bound };
    const selected = [...scan.schema.fields, ...scan.metadataColumns];
    return this.#relations.use(async (use) => {
      const view = await this.#view(table, scan, use, {
        fields: columns.fields,
        metadataColumns: scan.metadataColumns,
        tasks: options.tasks,
      });
      const names = [...columns.fields.slice(0, scan.schema.fields.length), ...scan.metadataColumns].map(
        ({ name }) => quoteIdentifier(name),
      );
      const head = `SELECT ${names.join(", ")} FROM ${view} WHERE ${whereSql(columns.filter)}`;
      const rows = options.limit ?? scan.limit;
      const limit = rows === undefined ? "" : ` LIMIT ${rows}`;
      const bytes = toByteString(`${head}${where === undefined ? "" : ` AND (${where}\n)`}${limit}`);
      const onError =
        where === undefined
          ? readError(table.name)
          : (error: unknown) =>
              sqlError(error, toByteString(where), (at) => at - head.length - " AND (".length);
      return execute(use.connection, { ...use, bytes, onError, schema: schemaToArrow({ fields: selected }) });
    });
  }

  async changes(table: Table, options: ChangesOptions = {}): Promise<QueryResult> {
    return this.#relations.use(async (use) => {
      const { sql, order } = await this.#changes(table, options, use);
      return execute(use.connection, {
        ...use,
        bytes: toByteString(`${sql} ORDER BY ${order.join(", ")}`),
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
    references: StatementReferences,
    body: string,
    options: SqlOptions,
    use: Use,
  ): Promise<Edit[]> {
    const edits = columnEdits(references, body);
    for (const reference of references.tables) {
      const sql = await this.#tableSql(reference, options, use);
      if (sql === undefined) continue;
      const name = quoteIdentifier(reference.parts.at(-1) ?? "");
      const alias = reference.mayAlias && !reference.alias ? ` AS ${name}` : "";
      edits.push({ start: reference.start, end: reference.end, text: toByteString(sql + alias) });
    }
    return edits;
  }

  /** What stands for a reference in the statement; `undefined` for what is DuckDB's own. */
  async #tableSql(reference: TableReference, options: SqlOptions, use: Use): Promise<string | undefined> {
    const { parts } = reference;
    const request = requestOn(reference.ref ?? options.ref);
    const state = await snapshotOf(reference, options, use.connection);
    const table = await this.#options.resolve(parts, request);
    if (table) {
      const scan = table.scan(state);
      const filter = pushedFilter(reference, scan.schema.fields);
      const view = await this.#view(table, filter ? table.scan({ ...state, filter }) : scan, use);
      return withVariants(view, scan.schema.fields, reference.mayAlias);
    }
    const owner = parts.length > 1 ? await this.#options.resolve(parts.slice(0, -1), request) : undefined;
    if (owner && parts.at(-1)?.toLowerCase() === "changes") {
      const filter = pushedFilter(reference, changelogSchema(owner.metadata).fields);
      const to = owner.scan(state).snapshot?.snapshotId;
      const { sql } = await this.#changes(owner, { to, filter, caseSensitive: false }, use);
      return reference.mayAlias ? `(${sql})` : sql;
    }
    const metadata = owner && (await metadataTable(owner, parts.at(-1) ?? "", owner.scan(state).snapshot));
    if (metadata) return reference.mayAlias ? `(${metadata})` : metadata;
    if (["information_schema", "pg_catalog"].includes(parts[0]?.toLowerCase() ?? "")) return undefined;
    throw new LakehouseError({
      code: "NO_SUCH_TABLE",
      subject: parts.join("."),
      message: `There is no table ${parts.join(".")}${request.ref === undefined ? "" : ` on ${request.ref}`}.`,
      remedy: "SHOW TABLES lists them.",
    });
  }

  /** The view that stands for a scan: planned, its files at hand. */
  async #view(
    table: Table,
    scan: TableScan,
    use: Use,
    { tasks: given, ...columns }: ViewOptions = { fields: scan.schema.fields },
  ): Promise<string> {
    const filter = keyText(scan.filter);
    const files = given?.map(({ dataFile, deleteFiles }) =>
      [dataFile, ...deleteFiles].map((file) => file.filePath),
    );
    const rows = [table.metadataLocation, scan.snapshot?.snapshotId, filter, scan.limit, keyText(files)].join(
      "\n",
    );
    const { tasks, report } = given ? givenPlan(given) : await this.#plan(rows, scan);
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
    return this.#relations.view(`${rows}\n${keyText(columns)}`, { store, metadata, tasks, ...columns }, use);
  }

  #plan(key: string, scan: TableScan): Promise<ScanPlan> {
    const known = this.#plans.get(key);
    if (known) return known;
    const plan = scan.planAll();
    this.#plans.set(key, plan);
    plan.catch(() => this.#plans.delete(key));
    if (this.#plans.size > MAX_PLANS) this.#plans.delete(this.#plans.keys().next().value ?? "");
    return plan;
  }
}

/** What a plan says that was made elsewhere: nothing was left out of it here. */
function givenPlan(tasks: readonly ScanTask[]): {
  readonly tasks: readonly ScanTask[];
  readonly report: Pick<
    ScanPlan["report"],
    "skippedDataFiles" | "resultDeleteFiles" | "resultFileSizeInBytes"
  >;
} {
  return {
    tasks,
    report: {
      skippedDataFiles: 0,
      resultDeleteFiles: new Set(tasks.flatMap((task) => task.deleteFiles)).size,
      resultFileSizeInBytes: tasks.reduce((sum, task) => sum + task.dataFile.fileSizeInBytes, 0n),
    },
  };
}

/** The view with its variants as DuckDB's own: `v.name` and `v::JSON` work then, and as a result they are JSON text. */
function withVariants(view: string, fields: readonly NestedField[], mayAlias: boolean): string {
  const variants = fields
    .filter(({ type }) => type.type === "variant")
    .map(({ name }) => quoteIdentifier(name));
  if (variants.length === 0) return view;
  const columns = variants.map(
    (name) =>
      `CASE WHEN ${name} IS NULL THEN NULL ELSE variant_bytes_to_variant(${name}.metadata || ${name}."value") END AS ${name}`,
  );
  const sql = `SELECT * REPLACE (${columns.join(", ")}) FROM ${view}`;
  return mayAlias ? `(${sql})` : sql;
}

function requestOn(ref: string | undefined): TableRequest {
  return ref === undefined ? {} : { ref };
}

/** The state that a reference asks for, else the query's; the timestamp is any expression that DuckDB understands. */
async function snapshotOf(
  { version, timestamp }: TableReference,
  options: SqlOptions,
  connection: DuckDBConnection,
): Promise<SnapshotChoice> {
  if (typeof version === "bigint") return { snapshotId: version };
  if (version !== undefined) return { ref: version };
  if (timestamp === undefined) return options.at === undefined ? {} : { asOf: options.at };
  try {
    const [[ms] = []] = await ask(connection, `SELECT epoch_ms(CAST((${timestamp}) AS TIMESTAMPTZ))`);
    if (ms !== null && ms !== undefined) return { asOf: BigInt(ms) };
  } catch (error) {
    throw sqlError(error, toByteString(timestamp), () => 0);
  }
  throw new LakehouseError({
    code: "INVALID_SQL",
    subject: timestamp,
    message: `${timestamp} is no point in time.`,
    remedy: "Write it as '2024-03-01 12:00:00'.",
  });
}
