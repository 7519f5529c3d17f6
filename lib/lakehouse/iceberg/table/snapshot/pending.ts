import type { ObjectStore } from "../../../storage/index.js";
import type { SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { TableRequirement, TableUpdate } from "../updates/types.js";

/** What a commit would ask of the catalog. */
export interface Proposal {
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
  /**
   * Resolves when the files that the updates lead to are in the store; rejects when one cannot be. Whoever makes the
   * updates public, or reads what they lead to, awaits it: until then the next files are made and put.
   */
  readonly stored?: Promise<void> | undefined;
}

/**
 * A change that can be put on top of any version of the table, until a commit goes through. `propose` runs once an
 * attempt, with the store of the table's files where that is at hand; it throws COMMIT_CONFLICT when the change cannot be put on top of that version at all.
 */
export interface PendingUpdate {
  propose(base: TableMetadata, store?: ObjectStore): Promise<Proposal> | Proposal;
  /** Called once it is known how the commit ended: with the new metadata, or `undefined` when nothing was committed. */
  settle?(committed: TableMetadata | undefined): Promise<void>;
}

/** One that adds a snapshot. */
export interface PendingSnapshot extends PendingUpdate {
  readonly snapshotId: SnapshotId;
}
