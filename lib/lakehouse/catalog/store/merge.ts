import { type Conflict, conflictOf } from "../model/conflicts.js";
import {
  type Content,
  type ContentId,
  type ContentKey,
  decodeKey,
  encodeKey,
  fromText,
  keyName,
  toText,
} from "../model/content.js";
import { type Hash, sameJson } from "../model/hash.js";
import type { MergeBehaviors, MergedKey } from "../model/merging.js";
import { behaviorLookup } from "../model/merging.js";
import type { MergedTable, PartedTable } from "../model/table-merge.js";
import { type Commit, history } from "./commits.js";
import type { ObjectCache } from "./object-cache.js";
import { diffMaps, getEntry } from "./sorted-map.js";
import { namespaceConflicts, type TreeChanges } from "./tree.js";

/** The changes from `base` to `source`, to be made in `target`. The commits, where known, tell what contains what. */
export interface ThreeWay {
  readonly base: Hash;
  readonly source: Hash;
  readonly target: Hash;
  /** Commits whose history since `since` says which contents each side went through. */
  readonly histories?:
    | { readonly source: Commit; readonly target: Commit; readonly base: Commit }
    | undefined;
  /** Puts the two changes of a table together; `undefined` for a conflict as of any other content. */
  readonly mergeTable?:
    | ((tables: Pick<PartedTable, "key" | "base" | "source" | "target">) => Promise<MergedTable | undefined>)
    | undefined;
}

/**
 * Three-way merge of trees, key by key: a key that only the source changed is taken; one that both changed
 * alike stays; one that both changed differently is a conflict, unless one side's content is a state that the
 * other side has already gone through, and so a fast-forward of it, or both are changes of one table that can be put
 * together. Costs what differs between base and source.
 */
export async function mergeTrees(
  objects: ObjectCache,
  { base, source, target, histories, mergeTable }: ThreeWay,
  options: MergeBehaviors,
): Promise<{ changes: TreeChanges; keys: MergedKey[] }> {
  const behaviorOf = behaviorLookup(options);
  const changes = new Map<string, Content | undefined>();
  const keys = new Map<string, MergedKey>();
  const renames = new Map<ContentId, { from?: string | undefined; to?: string | undefined }>();
  const passed = histories && new PassedContents(objects, histories);
  for await (const difference of diffMaps(objects, base, source)) {
    const key = decodeKey(difference.key);
    const [from, to] = [fromText(difference.from), fromText(difference.to)];
    const behavior = behaviorOf(difference.key);
    keys.set(difference.key, { key, behavior });
    if (behavior === "DROP") continue;
    if (from !== undefined && to?.id !== from.id)
      renames.set(from.id, { ...renames.get(from.id), from: difference.key });
    if (to !== undefined && to.id !== from?.id)
      renames.set(to.id, { ...renames.get(to.id), to: difference.key });
    const found = await getEntry(objects, target, difference.key);
    const actual = fromText(found);
    if (found === difference.to || sameNamespace(actual, to)) continue;
    if (behavior === "FORCE" || found === difference.from) {
      changes.set(difference.key, to);
    } else if (actual !== undefined && (await passed?.has("source", difference.key, actual))) {
      changes.set(difference.key, to);
    } else if (to === undefined || !(await passed?.has("target", difference.key, to))) {
      const merged = await mergedTable(mergeTable, key, [from, to, actual]);
      if (merged !== undefined && "content" in merged) {
        if (toText(merged.content) !== found) changes.set(difference.key, merged.content);
        continue;
      }
      const why = merged && { message: `${keyName(key)} was changed on both sides, and ${merged.refused}` };
      const conflict = { ...(conflictOf(key, from, actual) as Conflict), ...why };
      keys.set(difference.key, { key, behavior, conflict });
    }
  }
  await resolveRenames(objects, { base, target }, renames, keys, changes);
  for (const conflict of await namespaceConflicts(objects, target, changes)) {
    const key = conflict.key as ContentKey;
    const behavior = behaviorOf(encodeKey(key));
    keys.set(encodeKey(key), { key, behavior, conflict });
  }
  return { changes, keys: [...keys.values()] };
}

/** What becomes of a table that both sides have still, and changed. */
async function mergedTable(
  mergeTable: ThreeWay["mergeTable"],
  key: ContentKey,
  [base, source, target]: readonly [Content | undefined, Content | undefined, Content | undefined],
): Promise<MergedTable | undefined> {
  if (base?.type !== "ICEBERG_TABLE" || source?.type !== "ICEBERG_TABLE" || target?.type !== "ICEBERG_TABLE")
    return undefined;
  if (base.id !== source.id || base.id !== target.id) return undefined;
  return mergeTable?.({ key, base, source, target });
}

/**
 * An object that the source renamed and the target renamed differently would end under both names: a conflict,
 * or with FORCE the source's name wins.
 */
async function resolveRenames(
  objects: ObjectCache,
  { base, target }: { base: Hash; target: Hash },
  renames: ReadonlyMap<ContentId, { from?: string | undefined; to?: string | undefined }>,
  keys: Map<string, MergedKey>,
  changes: Map<string, Content | undefined>,
): Promise<void> {
  const renamed = [...renames].filter(([, { from, to }]) => from !== undefined && to !== undefined);
  if (renamed.length === 0) return;
  const targets = new Map(renamed.map(([id, { to }]) => [id, to as string]));
  for await (const difference of diffMaps(objects, base, target)) {
    const content = fromText(difference.to);
    const to = content && targets.get(content.id);
    if (to === undefined || to === difference.key || changes.get(to)?.id !== content?.id) continue;
    const merged = keys.get(to) as MergedKey;
    if (merged.behavior === "FORCE") {
      changes.set(difference.key, undefined);
      continue;
    }
    const [here, there] = [keyName(merged.key), keyName(decodeKey(difference.key))];
    const message = `${here} is ${there} in the target: renamed on both sides`;
    keys.set(to, { ...merged, conflict: { type: "KEY_CONFLICT", key: merged.key, message } });
  }
}

/** Knows which contents each side's keys went through since the base. Read only when a key is contested. */
class PassedContents {
  readonly #objects: ObjectCache;
  readonly #histories: NonNullable<ThreeWay["histories"]>;
  readonly #sides = new Map<"source" | "target", Set<string>>();

  constructor(objects: ObjectCache, histories: NonNullable<ThreeWay["histories"]>) {
    this.#objects = objects;
    this.#histories = histories;
  }

  async has(side: "source" | "target", key: string, content: Content): Promise<boolean> {
    let contents = this.#sides.get(side);
    if (contents === undefined) {
      contents = new Set();
      for await (const commit of history(this.#objects, this.#histories[side])) {
        if (commit.generation <= this.#histories.base.generation) break;
        for (const operation of commit.operations) {
          if (operation.type === "PUT") contents.add(stateOf(encodeKey(operation.key), operation.content));
        }
      }
      this.#sides.set(side, contents);
    }
    return contents.has(stateOf(key, content));
  }
}

function stateOf(key: string, content: Content): string {
  return `${key}\n${toText(content)}`;
}

/** Two namespaces of one name and properties, created on both sides, are one: nothing depends on their ids. */
function sameNamespace(a: Content | undefined, b: Content | undefined): boolean {
  return a?.type === "NAMESPACE" && b?.type === "NAMESPACE" && sameJson(a.properties, b.properties);
}
