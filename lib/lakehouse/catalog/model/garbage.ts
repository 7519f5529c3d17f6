import type { Abortable } from "../../errors.js";
import type { Hash } from "./hash.js";

/** `signal` stops it before anything is deleted: what has begun to be is deleted to the end. */
export interface GcOptions extends Abortable {
  /**
   * What is younger stays, in milliseconds: a branch deleted or rolled back by mistake can be brought back from its
   * reflog for so long, and a write under way has written data files that no commit names yet. Measured by the clocks
   * of the stores that hold the catalog and the files, not by this machine's. 7 days where not given; longer than the
   * longest write, always.
   */
  readonly gracePeriodMs?: number | undefined;
  /** Finds out, and deletes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** What garbage collection deleted, or in a dry run would delete. */
export interface GarbageReport {
  readonly dryRun: boolean;
  /** Commits that no branch, tag or recent reflog entry leads to. */
  readonly commits: readonly Hash[];
  /** Catalog objects: those commits, their trees, reflog entries, leftovers of commits that lost a race. */
  readonly objects: number;
  /** Their size in bytes. */
  readonly objectBytes: number;
  /**
   * URIs of metadata, manifests, data and other files that only those commits refer to, and of those in the tables'
   * folders that no commit ever named: what killed writers left.
   */
  readonly files: readonly string[];
}
