import type { Content, ContentKey } from "./content.js";
import type { Hash } from "./hash.js";

/** What a commit did to one key. */
export type CommittedOperation =
  | { readonly type: "PUT"; readonly key: ContentKey; readonly content: Content }
  | { readonly type: "DELETE"; readonly key: ContentKey };

/** Who, when and why. Times are milliseconds since 1970 UTC. */
export interface CommitMeta {
  readonly message: string;
  /** Who made the change first; a transplant keeps them. */
  readonly authors: readonly string[];
  /** Who put it where it is. */
  readonly committer: string;
  readonly authorTime: number;
  /**
   * What the committer's clock said, and no more: clocks differ, and a commit may bear an earlier time than its parent.
   * Which came first is told by parents alone.
   */
  readonly commitTime: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** A commit as a log tells of it, in any catalog that has one. */
export interface LoggedCommit extends CommitMeta {
  readonly hash: Hash;
  /** First the commit that this one follows, then those merged into it. */
  readonly parents: readonly Hash[];
  readonly operations: readonly CommittedOperation[];
}

/** No commit from here back along first parents is later. */
export function latestOf({
  latest,
  commitTime,
}: {
  readonly latest?: number | undefined;
  readonly commitTime: number;
}): number {
  return latest ?? commitTime;
}
