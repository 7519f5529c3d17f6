import type { Abortable } from "../../errors.js";
import { type Conflict, ConflictError } from "./conflicts.js";
import { type ContentKey, encodeKey } from "./content.js";
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
  readonly defaultBehavior?: MergeBehavior | undefined;
  readonly behaviors?: readonly { readonly key: ContentKey; readonly behavior: MergeBehavior }[] | undefined;
}

/** What became of one key. */
export interface MergedKey {
  readonly key: ContentKey;
  readonly behavior: MergeBehavior;
  readonly conflict?: Conflict | undefined;
}

/** What merges, transplants and reverts have in common. */
export interface CombineOptions extends MergeBehaviors, Abortable {
  /** Finds out what would happen, conflicts included, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

export interface MergeOptions extends CombineOptions {
  /**
   * What to do when the target has no commits that the source lacks. `never` (as Nessie): a merge commit all the
   * same. `allow`: the target moves to the source. `only`: that, or a conflict. `never` where not given.
   */
  readonly fastForward?: "never" | "allow" | "only" | undefined;
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
  readonly mergeBase?: Hash | undefined;
  /** Every key that the source changed, and what became of it. */
  readonly keys: readonly MergedKey[];
}

/** What becomes of a key, by its encoded form. */
export function behaviorLookup({
  defaultBehavior = "NORMAL",
  behaviors = [],
}: MergeBehaviors): (key: string) => MergeBehavior {
  const byKey = new Map(behaviors.map(({ key, behavior }) => [encodeKey(key), behavior]));
  return (key) => byKey.get(key) ?? defaultBehavior;
}

/** The conflicts among what became of the keys. */
export function conflictsOf(keys: readonly MergedKey[]): Conflict[] {
  return keys.flatMap(({ conflict }) => conflict ?? []);
}

/** The refusal of a merge, transplant or revert whose changes the branch does not take. */
export function refusedChanges(branch: string, conflicts: readonly Conflict[]): ConflictError {
  return new ConflictError(
    branch,
    `${branch} does not take the changes`,
    conflicts,
    "Take or leave these keys with FORCE or DROP, or settle them in the source first.",
  );
}

/** The refusal of a merge that may only be a fast-forward. */
export function notFastForward(branch: string, source: string): ConflictError {
  return new ConflictError(
    branch,
    `${branch} cannot be fast-forwarded to ${source}`,
    [{ type: "UNEXPECTED_HASH", message: `${branch} has commits that ${source} lacks` }],
    "Allow a merge commit.",
  );
}

/** Quotes the first line only, so that undoing what undid a commit nests titles and not whole messages. */
export function revertMessage({ hash, message }: { readonly hash: Hash; readonly message: string }): string {
  return `Revert "${message.split("\n", 1)[0]}"\n\nThis reverts commit ${hash}.`;
}
