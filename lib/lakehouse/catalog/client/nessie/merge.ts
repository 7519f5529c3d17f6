import { throwIfAborted } from "../../../errors.js";
import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import type { Hash } from "../../model/hash.js";
import type {
  CombineOptions,
  MergeBehavior,
  MergedKey,
  MergeOptions,
  MergeResult,
} from "../../model/merging.js";
import { conflictsOf, notFastForward, refusedChanges } from "../../model/merging.js";
import type { Place, Versions } from "../../model/versions.js";
import { conflictFromJson } from "../../wire/nessie/json.js";
import { keyFromJson, keyToJson } from "../../wire/nessie/keys.js";
import type { NessieContext } from "./nessie-versions.js";
import { refPath } from "./trees.js";

/**
 * Merges into a branch. Nessie merges by a commit with two parents; where the target may go to the source as it is,
 * a dry run says whether it is an ancestor, and it is assigned.
 */
export async function mergeInto(
  context: NessieContext,
  versions: Versions,
  branch: string,
  source: { readonly hash: Hash; readonly name: string },
  options: MergeOptions = {},
): Promise<MergeResult> {
  const { fastForward = "never", dryRun = false, message = `Merge ${source.name} into ${branch}` } = options;
  const { hash: head } = await versions.reference(branch);
  const body = {
    fromRefName: "DETACHED",
    fromHash: source.hash,
    ...combining(context, { ...options, message }),
  };
  const path = `${refPath(`${branch}@${head}`)}/history/merge`;
  const send = async (isDryRun: boolean): Promise<MergeResult> => {
    throwIfAborted(options.signal);
    const answer = await context.trees.change("POST", path, branch, { ...body, isDryRun });
    return toResult(head, answer, branch, isDryRun);
  };
  if (fastForward === "never") return send(dryRun);
  const planned = await send(true);
  const isForward = planned.mergeBase === head && planned.keys.every(({ behavior }) => behavior !== "DROP");
  if (!isForward && fastForward === "only" && planned.mergeBase !== source.hash) {
    throw notFastForward(branch, source.name);
  }
  if (dryRun || planned.mergeBase === source.hash) return planned;
  if (!isForward) return send(false);
  throwIfAborted(options.signal);
  await versions.assignReference(branch, source.hash, { expectedHash: head });
  return { ...planned, applied: true, after: source.hash };
}

/** Applies the changes of single commits, in the order given: all, or none. */
export async function transplantInto(
  context: NessieContext,
  versions: Versions,
  branch: string,
  commits: readonly Place[],
  options: CombineOptions = {},
): Promise<MergeResult> {
  const { hash: head } = await versions.reference(branch);
  const isDryRun = options.dryRun ?? false;
  const { commitMeta, ...rest } = combining(context, options);
  const body = {
    fromRefName: "DETACHED",
    hashesToTransplant: commits.map(({ hash }) => hash),
    ...rest,
    // Authors and properties stay those of the commits.
    message: commits.length > 1 ? undefined : options.message,
    isDryRun,
  };
  const path = `${refPath(`${branch}@${head}`)}/history/transplant`;
  throwIfAborted(options.signal);
  const { mergeBase: _, ...result } = toResult(
    head,
    await context.trees.change("POST", path, branch, body),
    branch,
    isDryRun,
  );
  return result;
}

function combining(
  { author: self }: NessieContext,
  { defaultBehavior, behaviors = [], message, author = self, properties = {} }: CombineOptions,
): { readonly [key: string]: JsonInput | undefined } {
  return {
    message,
    commitMeta: {
      message: message ?? "",
      authors: [author],
      allProperties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, [value]])),
    },
    defaultKeyMergeMode: defaultBehavior,
    keyMergeModes: behaviors.map(({ key, behavior }) => ({ key: keyToJson(key), mergeBehavior: behavior })),
    isReturnConflictAsResult: true,
  };
}

/** Reads a `MergeResponse`. Throws a `ConflictError` where it lists conflicts, unless it was a dry run. */
function toResult(head: Hash, answer: JsonNode, branch: string, isDryRun: boolean): MergeResult {
  const keys = answer.get("details").array().map(keyResult);
  const conflicts = conflictsOf(keys);
  if (conflicts.length > 0 && !isDryRun) {
    throw refusedChanges(branch, conflicts);
  }
  const applied = answer.optional("wasApplied")?.boolean() ?? false;
  const before = answer.optional("effectiveTargetHash")?.string() ?? head;
  const mergeBase = answer.optional("commonAncestor")?.string();
  return {
    applied,
    before,
    after: applied ? answer.get("resultantTargetHash").string() : before,
    mergeBase,
    keys,
  };
}

function keyResult(node: JsonNode): MergedKey {
  const conflict = node.optional("conflict");
  return {
    key: keyFromJson(node.get("key")),
    behavior: (node.optional("mergeBehavior")?.string() ?? "NORMAL") as MergeBehavior,
    conflict: conflict && conflictFromJson(conflict),
  };
}
