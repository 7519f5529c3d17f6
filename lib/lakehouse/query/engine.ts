import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import { LakehouseError } from "../errors.js";
import {
  allFields,
  type BoundExpression,
  bind,
  fieldById,
  LAST_UPDATED_SEQUENCE_NUMBER,
  type NestedField,
  type RemainingRows,
  ROW_ID,
  type RowEngine,
  referencedFieldIds,
  type ScanOptions,
  type ScanPlan,
  type Schema,
  schemaToArrow,
  type Table,
  type TableMetadata,
  type TableScan,
} from "../iceberg/index.js";
import { type ObjectStore, openFileCache } from "../storage/index.js";
import { ask, type DuckDBOptions, openDuckDB } from "./duckdb.js";
import { sqlError } from "./errors.js";
import { execute } from "./execute.js";
import { LocalFiles } from "./local-files.js";
import { metadataTable } from "./metadata-tables.js";
import type { RelationInput, RelationTask } from "./relation/relation.js";
import { RelationViews } from "./relation/views.js";
import { whereSql } from "./relation/where.js";
import type { QueriedTable, QueryResult } from "./result.js";
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

/** SQL over tables. `close` it when done: it holds memory and files. */
export interface QueryEngine extends RowEngine {
  /**
   * Runs one query. Names are `namespace.table`, at any depth, with `@ref` for a branch of the catalog; state is
   * chosen with `FOR VERSION AS OF <snapshot id | 'ref'>` or `FOR TIMESTAMP AS OF '…'`; `namespace.table.snapshots`
   * and its like read metadata. Writes are refused.
   *
   * @throws LakehouseError INVALID_SQL, with the place in the text; NO_SUCH_TABLE; NO_SUCH_SNAPSHOT.
   */
  sql(text: string, options?: SqlOptions): Promise<QueryResult>;
  /** The rows of a scan: its columns, in the table's own Arrow schema, where its filter is true, deletes applied. */
  scan(table: Table, scan: TableScan): Promise<QueryResult>;
  close(): Promise<void>;
}

/**
 * Opens a query engine: an in-memory DuckDB that reads the data files which our own planner chose.
 *
 * @example
 * const engine = await openQueryEngine({ resolve: (name) => catalog.loadTable(name.join(".")) });
 * const result = await engine.sql("SELECT count(*) AS flights FROM flights.bronze_flights");
 * console.log(await result.format("table"));
 */
export async function openQueryEngine(options: QueryEngineOptions): Promise<QueryEngine> {
  return new DuckDBEngine(await openDuckDB(options), options);
}

/** Scan plans remembered: by table state and filter, so a repeated query does not read manifests again. */
const MAX_PLANS = 256;

const NAME_MAPPING = "schema.name-mapping.default";

type SnapshotChoice = Pick<ScanOptions, "snapshotId" | "ref" | "asOf">;

/** What one query holds until its result was read. */
class Use {
  readonly tables: QueriedTable[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(readonly connection: DuckDBConnection) {
    this.#ends.push(() => connection.closeSync());
  }

  onRelease(end: () => void): void {
    this.#ends.push(end);
  }

  readonly release = (): void => {
    for (const end of this.#ends.splice(0)) end();
  };
}

class DuckDBEngine implements QueryEngine {
  readonly #instance: DuckDBInstance;
  readonly #options: QueryEngineOptions;
  readonly #views: RelationViews;
  readonly #files: LocalFiles;
  readonly #plans = new Map<string, Promise<ScanPlan>>();

  constructor(instance: DuckDBInstance, options: QueryEngineOptions) {
    this.#instance = instance;
    this.#options = options;
    this.#views = new RelationViews(instance);
    this.#files = new LocalFiles(options.cache && openFileCache(options.cache));
  }

  async sql(text: string, options: SqlOptions = {}): Promise<QueryResult> {
    const source = toByteString(text);
    const prepared = prepareText(source);
    const { prefix, body } = splitExplain(prepared.text);
    const inBody = (position: number) => prepared.original(prefix.length + position);
    return this.#use(async (use) => {
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

  async scan(table: Table, scan: TableScan): Promise<QueryResult> {
    const filter = bind(scan.tableSchema, scan.filter, { caseSensitive: scan.caseSensitive });
    const fields = fieldsFor(scan, filter);
    return this.#use(async (use) => {
      const view = await this.#view(table, scan, use, fields);
      const columns = scan.schema.fields.map((field) => quoteIdentifier(field.name)).join(", ");
      const where = filter.type === "true" ? "" : ` WHERE ${whereSql(filter)}`;
      const bytes = toByteString(`SELECT ${columns} FROM ${view}${where}`);
      const onError = (error: unknown) => sqlError(error, bytes, () => 0);
      return execute(use.connection, { ...use, bytes, onError, schema: schemaToArrow(scan.schema) });
    });
  }

  async *remainingRows(request: RemainingRows): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    const { store, metadata, tasks, where, schema } = request;
    refuseLoss(schema);
    const lineage = metadata.formatVersion >= 3;
    const fields = lineage ? [...schema.fields, ROW_ID, LAST_UPDATED_SEQUENCE_NUMBER] : schema.fields;
    const key = tasks.flatMap((task) => [
      task.dataFile.filePath,
      ...task.deleteFiles.map((file) => file.filePath),
    ]);
    const result = await this.#use(async (use) => {
      const rest = { fields: schema.fields, nameMapping: metadata.properties[NAME_MAPPING], lineage };
      const view = await this.#relation(
        ["rows", lineage, keyText(fields), ...key].join("\n"),
        store,
        metadata,
        tasks,
        rest,
        use,
      );
      const filter = whereSql(bind(schema, where));
      const bytes = toByteString(`SELECT * FROM ${view} WHERE (${filter}) IS NOT TRUE`);
      const onError = (error: unknown) => sqlError(error, bytes, () => 0);
      return execute(use.connection, { ...use, bytes, onError, schema: schemaToArrow({ fields }) });
    });
    yield* result.batches();
  }

  async close(): Promise<void> {
    await this.#views.close();
    await this.#files.close();
    this.#instance.closeSync();
  }

  async #use(work: (use: Use) => Promise<QueryResult>): Promise<QueryResult> {
    const use = new Use(await this.#instance.connect());
    try {
      return await work(use);
    } catch (error) {
      use.release();
      throw error;
    }
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
      return this.#view(table, filter ? table.scan({ ...state, filter }) : scan, use);
    }
    const owner = parts.length > 1 ? await this.#options.resolve(parts.slice(0, -1), request) : undefined;
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
    fields: readonly NestedField[] = scan.schema.fields,
  ): Promise<string> {
    const filter = keyText(scan.filter);
    const rows = [table.metadataLocation, scan.snapshot?.snapshotId, filter, scan.limit].join("\n");
    const { tasks, report } = await this.#plan(rows, scan);
    use.tables.push({
      name: table.name,
      snapshotId: scan.snapshot?.snapshotId,
      dataFiles: tasks.length,
      skippedDataFiles: report.skippedDataFiles,
      deleteFiles: report.resultDeleteFiles,
      bytes: report.resultFileSizeInBytes,
      records: tasks.reduce((sum, task) => sum + task.dataFile.recordCount, 0n),
    });
    const rest = { fields, nameMapping: table.properties[NAME_MAPPING] };
    return this.#relation(`${rows}\n${keyText(fields)}`, table.store, table.metadata, tasks, rest, use);
  }

  /** The view of some files' rows, as long as `use` lasts. */
  async #relation(
    key: string,
    store: ObjectStore,
    metadata: TableMetadata,
    tasks: readonly RelationTask[],
    rest: Pick<RelationInput, "fields" | "nameMapping" | "lineage">,
    use: Use,
  ): Promise<string> {
    const equality = tasks.flatMap((task) =>
      task.deleteFiles.filter((file) => file.content === "equality-deletes"),
    );
    const files = await this.#files.hold(store, [
      ...tasks.map((task) => task.dataFile),
      ...new Set(equality),
    ]);
    use.onRelease(() => files.release());
    const fieldType = (id: number) =>
      metadata.schemas.map((schema) => fieldById(schema, id)?.type).find((type) => type !== undefined);
    const input = { ...rest, store, tasks, paths: files.paths, fieldType };
    const view = await this.#views.view(`${key}\n${files.signature}`, input);
    use.onRelease(view.release);
    return view.name;
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

/** JSON, with the bigints that it has no form for. */
function keyText(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));
}

/** The scan's columns, and after them whole the columns that only its filter needs. */
function fieldsFor(scan: TableScan, filter: BoundExpression): NestedField[] {
  const used = referencedFieldIds(filter);
  const needed = scan.tableSchema.fields.filter((field) =>
    [...allFields({ fields: [field] })].some((location) => used.has(location.field.id)),
  );
  const fields = [...scan.schema.fields];
  for (const field of needed) {
    const selected = fields.find(({ id }) => id === field.id);
    if (!selected) fields.push(field);
    else if (keyText(selected) !== keyText(field)) {
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

/** DuckDB reads `timestamptz_ns` in microseconds. Who reads may live with that; what is written back must be whole. */
function refuseLoss(schema: Schema): void {
  for (const { field, name } of allFields(schema)) {
    if (field.type.type !== "timestamptz_ns") continue;
    throw new LakehouseError({
      code: "UNSUPPORTED_FEATURE",
      subject: name,
      message: `Rows with ${name} (timestamptz_ns) cannot be rewritten: their nanoseconds would be lost.`,
      remedy: "Delete whole partitions or files, or merge-on-read.",
    });
  }
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
