import { invalidArgument, type LakehouseError } from "../../errors.js";
import { type Conflict, conflictOf } from "../model/conflicts.js";
import { type Content, type ContentKey, encodeKey, keyName } from "../model/content.js";
import type { Operation } from "../model/operations.js";
import type { Commit } from "./commits.js";
import type { ObjectCache } from "./object-cache.js";
import { contentAt, type TreeChanges } from "./tree.js";

/** What the operations come to on the tree of `head`, or why they cannot be. */
export async function evaluateOperations(
  objects: ObjectCache,
  head: Commit,
  operations: readonly Operation[],
  readAt: Commit | undefined,
): Promise<{ changes: TreeChanges; conflicts: Conflict[] }> {
  const changes = new Map<string, Content | undefined>();
  const conflicts: Conflict[] = [];
  for (const operation of operations) {
    const { type, key } = operation;
    const encoded = encodeKey(key);
    const actual = await contentAt(objects, head.tree, key);
    const conflict = await conflictWith(objects, operation, actual, readAt);
    if (conflict !== undefined) conflicts.push(conflict);
    if (type !== "UNCHANGED" && changes.has(encoded)) throw changedTwice(key);
    if (type === "PUT") changes.set(encoded, operation.content);
    if (type === "DELETE") changes.set(encoded, undefined);
  }
  return { changes, conflicts };
}

function changedTwice(key: ContentKey): LakehouseError {
  return invalidArgument(
    keyName(key),
    `${keyName(key)} is changed twice in one commit.`,
    "Say what becomes of it in the end, or make two commits.",
  );
}

/** The metadata files that operations name and none of their keys held before: a rename brings none. */
export async function filesBrought(
  objects: ObjectCache,
  head: Commit,
  operations: readonly Operation[],
): Promise<string[]> {
  const brought = new Set<string>();
  for (const operation of operations) brought.add(fileOf(operation.type === "PUT" && operation.content));
  for (const { key } of operations) brought.delete(fileOf(await contentAt(objects, head.tree, key)));
  brought.delete("");
  return [...brought];
}

function fileOf(content: Content | undefined | false): string {
  return content && content.type !== "NAMESPACE" ? content.metadataLocation : "";
}

async function conflictWith(
  objects: ObjectCache,
  operation: Operation,
  actual: Content | undefined,
  readAt: Commit | undefined,
): Promise<Conflict | undefined> {
  const { type, key, expected } = operation;
  if (expected !== undefined) return conflictOf(key, expected ?? undefined, actual);
  if (readAt !== undefined) {
    const changed = conflictOf(key, await contentAt(objects, readAt.tree, key), actual);
    if (changed !== undefined) return changed;
  }
  if (type === "DELETE" && actual === undefined) {
    return { type: "KEY_DOES_NOT_EXIST", key, message: `${keyName(key)} does not exist` };
  }
  return undefined;
}
