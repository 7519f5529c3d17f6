import type { Entry, Hash, Reference } from "../catalog/index.js";

/** An object of a backup: its name is the SHA-256 of its bytes, in hex. */
export interface ObjectRef {
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

export type FileKind =
  | "metadata"
  | "manifest-list"
  | "manifest"
  | "data"
  | "position-deletes"
  | "equality-deletes"
  | "statistics"
  /** The file of the runs of experiments, and their artifacts. They are no tables', and go where runs are kept. */
  | "experiments";

/** A file of the lakehouse in a backup. */
export interface BackedUpFile extends ObjectRef {
  /** Where the tables say that it is. */
  readonly location: string;
  readonly kind: FileKind;
  /** Of the file when it was copied: one that has it still need not be read again. */
  readonly etag: string;
}

/** A backup, for whoever looks which there are. It is written when all else is there, and so makes it a backup. */
export interface BackupSummary {
  /** Begins with its time; those of one place sort by it. */
  readonly id: string;
  /** When its commits were read: ISO 8601, UTC. */
  readonly createdAt: string;
  /** The root that the locations in its tables are recorded below. */
  readonly root: string;
  /** The tables that were asked for; `null` for the whole lakehouse. */
  readonly tables: readonly string[] | null;
  /** Whether it has the catalog's commits, and so can become a lakehouse again with branches, tags and history. */
  readonly hasHistory: boolean;
  readonly refs: readonly Reference[];
  readonly files: number;
  /** Of its files, together. */
  readonly bytes: number;
  /** Everything else there is to know: a `BackupIndex`. */
  readonly index: ObjectRef;
}

export interface BackupIndex {
  /** What each commit that a branch or tag was at shows, as far as it was asked for. */
  readonly entries: Readonly<Record<Hash, readonly Entry[]>>;
  readonly files: readonly BackedUpFile[];
  /** The catalog's commits with their history, and the locations that they name: see `StoredCommits`. */
  readonly commits: readonly string[] | null;
  readonly locations: readonly (readonly [string, string])[];
}
