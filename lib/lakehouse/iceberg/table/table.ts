import { type AppendData, isRereadable } from "../files/data/append-data.js";
import type { IngestOptions, Source } from "../files/data/source.js";
import type { Expression } from "../model/expressions/types.js";
import { MAIN_BRANCH } from "../model/metadata/parse.js";
import { TABLE_PROPERTIES } from "../model/metadata/properties.js";
import type { SnapshotId, TableMetadata } from "../model/metadata/types.js";
import type { RowColumn } from "../model/schema/builders.js";
import { type CommitOptions, commitUpdates, retriesOf, runAgain } from "./commit.js";
import { replaceTable, type TableReplacement } from "./evolution/replace.js";
import type { AddFilesOptions } from "./operations/add-files.js";
import type { AppendOptions } from "./operations/append.js";
import { type ExpireOptions, type Expiry, expireSnapshots, whatExpires } from "./operations/expire.js";
import {
  FileChange,
  type OverwriteOptions,
  type SnapshotOptions,
  type TableState,
} from "./operations/file-change.js";
import type { RowMergeOptions, UpsertOptions } from "./operations/merge.js";
import { type RewriteFiles, rewriteFiles, rewriteManifests, truncate } from "./operations/operations.js";
import { removeOrphans } from "./operations/orphans.js";
import {
  CherryPick,
  createRef,
  fastForward,
  type NewRef,
  type Retention,
  removeRef,
  rollback,
  setBranch,
  setRetention,
} from "./operations/refs.js";
import type { RowChange, RowChangeOptions } from "./operations/row-changes.js";
import type { RowDelta } from "./operations/row-delta.js";
import { type Assignments, type RowEngine, requireEngine, rowsOf } from "./operations/row-engine.js";
import type { ScanOptions } from "./scan/scan.js";
import type { PendingUpdate } from "./snapshot/pending.js";
import type { SnapshotChange } from "./snapshot/producer.js";
import type { StreamOptions } from "./stream/options.js";
import type { StreamWriter } from "./stream/stream-writer.js";
import { TableVersion } from "./table-version.js";
import { Transaction } from "./transaction.js";
import type { LoadedTable, OrphanOptions, OrphanReport } from "./updates/types.js";

/** Loaded when it is first needed, as its module says. */
const rowOperations = () => import("./operations/rows.js");

/** A merge names all that it wants, so that it means the same whatever the table holds: it is made again unasked. */
const MERGE_RETRIES = Number(TABLE_PROPERTIES["commit.retry.num-retries"].fallback);

/**
 * A table, as one version of its metadata describes it. Immutable: what changes the table gives a new `Table`, and
 * this one goes on showing what it showed.
 *
 * @example
 * const flights = await catalog.createTable("flights.bronze", { schema });
 * const after = await flights.append(rows);
 * const { tasks } = await after.scan({ filter: eq("origin", "ATL") }).planAll();
 */
export class Table<Row = Record<string, unknown>> extends TableVersion<Row> {
  /** The table as it is now. */
  async refresh(): Promise<Table<Row>> {
    return this.#at(await this.committer.load());
  }

  /** The same table with an engine for what has to read rows back. */
  withEngine(engine: RowEngine): Table<Row> {
    return new Table<Row>({ ...this, engine });
  }

  /** This table with other metadata: what a transaction shows of itself. */
  view(metadata: TableMetadata, transaction: TableState["transaction"]): Table<Row> {
    return new Table<Row>({ ...this, metadata, transaction });
  }

  #at(loaded: LoadedTable): Table<Row> {
    return new Table<Row>({ ...this, ...loaded });
  }

  /**
   * Adds rows in one snapshot. Concurrent commits are no obstacle: an append can always go on top.
   *
   * @param data rows of the schema's type, or Arrow data: a table, or batches in an iterable of either kind.
   * @returns the table with the rows. Without rows no snapshot is made.
   * @throws LakehouseError SCHEMA_MISMATCH naming row, column, expected and found; COMMIT_CONFLICT,
   *   COMMIT_STATE_UNKNOWN.
   */
  async append(data: AppendData<Row>, options: AppendOptions & CommitOptions = {}): Promise<Table<Row>> {
    const { append } = await rowOperations();
    return this.#commitChange(await append(this, data, options), options);
  }

  /**
   * Adds the rows of a query, of files or of data at hand, in one snapshot: all of them, or none. Columns go by name.
   * Nothing is rounded, cut or guessed: text is read as the column's type says, and what differs is an error until the
   * options allow for it. Memory stays flat, however large the source is.
   *
   * @throws LakehouseError SCHEMA_MISMATCH for what does not fit, with file, row (from 1, without a header) and column;
   *   OBJECT_NOT_FOUND, CORRUPT_FILE, INVALID_SQL; and as `append`.
   * @example
   * await weather.appendFrom("raw/2024-*.csv.gz");
   * await weather.appendFrom({ ndjson: "raw/today.txt" }, { extraFields: "ignore", cast: { wind: double() } });
   * await weather.appendFrom("select * from staging.weather@etl where temp is not null");
   */
  async appendFrom(
    source: Source<Row>,
    options: IngestOptions & AppendOptions & CommitOptions = {},
  ): Promise<Table<Row>> {
    return this.append(rowsOf(this, source, options), options);
  }

  /**
   * A writer for rows that come one by one: they become files by size and by time, in one commit an interval, which an idle
   * stream's last rows get as well. With a source each row is in the table once, whatever crashes and is written again.
   *
   * @throws LakehouseError POSITION_LOST where nothing tells any more how far the table has come in the source
   * @example
   * await using writer = await readings.stream({ source: "sensor-7" });
   * for await (const { offset, ...row } of sensor.after(writer.position)) await writer.write(row, { offset });
   */
  async stream(options: StreamOptions = {}): Promise<StreamWriter<Row>> {
    const { StreamWriter } = await rowOperations();
    return StreamWriter.open(this, options);
  }

  /**
   * Replaces the rows for which `where` is true by those of `data`, in one snapshot: a day that is loaded again, say.
   * Starts on the table as it is now, not on this view of it.
   *
   * @throws LakehouseError COMMIT_CONFLICT when others changed what the filter covers meanwhile, as far as the isolation
   *   level forbids it; UNSUPPORTED_FEATURE when files match in part and no engine was handed in to rewrite them.
   */
  async overwrite(
    data: AppendData<Row>,
    options: OverwriteOptions & CommitOptions & { readonly where: Expression<RowColumn<Row>> },
  ): Promise<Table<Row>> {
    const { checkOverwrite, replaceRows } = await rowOperations();
    checkOverwrite(options);
    const given = { ...options, mode: "copy-on-write" as const };
    return this.#planned(options, data, (now) => replaceRows(now, options.where, data, given));
  }

  /**
   * Replaces every partition in which `data` has a row, and leaves the others alone. Throws as `overwrite` does;
   * UNSUPPORTED_FEATURE, too, when a file of an older partitioning may have some of the rows that are replaced.
   */
  async overwritePartitions(
    data: AppendData<Row>,
    options: OverwriteOptions & CommitOptions = {},
  ): Promise<Table<Row>> {
    const { overwritePartitions } = await rowOperations();
    return this.#planned(options, data, (now) => overwritePartitions(now, data, options));
  }

  /**
   * Deletes the rows for which `where` is true. Files with no other rows are dropped; the rest is up to the mode, by
   * `write.delete.mode` unless given: files are written again without these rows (copy-on-write), or deletion vectors
   * (v3) or position delete files (v2) are added (merge-on-read). Throws as `overwrite` does.
   */
  async deleteRows(
    where: Expression<RowColumn<Row>>,
    options: RowChangeOptions & CommitOptions = {},
  ): Promise<Table<Row>> {
    const { deleteRows } = await rowOperations();
    return this.#planned(options, [], (now) => deleteRows(now, where, options));
  }

  /**
   * Gives the rows for which `where` is true new values, in the mode of `write.update.mode`. In v3 the rows keep their
   * ids. Throws as `overwrite` does; SCHEMA_MISMATCH for values that do not fit, INVALID_SQL for expressions.
   *
   * @example
   * await flights.updateRows(eq("origin", "ATL"), { delay: { sql: "greatest(delay, 0)" }, checked: true });
   * await flights.updateRows(eq("origin", "ATL"), (row) => ({ delay: Math.abs(row.delay) }));
   */
  async updateRows(
    where: Expression<RowColumn<Row>>,
    set: Assignments<Row>,
    options: RowChangeOptions & CommitOptions = {},
  ): Promise<Table<Row>> {
    const { updateRows } = await rowOperations();
    return this.#planned(options, [], (now) => updateRows(now, where, set, options));
  }

  /**
   * Matches new rows with those of the table by key: updates, deletes or inserts as the options say, in the mode of
   * `write.merge.mode`, in one snapshot. Throws as `overwrite` does; INVALID_ARGUMENT when two of the new rows have the
   * same key, or one has a null in it and `nullKeys` is not `match`.
   *
   * When another commit changed the same files, or added rows in the range of the keys, the merge is made again on the
   * table as it is then: writers of different keys do not disturb each other. Not so where `data` can be read only once
   * (a generator, a stream): then it is a COMMIT_CONFLICT.
   */
  async merge(
    data: AppendData<Row>,
    options: RowMergeOptions<Row> & CommitOptions = {},
  ): Promise<Table<Row>> {
    const { merge } = await rowOperations();
    return this.#planned(options, data, (now) => merge(now, data, options), MERGE_RETRIES);
  }

  /** Merges rows so that afterwards the table has each under its key: updates those it has, and inserts the others. */
  async upsert(data: AppendData<Row>, options: UpsertOptions<Row> & CommitOptions = {}): Promise<Table<Row>> {
    const { UPSERT } = await rowOperations();
    return this.merge(data, { ...options, ...UPSERT });
  }

  /**
   * Commits a change of rows that the caller finds: what SQL's UPDATE, DELETE and MERGE come down to. When another commit
   * is in its way, it is found again on the table as it is then.
   *
   * @internal
   * @param find the change of a table; `undefined` for none.
   */
  async changeRows(
    find: (now: Table<Row>) => Promise<RowChange | undefined>,
    options: RowChangeOptions & CommitOptions = {},
  ): Promise<Table<Row>> {
    const { changeRows } = await rowOperations();
    const plan = async (now: Table<Row>) => {
      const change = await find(now);
      return change && changeRows(now, change, options);
    };
    return this.#planned(options, [], plan, MERGE_RETRIES);
  }

  /**
   * Adds rows and deletes others by key, in one snapshot and without a read of the table: for streams. Deletes apply
   * to rows that were there before, not to those of the same delta: so a row that replaces another is given in both.
   *
   * @throws LakehouseError INVALID_ARGUMENT when the key does not tell the partition of a row.
   * @example
   * await orders.rowDelta({ on: ["id"], deletes: changes.map(({ id }) => ({ id })), rows: changes });
   */
  async rowDelta(delta: RowDelta<Row>, options: SnapshotOptions & CommitOptions = {}): Promise<Table<Row>> {
    const { rowDelta } = await rowOperations();
    return this.#commitChange(await rowDelta(this, delta, options), options);
  }

  /** Deletes all rows. The files stay until their snapshots expire. */
  truncate(options: SnapshotOptions & CommitOptions = {}): Promise<Table<Row>> {
    return this.#commitChange(truncate(this, options), options);
  }

  /** Replaces files by others with the same rows: compaction. @throws LakehouseError COMMIT_CONFLICT when one is gone. */
  rewriteFiles(
    files: RewriteFiles,
    options: SnapshotOptions & CommitOptions & { readonly validateFrom?: SnapshotId } = {},
  ): Promise<Table<Row>> {
    return this.#commitChange(rewriteFiles(this, files, options), options);
  }

  /**
   * Writes the manifests anew, the entries of a partition side by side, so that planning reads fewer of them. Files and
   * rows stay as they are, and other commits are no obstacle.
   */
  rewriteManifests(options: SnapshotOptions & CommitOptions = {}): Promise<Table<Row>> {
    return this.#commitChange(rewriteManifests(this, options), options);
  }

  /**
   * Joins position delete files, as few as `write.delete.granularity` allows, in v3 to deletion vectors, and drops those of
   * data files that are gone. Made again where another commit deletes from the same files meanwhile.
   *
   * @returns the table as it was where there is nothing to join.
   */
  async rewritePositionDeletes(options: SnapshotOptions & CommitOptions = {}): Promise<Table<Row>> {
    const { rewritePositionDeletes } = await rowOperations();
    return this.#planned(options, [], (now) => rewritePositionDeletes(now, options), MERGE_RETRIES);
  }

  /**
   * Adopts Parquet files where they are, by reference, Hive-style folders included, without rewriting them. Files outside
   * the warehouse are read, and never deleted.
   *
   * @param paths paths or URIs of files, or of folders that end in `/`.
   * @throws LakehouseError INVALID_ARGUMENT for a file that is in the table already or whose partition cannot be told;
   *   SCHEMA_MISMATCH for one that does not fit the schema, at any depth; OBJECT_NOT_FOUND, CORRUPT_FILE,
   *   UNSUPPORTED_FEATURE.
   */
  async addFiles(
    paths: readonly string[],
    options: AddFilesOptions & CommitOptions = {},
  ): Promise<Table<Row>> {
    const { addFiles } = await rowOperations();
    const now = await this.refresh();
    return now.update(await addFiles(now, paths, options), options);
  }

  /** Commits a change of files that the caller has written: what the operations above come down to. */
  commitFiles(change: SnapshotChange, options: SnapshotOptions & CommitOptions = {}): Promise<Table<Row>> {
    return this.#commitChange(new FileChange(this, change, options), options);
  }

  /** Plans a change on the table as it is now and commits it; again, where another commit is in the way and that is asked for. */
  #planned(
    options: OverwriteOptions & CommitOptions,
    data: AppendData<Row>,
    plan: (now: Table<Row>) => Promise<FileChange | undefined>,
    otherwise = 0,
  ): Promise<Table<Row>> {
    const once = async (): Promise<Table<Row>> => {
      const now = await this.refresh();
      return now.#commitChange(await plan(now), options);
    };
    if (!isRereadable(data) || typeof options !== "object" || options === null) return once();
    return runAgain(this.metadata, retriesOf(this.metadata, options.retry, otherwise), once);
  }

  async #commitChange(change: FileChange | undefined, options: CommitOptions): Promise<Table<Row>> {
    return change === undefined ? this : this.update([change], options);
  }

  /**
   * Commits updates together, in one step: new snapshots, and changes of schema, spec, properties, references. Each is
   * put on top of what the ones before it make of the table.
   */
  async update(updates: readonly PendingUpdate[], options: CommitOptions = {}): Promise<Table<Row>> {
    return this.#at(await commitUpdates(this.committer, this, updates, options, this.store));
  }

  /**
   * Makes another table of this one, with its history: new schema, partitioning and sort order, and of rows only
   * those given. All in one commit; earlier snapshots stay.
   */
  async replace<NewRow = Row>(
    replacement: TableReplacement,
    data?: AppendData<NewRow>,
    options: CommitOptions = {},
  ): Promise<Table<NewRow>> {
    const transaction = (await this.refresh()).begin() as unknown as Transaction<NewRow>;
    await transaction.update(replaceTable(replacement));
    if (data !== undefined) await transaction.append(data);
    return transaction.commit(options);
  }

  /** Several changes in one commit, each seeing what the ones before it made. */
  begin(): Transaction<Row> {
    return new Transaction<Row>(this);
  }

  /** Creates a branch or tag, at the current snapshot unless told otherwise. */
  createRef(name: string, ref: NewRef): Promise<Table<Row>> {
    return this.update([createRef(name, ref)]);
  }

  removeRef(name: string): Promise<Table<Row>> {
    return this.update([removeRef(name)]);
  }

  /** Changes how long a branch or tag and its snapshots are kept. */
  setRetention(name: string, retention: Retention): Promise<Table<Row>> {
    return this.update([setRetention(name, retention)]);
  }

  /** Points `main`, or another branch, back at one of its ancestors. */
  rollback(snapshotId: SnapshotId, branch: string = MAIN_BRANCH): Promise<Table<Row>> {
    return this.update([rollback(branch, snapshotId)]);
  }

  /** Points `main`, or another branch, at any snapshot of the table. */
  setBranch(snapshotId: SnapshotId, branch: string = MAIN_BRANCH): Promise<Table<Row>> {
    return this.update([setBranch(branch, snapshotId)]);
  }

  /** Moves a branch forward to where another reference is. */
  fastForward(branch: string, to: string): Promise<Table<Row>> {
    return this.update([fastForward(branch, to)]);
  }

  /** Publishes a staged snapshot on a branch: as it is where it can be, else its changes made again. */
  cherryPick(snapshotId: SnapshotId, branch: string = MAIN_BRANCH): Promise<Table<Row>> {
    return this.update([new CherryPick(this.store, snapshotId, branch)]);
  }

  /**
   * Removes old snapshots from the table, so that time travel ends at those that stay: by default what is older than 5
   * days, but of each branch the newest. Their files are left where they are: `Lakehouse.gc` deletes those that no commit
   * of the catalog leads to any more.
   *
   * @param options `dryRun`: answers with what would expire, and changes nothing.
   * @throws LakehouseError INVALID_ARGUMENT for a named snapshot that a branch or tag is at; NO_SUCH_SNAPSHOT.
   * @example
   * await flights.expireSnapshots({ olderThan: new Date("2026-01-01"), retainLast: 10 });
   * const { snapshots } = await flights.expireSnapshots({ retainLast: 10, dryRun: true });
   */
  expireSnapshots(options: ExpireOptions & CommitOptions & { readonly dryRun: true }): Promise<Expiry>;
  expireSnapshots(
    options?: ExpireOptions & CommitOptions & { readonly dryRun?: false | undefined },
  ): Promise<Table<Row>>;
  async expireSnapshots(
    options: ExpireOptions & CommitOptions & { readonly dryRun?: boolean | undefined } = {},
  ): Promise<Expiry | Table<Row>> {
    const expire = expireSnapshots(options);
    if (options.dryRun) return whatExpires((await this.refresh()).metadata, options);
    return this.update([expire], options);
  }

  /**
   * Deletes files in the table's folder that nothing leads to, which killed writers left. What any commit that the catalog
   * still has leads to stays, on whatever branch or tag, of this table or another one; so do files that no writer of tables
   * writes, and those younger than 3 days, or what `gracePeriodMs` says: it must be longer than the longest write.
   * `Lakehouse.gc` does the same for all tables, after it has dropped old commits.
   *
   * @param options `dryRun`: answers with what would go, and deletes nothing.
   * @throws LakehouseError UNSUPPORTED_FEATURE, with nothing deleted, where it is not certain that nobody else needs
   *   them: a folder that another table shares, a table that was registered or has `gc.enabled` = `false`, a catalog of a
   *   server.
   */
  removeOrphans(options: OrphanOptions = {}): Promise<OrphanReport> {
    return removeOrphans(this.committer, this.name, options);
  }

  /**
   * The rows of the table as objects, with deletes applied: those for which the filter is true, with the columns that are
   * selected, as many as the limit says. All of them are held in memory; `lake.read` streams.
   *
   * A long comes as a bigint, a decimal, date, time or timestamp as text (`SqlValue`): each is one of those that the row
   * type has for writing.
   *
   * @throws LakehouseError INVALID_EXPRESSION, NO_SUCH_SNAPSHOT, UNSUPPORTED_FEATURE without an engine.
   * @example
   * const late = await flights.rows({ filter: gt("delay", 60), select: ["origin", "delay"], limit: 10 });
   */
  async rows<Name extends keyof Row & string = keyof Row & string>(
    options: Omit<ScanOptions<RowColumn<Row>>, "select"> & {
      readonly select?: readonly Name[] | undefined;
    } = {},
  ): Promise<Pick<Row, Name>[]> {
    const engine = requireEngine(this.engine, this.name);
    const rows = await engine.scanRows(this as unknown as Table, this.scan(options));
    return rows as unknown as Pick<Row, Name>[];
  }
}
