import type { CommittedOperation } from "../model/commits.js";
import type { Conflict } from "../model/conflicts.js";
import {
  type Content,
  type ContentKey,
  decodeKey,
  type Entry,
  encodeKey,
  fromText,
  keyName,
  keyPrefix,
  pastContents,
  toText,
} from "../model/content.js";
import type { Hash } from "../model/hash.js";
import type { ObjectCache } from "./object-cache.js";
import { editMap, getEntry, scanLeaves } from "./sorted-map.js";
import type { StoredObject } from "./stored-object.js";

/** What changes in a tree: encoded key → its new content, `undefined` where it goes. */
export type TreeChanges = ReadonlyMap<string, Content | undefined>;

export async function contentAt(
  objects: ObjectCache,
  tree: Hash,
  key: ContentKey,
): Promise<Content | undefined> {
  return fromText(await getEntry(objects, tree, encodeKey(key)));
}

/** The entries below a namespace at any depth (all for `[]`), in the order of their keys, after the encoded key `after`. */
export async function* entriesOf(
  objects: ObjectCache,
  tree: Hash,
  namespace: ContentKey,
  after?: string,
): AsyncGenerator<Entry> {
  const prefix = keyPrefix(namespace);
  // NUL is the least character: nothing lies between a key and the key with one more.
  const from = after === undefined || after < prefix ? prefix : `${after}\u0000`;
  yield* entriesFrom(objects, tree, prefix, from);
}

/** The entries directly in a namespace (in no namespace for `[]`), by key, after the name `after`. What lies deeper is skipped, not read. */
export async function* childrenOf(
  objects: ObjectCache,
  tree: Hash,
  namespace: ContentKey,
  after?: string,
): AsyncGenerator<Entry> {
  const prefix = keyPrefix(namespace);
  let from: string | undefined = after === undefined ? prefix : pastContents([...namespace, after]);
  while (from !== undefined) {
    const start: string = from;
    from = undefined;
    for await (const { key, content } of entriesFrom(objects, tree, prefix, start)) {
      if (key.length > namespace.length + 1) {
        from = pastContents(key.slice(0, namespace.length + 1));
        break;
      }
      yield { key, content };
    }
  }
}

async function* entriesFrom(
  objects: ObjectCache,
  tree: Hash,
  prefix: string,
  from: string,
): AsyncGenerator<Entry> {
  for await (const leaf of scanLeaves(objects, tree, from)) {
    for (const [key, value] of leaf) {
      if (!key.startsWith(prefix)) return;
      yield { key: decodeKey(key), content: fromText(value) };
    }
  }
}

/** The tree with the changes made, after a sweep (see `editMap`). The new nodes are not stored yet. */
export async function changeTree(
  objects: ObjectCache,
  tree: Hash,
  changes: TreeChanges,
  sweep: number,
): Promise<{ tree: Hash; created: readonly StoredObject[] }> {
  const edits = new Map([...changes].map(([key, content]) => [key, content && toText(content)]));
  const { root, created } = await editMap(objects, tree, edits, sweep);
  return { tree: root, created };
}

/** The changes as a commit records them, by key. */
export function toOperations(changes: TreeChanges): CommittedOperation[] {
  return [...changes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([encoded, content]) => {
      const key = decodeKey(encoded);
      return content === undefined ? { type: "DELETE", key } : { type: "PUT", key, content };
    });
}

/**
 * How the changes to `tree` would break its order: each key but those at the top lies in a namespace, and a
 * namespace that goes is empty.
 */
export async function namespaceConflicts(
  objects: ObjectCache,
  tree: Hash,
  changes: TreeChanges,
): Promise<Conflict[]> {
  const conflicts: Conflict[] = [];
  const after = async (key: ContentKey): Promise<Content | undefined> => {
    const encoded = encodeKey(key);
    return changes.has(encoded) ? changes.get(encoded) : contentAt(objects, tree, key);
  };
  const parents = new Set<string>();
  for (const [encoded, content] of changes) {
    const key = decodeKey(encoded);
    if (content !== undefined && key.length > 1) parents.add(encodeKey(key.slice(0, -1)));
    if (content?.type === "NAMESPACE") continue;
    const child = await firstChild(objects, tree, key, changes);
    if (child === undefined) continue;
    conflicts.push({
      type: "NAMESPACE_NOT_EMPTY",
      key,
      message: `the namespace ${keyName(key)} still holds ${keyName(child)}`,
    });
  }
  for (const encoded of parents) {
    const key = decodeKey(encoded);
    const parent = await after(key);
    if (parent?.type === "NAMESPACE") continue;
    conflicts.push(
      parent === undefined
        ? { type: "NAMESPACE_ABSENT", key, message: `the namespace ${keyName(key)} does not exist` }
        : { type: "NOT_A_NAMESPACE", key, message: `${keyName(key)} is not a namespace` },
    );
  }
  return conflicts;
}

/** A key below `namespace` that is there after the changes, where it was there before. */
async function firstChild(
  objects: ObjectCache,
  tree: Hash,
  namespace: ContentKey,
  changes: TreeChanges,
): Promise<ContentKey | undefined> {
  for await (const { key } of entriesOf(objects, tree, namespace)) {
    const encoded = encodeKey(key);
    if (!changes.has(encoded) || changes.get(encoded) !== undefined) return key;
  }
  return undefined;
}
