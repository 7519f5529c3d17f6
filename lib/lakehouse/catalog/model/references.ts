import type { Hash } from "./hash.js";

export type ReferenceType = "BRANCH" | "TAG";

/** A branch or a tag, and the commit that it names. */
export interface Reference {
  readonly type: ReferenceType;
  readonly name: string;
  readonly hash: Hash;
}

/** What moved a ref. */
export type RefOperation =
  | "CREATE"
  | "COMMIT"
  | "MERGE"
  | "FAST_FORWARD"
  | "TRANSPLANT"
  | "REVERT"
  | "ASSIGN"
  | "DELETE";

/** One move of a ref. Entries form a chain, newest first, that the ref holds by its head. */
export interface ReflogEntry {
  readonly kind: "reflog";
  readonly ref: string;
  readonly refType: ReferenceType;
  readonly operation: RefOperation;
  /** Absent when the ref came to be. */
  readonly from?: Hash | undefined;
  /** Absent when the ref was deleted. */
  readonly to?: Hash | undefined;
  /** Milliseconds since 1970 UTC. */
  readonly time: number;
  readonly author: string;
  readonly message: string;
  /** Number of moves of this name so far, from 1, deletions and new creations included. */
  readonly sequence: number;
  readonly previous?: Hash | undefined;
  /** The sweep that the ref had seen, see `sweep.ts`; absent before the first one. */
  readonly sweep?: number | undefined;
}

export interface RefWriteOptions {
  /** The ref must be here, or the change is a `REF_CONFLICT`. */
  readonly expectedHash?: Hash | undefined;
  readonly author?: string | undefined;
  /** For the reflog. */
  readonly message?: string | undefined;
}
