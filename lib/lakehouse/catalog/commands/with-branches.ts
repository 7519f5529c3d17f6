import type { BranchingCatalog, RefExpression } from "../branching-catalog.js";
import type { TableDiff } from "../model/table-diff.js";

/** Tells the differences from one commit to another, with the rows of each table. */
export type DiffTables = (from: RefExpression, to: RefExpression) => Promise<readonly TableDiff[]>;

/** Opens the lakehouse's catalog for a command, where it has branches, and closes it whatever happens. */
export type WithBranches = (
  work: (catalog: BranchingCatalog, diff: DiffTables) => Promise<void>,
) => Promise<void>;
