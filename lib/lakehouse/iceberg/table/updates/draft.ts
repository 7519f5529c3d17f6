import { invalidArgument } from "../../../errors.js";
import { commitConflict } from "../../errors.js";
import type { SnapshotId, TableMetadata } from "../../model/metadata/types.js";

/** Metadata while updates are applied to it, and what later updates and the logs need to know of earlier ones. */
export interface Draft {
  readonly base: TableMetadata | undefined;
  readonly now: bigint;
  metadata: TableMetadata;
  changed: boolean;
  /** Set by the first update that determines it: the time of a new snapshot of a ref, or now. */
  lastUpdatedMs: bigint | undefined;
  lastAddedSchemaId: number | undefined;
  lastAddedSpecId: number | undefined;
  lastAddedSortOrderId: number | undefined;
  readonly addedSnapshots: Set<SnapshotId>;
  /** Snapshots added here that `main` was at in between: they were never current for anyone. */
  readonly passedByMain: Set<SnapshotId>;
  snapshotsRemoved: boolean;
}

/** Replaces fields of the draft's metadata. */
export function change(draft: Draft, fields: Partial<TableMetadata>): void {
  draft.metadata = { ...draft.metadata, ...fields };
  draft.changed = true;
}

export function refuse(draft: Draft, message: string, remedy?: string): never {
  throw invalidArgument(draft.metadata.location, message, remedy);
}

/** The update was made from a version of the table that is no longer the current one. */
export function conflict(draft: Draft, message: string): never {
  throw commitConflict(draft.metadata.location, message, "Refresh the table and make the change again.");
}
