import type { Catalog } from "../../catalog/index.js";
import type { RowEngine } from "../../iceberg/index.js";
import type { ObjectStore } from "../../storage/index.js";
import type { Relations } from "../relation/relations.js";
import type { PreparedQuery, TableSql } from "../result/prepared.js";
import type { Use } from "../result/use.js";
import type { SqlParams } from "../sql/parameters.js";
import type { TableReference } from "../sql/statement.js";
import type { PreparedText } from "../sql/time-travel.js";
import type { EditedText } from "../text/edits.js";
import type { TargetName } from "./names.js";

/** Where names in a statement are looked up. */
export interface StatementOptions {
  readonly ref?: string | undefined;
  readonly at?: Date | bigint | undefined;
  /** Ends what runs for the statement; aborted before its commit, nothing has changed. */
  readonly signal?: AbortSignal | undefined;
  /** What it reads must be tables. */
  readonly tablesOnly?: boolean | undefined;
}

/** A statement that writes, as it was given. */
export interface Statement {
  /** As the user wrote it, a byte string. */
  readonly source: string;
  /** With names in the place of references that DuckDB's grammar has no words for, a byte string. */
  readonly prepared: PreparedText;
  readonly options: StatementOptions;
  /** The values of its parameters. */
  readonly params?: SqlParams | undefined;
}

/** What a view is made of beside its query. */
export interface ViewOptions {
  readonly params?: SqlParams | undefined;
  readonly ifExists?: "fail" | "replace" | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What stands for a name in a query of ours, as the table that a statement changes, whose rows come with where they stand. */
export interface Target {
  readonly name: string;
  readonly parts: readonly string[];
  readonly rows: (reference: TableReference) => Promise<TableSql>;
}

/** A query out of parts of a statement, as DuckDB can run it. */
export interface QueryPart extends PreparedQuery {
  /** How many tables it names, each time that it does. */
  readonly tables: number;
}

/** What statements that write need of a query engine. */
export interface StatementContext {
  readonly relations: Relations;
  /** Where names are looked up, seen on a ref. */
  readonly catalog: (ref: string | undefined) => Catalog;
  /** Where the files of new tables go. */
  readonly store: ObjectStore;
  /** Makes a view of a query. */
  readonly defineView: (target: TargetName, query: string, options: ViewOptions) => Promise<unknown>;
  /** Reads rows back for tables that are changed. */
  readonly engine: RowEngine;
  /** Puts what DuckDB can read in the place of the tables that a query names. Positions in `query` are ones of `prepared`. */
  readonly prepare: (
    query: EditedText,
    statement: Statement,
    use: Use,
    targets?: readonly Target[],
  ) => Promise<QueryPart>;
}
