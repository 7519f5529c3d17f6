import type { ObjectStore } from "../../storage/index.js";
import { currentSchema, currentSnapshot, defaultSortOrder, defaultSpec } from "../model/metadata/lookup.js";
import type { Snapshot, TableMetadata } from "../model/metadata/types.js";
import type { PartitionSpec, SortOrder } from "../model/partitioning/types.js";
import type { RowColumn } from "../model/schema/builders.js";
import type { Schema } from "../model/types/types.js";
import type { TableState } from "./operations/file-change.js";
import { TableInspection } from "./operations/inspect.js";
import type { RowEngine } from "./operations/row-engine.js";
import { type ChangelogOptions, type ChangelogTask, changelog } from "./scan/changelog.js";
import { type IncrementalOptions, incrementalAppends, type SnapshotRange } from "./scan/incremental.js";
import { type ScanOptions, type ScanTask, TableScan } from "./scan/scan.js";
import type { Committer, LoadedTable, TableIdentifier } from "./updates/types.js";

export interface TableInit extends LoadedTable {
  readonly identifier: TableIdentifier;
  readonly store: ObjectStore;
  readonly committer: Committer;
  /** Rewrites rows for copy-on-write; brought in by who has a query engine. */
  readonly engine?: RowEngine | undefined;
  readonly transaction?: TableState["transaction"];
}

/** What one version of a table's metadata shows: all of a `Table` that changes nothing. */
export class TableVersion<Row = Record<string, unknown>> {
  readonly identifier: TableIdentifier;
  readonly store: ObjectStore;
  readonly committer: Committer;
  readonly metadata: TableMetadata;
  readonly metadataLocation: string;
  readonly engine: RowEngine | undefined;
  /** Set on the views that a transaction gives. */
  readonly transaction: TableState["transaction"];

  constructor(init: TableInit) {
    this.identifier = init.identifier;
    this.store = init.store;
    this.committer = init.committer;
    this.metadata = init.metadata;
    this.metadataLocation = init.metadataLocation;
    this.engine = init.engine;
    this.transaction = init.transaction;
  }

  get name(): string {
    return [...this.identifier.namespace, this.identifier.name].join(".");
  }

  get location(): string {
    return this.metadata.location;
  }

  get properties(): Readonly<Record<string, string>> {
    return this.metadata.properties;
  }

  get schema(): Schema {
    return currentSchema(this.metadata);
  }

  get spec(): PartitionSpec {
    return defaultSpec(this.metadata);
  }

  get sortOrder(): SortOrder {
    return defaultSortOrder(this.metadata);
  }

  get currentSnapshot(): Snapshot | undefined {
    return currentSnapshot(this.metadata);
  }

  /** A read of the table: plan it, or hand it to a query engine. */
  scan(options: ScanOptions<RowColumn<Row>> = {}): TableScan {
    return new TableScan(this.store, this.metadata, options);
  }

  /**
   * The files that appends have added since a snapshot: what a reader that has seen `from` has yet to read.
   *
   * @param range `from` is left out, `to` is in; without `from` all of the history, without `to` up to the present.
   */
  incrementalAppends(
    range: SnapshotRange = {},
    options: IncrementalOptions<RowColumn<Row>> = {},
  ): Promise<ScanTask[]> {
    return incrementalAppends(this.store, this.metadata, range, options);
  }

  /**
   * The files whose rows each snapshot of a range changed, in order: for a reader of rows, which `Lakehouse.changes` is.
   *
   * @throws LakehouseError NO_SUCH_SNAPSHOT, also when deletes have to be compared with a snapshot that has expired;
   *   INVALID_ARGUMENT when `from` is no ancestor of `to`.
   */
  changelog(
    range: SnapshotRange = {},
    options: ChangelogOptions<RowColumn<Row> | `_${string}`> = {},
  ): Promise<ChangelogTask[]> {
    return changelog(this.store, this.metadata, range, options);
  }

  /** The table's metadata as plain rows. Of the current snapshot, unless another is named. */
  get inspect(): TableInspection {
    return new TableInspection(this.store, this.metadata);
  }
}
