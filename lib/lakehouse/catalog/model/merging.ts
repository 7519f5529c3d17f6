import type { Conflict } from "./conflicts.js";
import type { ContentKey } from "./content.js";
import type { Hash } from "./hash.js";

/** What a merge does with a key that the source changed. */
export type MergeBehavior =
  /** Takes the change; a conflict where the target changed the key as well. */
  | "NORMAL"
  /** Takes the change whatever the target holds. */
  | "FORCE"
  /** Leaves the key as the target has it. */
  | "DROP";

/** How a merge, transplant or revert treats keys: one behaviour for all, and others for some. */
export interface MergeBehaviors {
  /** `NORMAL` where not given. */
  readonly defaultBehavior?: MergeBehavior;
  readonly behaviors?: readonly { readonly key: ContentKey; readonly behavior: MergeBehavior }[];
}

/** What became of one key. */
export interface MergedKey {
  readonly key: ContentKey;
  readonly behavior: MergeBehavior;
  readonly conflict?: Conflict;
}

/** What merges, transplants and reverts have in common. */
export interface CombineOptions extends MergeBehaviors {
  /** Finds out what would happen, conflicts included, and changes nothing. */
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface MergeOptions extends CombineOptions {
  /**
   * What to do when the target has no commits that the source lacks. `never` (as Nessie): a merge commit all the
   * same. `allow`: the target moves to the source. `only`: that, or a conflict. `never` where not given.
   */
  readonly fastForward?: "never" | "allow" | "only";
}

/** What a merge, transplant or revert did, or in a dry run would do. */
export interface MergeResult {
  /** True when the branch moved. False in a dry run, and where there was nothing to do. */
  readonly applied: boolean;
  /** Head of the branch before. */
  readonly before: Hash;
  /** Head of the branch after. */
  readonly after: Hash;
  /** Merges only: the commit from which both sides' changes were counted. */
  readonly mergeBase?: Hash;
  /** Every key that the source changed, and what became of it. */
  readonly keys: readonly MergedKey[];
}
