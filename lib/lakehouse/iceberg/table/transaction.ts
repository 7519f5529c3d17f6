import { invalidArgument } from "../../errors.js";
import type { AppendData } from "../files/data/append-data.js";
import type { IngestOptions, Source } from "../files/data/source.js";
import type { Expression } from "../model/expressions/types.js";
import type { SnapshotId, TableMetadata } from "../model/metadata/types.js";
import type { RowColumn } from "../model/schema/builders.js";
import { type CommitOptions, isPending } from "./commit.js";
import type { AppendOptions } from "./operations/append.js";
import { type ExpireOptions, expireSnapshots } from "./operations/expire.js";
import { FileChange, type OverwriteOptions, type SnapshotOptions } from "./operations/file-change.js";
import type { RowMergeOptions, UpsertOptions } from "./operations/merge.js";
import { truncate } from "./operations/operations.js";
import type { RowChangeOptions } from "./operations/row-changes.js";
import type { RowDelta } from "./operations/row-delta.js";
import { type Assignments, rowsOf } from "./operations/row-engine.js";
import type { PendingUpdate } from "./snapshot/pending.js";
import type { SnapshotChange } from "./snapshot/producer.js";
import type { Table } from "./table.js";
import { applyUpdates } from "./updates/apply.js";

/** Loaded when it is first needed, as its module says. */
const rowOperations = () => import("./operations/rows.js");

/**
 * Changes to one table that are committed together: all of them, or none. Each step sees what the ones before it made;
 * nobody else sees anything before `commit`. When another commit is faster, all steps are put on top of it again, and
 * each is checked against what came from outside.
 *
 * Lifecycle: steps in order, each awaited; then `commit` or `rollback`, once.
 *
 * @example
 * const tx = table.begin();
 * await tx.update(new UpdateSchema().addColumn("carrier", string()));
 * await tx.append(rows);
 * const after = await tx.commit();
 */
export class Transaction<Row = Record<string, unknown>> {
  readonly #origin: Table<Row>;
  readonly #steps: PendingUpdate[] = [];
  readonly #own = new Set<SnapshotId>();
  #preview: TableMetadata;
  #ended = false;

  constructor(table: Table<Row>) {
    this.#origin = table;
    this.#preview = table.metadata;
  }

  /** The table as the steps so far leave it. To be read only; it is not committed. */
  get table(): Table<Row> {
    const transaction = { start: this.#origin.metadata, own: this.#own };
    return this.#origin.view(this.#preview, transaction);
  }

  /** Adds a change of schema, spec, sort order, properties or references. */
  async update(update: PendingUpdate): Promise<void> {
    if (this.#ended) {
      throw invalidArgument(
        this.#origin.name,
        `The transaction on ${this.#origin.name} has ended.`,
        "Begin another.",
      );
    }
    if (!isPending(update)) throw invalidArgument("update", "What to do is no update of a table.");
    try {
      const { updates, stored } = await update.propose(this.#preview, this.#origin.store);
      await stored;
      this.#preview = applyUpdates(this.#preview, updates);
    } catch (error) {
      // A step that cannot be made is no step: the transaction goes on without it. That its files stay hides no error.
      await update.settle?.(undefined)?.catch(() => {});
      throw error;
    }
    this.#steps.push(update);
  }

  async #change(change: FileChange | undefined): Promise<void> {
    if (change === undefined) return;
    this.#own.add(change.snapshotId);
    await this.update(change);
  }

  async append(data: AppendData<Row>, options: AppendOptions = {}): Promise<void> {
    const { append } = await rowOperations();
    await this.#change(await append(this.table, data, options));
  }

  /** Adds the rows of a query, of files or of data at hand: see `Table.appendFrom`. A query sees nothing of this transaction. */
  async appendFrom(source: Source<Row>, options: IngestOptions & AppendOptions = {}): Promise<void> {
    await this.append(rowsOf(this.table, source, options), options);
  }

  async overwrite(
    data: AppendData<Row>,
    options: OverwriteOptions & { readonly where: Expression<RowColumn<Row>> },
  ): Promise<void> {
    const { checkOverwrite, replaceRows } = await rowOperations();
    checkOverwrite(options);
    const mode = "copy-on-write";
    await this.#change(await replaceRows(this.table, options.where, data, { ...options, mode }));
  }

  async overwritePartitions(data: AppendData<Row>, options: OverwriteOptions = {}): Promise<void> {
    const { overwritePartitions } = await rowOperations();
    await this.#change(await overwritePartitions(this.table, data, options));
  }

  async deleteRows(where: Expression<RowColumn<Row>>, options: RowChangeOptions = {}): Promise<void> {
    const { deleteRows } = await rowOperations();
    await this.#change(await deleteRows(this.table, where, options));
  }

  async updateRows(
    where: Expression<RowColumn<Row>>,
    set: Assignments<Row>,
    options: RowChangeOptions = {},
  ): Promise<void> {
    const { updateRows } = await rowOperations();
    await this.#change(await updateRows(this.table, where, set, options));
  }

  async merge(data: AppendData<Row>, options: RowMergeOptions<Row> = {}): Promise<void> {
    const { merge } = await rowOperations();
    await this.#change(await merge(this.table, data, options));
  }

  async upsert(data: AppendData<Row>, options: UpsertOptions<Row> = {}): Promise<void> {
    const { UPSERT } = await rowOperations();
    await this.merge(data, { ...options, ...UPSERT });
  }

  async rowDelta(delta: RowDelta<Row>, options: SnapshotOptions = {}): Promise<void> {
    const { rowDelta } = await rowOperations();
    await this.#change(await rowDelta(this.table, delta, options));
  }

  async truncate(options: SnapshotOptions = {}): Promise<void> {
    await this.#change(truncate(this.table, options));
  }

  async expireSnapshots(options: ExpireOptions = {}): Promise<void> {
    await this.update(expireSnapshots(options));
  }

  /** Adds a change of files that the caller has written. */
  async commitFiles(change: SnapshotChange, options: SnapshotOptions = {}): Promise<void> {
    await this.#change(new FileChange(this.table, change, options));
  }

  /** Commits all steps in one. Throws as the steps would on their own. */
  commit(options: CommitOptions = {}): Promise<Table<Row>> {
    this.#ended = true;
    return this.#origin.update(this.#steps, options);
  }

  /** Drops all steps, and the files that were written for them. */
  async rollback(): Promise<void> {
    this.#ended = true;
    for (const step of this.#steps) await step.settle?.(undefined);
  }
}
