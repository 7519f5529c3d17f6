import {
  branchingOf,
  type CreateOrReplaceOptions,
  createOrReplaceTable,
  type LoadedView,
  type RefExpression,
  type TableName,
  tableExists,
} from "./catalog/index.js";
import { createTableAs } from "./create-table-as.js";
import { type Abortable, invalidArgument } from "./errors.js";
import { checkHealth, type PartHealth } from "./health.js";
import {
  InferredSchema,
  type IngestOptions,
  type RowColumn,
  requireFit,
  type Source,
  Table,
  TableScan,
} from "./iceberg/index.js";
import {
  CHANGES_OPTIONS,
  CREATE_OR_REPLACE_OPTIONS,
  type CreateTableAsOptions,
  NEW_TABLE_OPTIONS,
  type NewTableOptions,
  SCAN_ROWS_OPTIONS,
  SQL_OPTIONS,
  type TableOptions,
} from "./lakehouse-options.js";
import { NamesAndBranches } from "./names-and-branches.js";
import { ensureNamespace } from "./namespaces.js";
import { collectMetrics, type MetricReading, type Metrics } from "./observability/index.js";
import { checkOptions } from "./options.js";
import type { Profile } from "./profile.js";
import {
  type ChangesOptions,
  type NewViewOptions,
  Query,
  type QueryEngine,
  type QueryResult,
  type ScanRowsOptions,
  type SqlFragment,
  type SqlOptions,
  type SqlPart,
  type SqlRow,
  sql,
} from "./query/index.js";
import { type LakehouseParts, metrics } from "./rooms.js";
import type { ObjectStore } from "./storage/index.js";

/**
 * An open lakehouse, seen on one branch: `main` at first, another with `on`. `close` it when done: it holds a
 * database connection and DuckDB's memory.
 *
 * @example
 * const etl = await lake.branch("etl");                 // costs nothing, copies nothing
 * await (await etl.table("flights.silver")).append(rows);
 * await lake.sql("select count(*) from flights.silver@etl"); // main does not see it
 * await lake.diff("main", "etl");                        // flights.silver, with rows before and after
 * await lake.merge("etl");                               // now it does
 */
export class Lakehouse extends NamesAndBranches implements AsyncDisposable {
  readonly #parts: LakehouseParts;
  /** A view has a lakehouse that it is a view of, and that closes what they share. */
  readonly #isView: boolean;
  readonly #metrics: Metrics;

  /** `openLakehouse` makes one. */
  constructor(parts: LakehouseParts, viewOf?: Lakehouse) {
    super(parts, parts.closing);
    this.#parts = parts;
    this.#isView = viewOf !== undefined;
    this.#metrics =
      viewOf === undefined
        ? parts.closing.open(
            () => collectMetrics(metrics),
            async ({ stop }) => stop(),
          )
        : viewOf.#metrics;
  }

  get profile(): Profile {
    return this.#parts.profile;
  }

  /** Where the tables' files are. */
  get store(): ObjectStore {
    return this.#parts.store;
  }

  /**
   * Runs a statement, in DuckDB's dialect: a query, or one that writes, which is one commit on the branch that `ref` or the
   * name says, and answers with `Count`. Names are `namespace.table`, with `@ref` for a branch, tag or commit (`silver@etl`,
   * `silver@"main~3"`), and `FOR VERSION AS OF` or `FOR TIMESTAMP AS OF` for the past of the table itself.
   *
   * Values are given as parameters, `?`, `$1` or `$name`, or in a template. They are values and never SQL, and leave
   * out files as constants do.
   *
   * @example
   * await lake.sql("select * from flights.silver where origin = $origin", { params: { origin } });
   * await lake.sql`select * from flights.silver where origin = ${origin} and delay = any(${delays})`;
   * await lake.sql(sql`select ${identifier(column)} from flights.silver where delay > ${limit}`, { ref: "etl" });
   */
  sql(query: string | SqlFragment, options?: SqlOptions): Query;
  sql(template: TemplateStringsArray, ...parts: readonly SqlPart[]): Query;
  // The type of the rows is what a caller says, and never what the place of the call would like it to be.
  sql<Row extends object>(query: string | SqlFragment, options?: SqlOptions): Query<Row>;
  sql<Row extends object>(template: TemplateStringsArray, ...parts: readonly SqlPart[]): Query<Row>;
  sql<Row extends object = SqlRow>(
    query: string | SqlFragment | TemplateStringsArray,
    ...rest: readonly unknown[]
  ): Query<Row> {
    if (isTemplate(query)) {
      return this.#query<Row>(async () => this.sql(sql(query, ...(rest as readonly SqlPart[]))));
    }
    const [options = {}] = rest as readonly [SqlOptions?];
    return this.#query<Row>(async () => {
      checkOptions("sql", options, SQL_OPTIONS);
      return this.#parts.engine.sql(query, { ...options, ref: options.ref ?? this.#queryRef });
    });
  }

  /** The rows of a table's scan, as Arrow batches or rows, with deletes applied. */
  read<Row extends object = SqlRow>(
    table: Table,
    scan?: TableScan,
    options: ScanRowsOptions = {},
  ): Query<Row> {
    return this.#query<Row>(async () => {
      checkTable("read", table);
      checkOptions("read", options, SCAN_ROWS_OPTIONS);
      if (scan !== undefined && !(scan instanceof TableScan))
        throw invalidArgument("read", "What to read is no scan of a table.", "Give table.scan(…).");
      return this.#parts.engine.scan(table, scan ?? table.scan(), options);
    });
  }

  /**
   * The rows that came and went between two snapshots of a table (`from` is left out, `to` is in; by default all of its
   * history), whichever way they were deleted: with the table's columns, `_change_type` (`INSERT`, `DELETE`; with a key,
   * which the schema's identifier fields are by default, also `UPDATE_BEFORE` and `UPDATE_AFTER`), `_change_ordinal` (0
   * for the oldest snapshot of the range) and `_commit_snapshot_id`. Oldest first, what goes before what comes. In SQL
   * the same is `SELECT * FROM namespace.table.changes`, up to `FOR VERSION AS OF`, in no order.
   *
   * @throws LakehouseError NO_SUCH_SNAPSHOT, INVALID_ARGUMENT when `from` is no ancestor of `to`.
   * @example
   * const changes = lake.changes(orders, { from: seen.snapshotId, on: ["id"] });
   * for await (const row of changes) console.log(row._change_type, row.id, row.status);
   */
  changes<Row extends object = SqlRow, TableRow = Record<string, unknown>>(
    table: Table<TableRow>,
    options: ChangesOptions<RowColumn<TableRow>> = {},
  ): Query<Row> {
    return this.#query<Row>(async () => {
      checkTable("changes", table);
      checkOptions("changes", options, CHANGES_OPTIONS);
      return this.#parts.engine.changes(table as unknown as Table, options);
    });
  }

  /** Makes a table, and its namespace where that is missing. The schema gives the row type that `append` takes. */
  async createTable<Row = Record<string, unknown>>(
    name: TableName,
    given: NewTableOptions<Row>,
  ): Promise<Table<Row>> {
    checkOptions("createTable", given ?? {}, NEW_TABLE_OPTIONS);
    const { ifExists = "fail", ...options } = given ?? {};
    await ensureNamespace(this.catalog, name);
    const create = async () => (await this.catalog.createTable<Row>(name, options)).withEngine(this.#engine);
    try {
      return await create();
    } catch (error) {
      if (ifExists === "fail" || !tableExists.is(error)) throw error;
      if (ifExists === "keep") return this.table<Row>(name);
      await this.catalog.dropTable(name, { purge: true });
      return create();
    }
  }

  /**
   * Makes a table with these rows, or another one of the table of that name, which keeps its history: earlier
   * snapshots can be read, and made current again. One commit: nobody sees the table gone, empty or half.
   *
   * @throws LakehouseError COMMIT_CONFLICT, TABLE_EXISTS when another was faster; SCHEMA_MISMATCH.
   */
  async createOrReplaceTable<Row = Record<string, unknown>>(
    name: TableName,
    options: Omit<CreateOrReplaceOptions<Row>, "engine" | "ifExists">,
  ): Promise<Table<Row>> {
    await ensureNamespace(this.catalog, name);
    checkOptions("createOrReplaceTable", options, CREATE_OR_REPLACE_OPTIONS);
    return createOrReplaceTable(this.catalog, this.store, name, { ...options, engine: this.#engine });
  }

  /**
   * The schema that `createTableAs` would give a table of this source, to look at before anything is written: it prints
   * as a column a line. All of the source is read; the narrowest type that holds every value of a column is its type, all
   * columns are optional, and text of CSV that would not come back as it is (`00501`) stays text.
   *
   * Of data that can be read only once (a generator, a stream), this takes the first 10,000 rows.
   *
   * @throws LakehouseError INVALID_ARGUMENT where nothing tells columns, or a column is of several kinds;
   *   OBJECT_NOT_FOUND, CORRUPT_FILE, INVALID_SQL.
   * @example
   * console.log(await lake.inferSchema("raw/weather.csv"));
   */
  async inferSchema(
    source: Source<unknown>,
    options: Pick<IngestOptions, "cast"> = {},
  ): Promise<InferredSchema> {
    checkOptions("inferSchema", options, { cast: true });
    const { schema } = await this.#parts.engine.inferSource({
      ...options,
      source: source as Source,
      store: this.store,
      ref: this.#queryRef,
    });
    return new InferredSchema(schema);
  }

  /**
   * Makes a table of the rows of a query, of files or of data at hand, and its namespace where that is missing, in one
   * commit: nobody sees it empty or half. Its schema is what `inferSchema` says, unless one is given.
   *
   * @throws LakehouseError TABLE_EXISTS; SCHEMA_MISMATCH for rows that do not fit; and as `inferSchema`.
   * @example
   * await lake.createTableAs("weather.daily", "raw/weather.csv", { partitionSpec: [month("date")] });
   * await lake.createTableAs("weather.hot", "select * from weather.daily where temp_max > 30");
   */
  async createTableAs<Row = Record<string, unknown>>(
    name: TableName,
    source: Source<unknown>,
    options: CreateTableAsOptions<Row> = {},
  ): Promise<Table<Row>> {
    return createTableAs(
      { catalog: this.catalog, store: this.store, engine: this.#engine, ref: this.#queryRef },
      name,
      source as Source,
      options,
    );
  }

  /** The ref of queries that say none. */
  get #queryRef(): RefExpression | undefined {
    return this.#isView ? this.ref : undefined;
  }

  /** What reads rows for tables of this lakehouse: with the names of queries looked up where it is. */
  get #engine(): QueryEngine {
    const { engine } = this.#parts;
    if (!this.#isView) return engine;
    return { ...engine, readSource: (request) => engine.readSource({ ref: this.ref, ...request }) };
  }

  /**
   * A table, able to read its own rows: what deletes and overwrites by predicate need.
   *
   * @param options `schema`: a declared one, which gives the row type and is held against the table's.
   * @throws LakehouseError NO_SUCH_TABLE, with the nearest name there is; SCHEMA_MISMATCH with all that differs from the
   *   declared schema: columns, types, nulls.
   * @example
   * const flights = await lake.table("flights.demo", { schema }); // Table<Flight>, or an error that says why not
   */
  async table<Row = Record<string, unknown>>(
    name: TableName,
    options: TableOptions<Row> = {},
  ): Promise<Table<Row>> {
    checkOptions("table", options, { schema: true });
    const table = (await this.catalog.loadTable<Row>(name)).withEngine(this.#engine);
    if (options.schema !== undefined) requireFit(table.name, table.schema, options.schema);
    return table;
  }

  /**
   * The rows that a reader of a table finds: deletes are applied. Metadata tells them for most tables; files of which
   * nobody knows how many rows are deleted are read, as after another engine's equality deletes.
   */
  async countRows(table: Table, options: Abortable = {}): Promise<bigint> {
    checkTable("countRows", table);
    checkOptions("countRows", options, { signal: true });
    return this.#parts.countRows(table, options);
  }

  /**
   * Makes a view of a query, and its namespace where that is missing: SQL reads it as a table. Its tables are those of the
   * branch that the view is read on. Values of parameters become part of it. `CREATE VIEW` does the same.
   *
   * @throws LakehouseError VIEW_EXISTS, TABLE_EXISTS; INVALID_SQL for a query that cannot be read.
   * @example
   * await lake.createView("flights.late", sql`select * from flights.bronze where delay > ${15}`, { ifExists: "replace" });
   * await lake.sql("select count(*) from flights.late@etl"); // of flights.bronze@etl
   */
  async createView(
    name: TableName,
    query: string | SqlFragment,
    options: NewViewOptions = {},
  ): Promise<LoadedView> {
    checkOptions("createView", options, {
      params: true,
      ifExists: true,
      columns: true,
      comment: true,
      signal: true,
    });
    await ensureNamespace(this.catalog, name);
    // It brings Arrow along, which opening a lakehouse does not take.
    const { defineView } = await import("./query/index.js");
    return defineView(this.#parts.engine, this.catalog, name, query, { ...options, ref: this.#queryRef });
  }

  /** The same lakehouse, seen on another branch, tag or commit. On a tag or an older commit it only reads. */
  on(ref: RefExpression): Lakehouse {
    return new Lakehouse({ ...this.#parts, catalog: branchingOf(this.catalog).on(ref) }, this);
  }

  // Housekeeping

  /** Whether each part answers, and how quickly. Never throws for a part that is down: that is what it reports. */
  health(): Promise<PartHealth[]> {
    return checkHealth(this.#parts);
  }

  /**
   * What this process has done since the lakehouse was opened: requests to its store, commits, files that plans read and
   * left out, queries. Each room says which metrics it has.
   */
  metrics(): MetricReading[] {
    return this.#metrics.read();
  }

  /**
   * Ends everything that this lakehouse and its views share: queries that run, and results that are still read, end in
   * CLOSED. On a view it does nothing. `await using lake = await openLakehouse()` calls it.
   */
  async close(): Promise<void> {
    if (this.#isView) return;
    await this.#parts.closing.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What rows are is said by whoever asks. */
  #query<Row extends object>(run: () => Promise<QueryResult>): Query<Row> {
    return new Query(run as () => Promise<QueryResult<Row>>);
  }
}

declare module "./orchestration/model/step.js" {
  interface FrontDoor {
    readonly lakehouse: Lakehouse;
  }
}

/** Types do not hold in JavaScript, where a table's name is soon given. */
function checkTable(call: string, table: unknown): void {
  if (table instanceof Table) return;
  throw invalidArgument(call, `${call} takes a table, as lake.table(name) gives it.`);
}

function isTemplate(query: string | SqlFragment | TemplateStringsArray): query is TemplateStringsArray {
  return Array.isArray(query) && "raw" in query;
}
