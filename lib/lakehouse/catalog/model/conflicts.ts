import { LakehouseError } from "../../errors.js";
import { commitConflict, refConflict } from "../../iceberg/index.js";
import { type Content, type ContentKey, keyName } from "./content.js";
import { sameJson } from "./hash.js";

/** How contents disagree, in the words of Nessie's API. */
export type ConflictType =
  /** The key exists, but is expected not to. */
  | "KEY_EXISTS"
  /** The key does not exist, but is expected to. */
  | "KEY_DOES_NOT_EXIST"
  /** The type of the content differs: a view where a table is expected. */
  | "PAYLOAD_DIFFERS"
  /** Another object under the same key: dropped and created again. */
  | "CONTENT_ID_DIFFERS"
  /** The same object in another state. */
  | "VALUE_DIFFERS"
  /** The namespace that must hold the key does not exist. */
  | "NAMESPACE_ABSENT"
  /** What must be a namespace is not one. */
  | "NOT_A_NAMESPACE"
  /** A namespace that still holds something cannot go. */
  | "NAMESPACE_NOT_EMPTY"
  /** The ref is not at the hash expected of it. */
  | "UNEXPECTED_HASH"
  /** One object would end under two keys: renamed on both sides. */
  | "KEY_CONFLICT";

export interface Conflict {
  readonly type: ConflictType;
  /** Absent for conflicts of whole refs. */
  readonly key?: ContentKey | undefined;
  readonly message: string;
}

/** A commit, merge or other change that the catalog refused; `conflicts` says why, key by key. */
export class ConflictError extends LakehouseError {
  readonly conflicts: readonly Conflict[];

  constructor(subject: string, what: string, conflicts: readonly Conflict[], remedy: string) {
    const isOfRef = conflicts.every(({ type }) => type === "UNEXPECTED_HASH");
    const { code } = isOfRef ? refConflict : commitConflict;
    const reasons = conflicts.slice(0, 5).map(({ message }) => message);
    if (conflicts.length > reasons.length) reasons.push(`and ${conflicts.length - reasons.length} more`);
    super(code, subject, `${what}: ${reasons.join("; ")}.`, remedy);
    this.conflicts = conflicts;
  }
}

/** How `actual` breaks the expectation, or `undefined` where they are the same. */
export function conflictOf(
  key: ContentKey,
  expected: Content | undefined,
  actual: Content | undefined,
): Conflict | undefined {
  if (sameJson(expected, actual)) return undefined;
  const name = keyName(key);
  if (expected === undefined) return { type: "KEY_EXISTS", key, message: `${name} exists already` };
  if (actual === undefined) return { type: "KEY_DOES_NOT_EXIST", key, message: `${name} does not exist` };
  if (expected.type !== actual.type) {
    return { type: "PAYLOAD_DIFFERS", key, message: `${name} is ${nounOf(actual)}, not ${nounOf(expected)}` };
  }
  if (expected.id !== actual.id) {
    return { type: "CONTENT_ID_DIFFERS", key, message: `${name} was dropped and another one created` };
  }
  return { type: "VALUE_DIFFERS", key, message: `${name} was changed by another commit` };
}

/** "a table", "a view", "a namespace". */
export function nounOf(content: Content): string {
  return { ICEBERG_TABLE: "a table", ICEBERG_VIEW: "a view", NAMESPACE: "a namespace" }[content.type];
}

/** The refusal of a commit whose keys do not hold what it expects. */
export function refusedCommit(branch: string, conflicts: readonly Conflict[]): ConflictError {
  const remedy = "Read the keys again and decide anew.";
  return new ConflictError(branch, `The commit to ${branch} was refused`, conflicts, remedy);
}
