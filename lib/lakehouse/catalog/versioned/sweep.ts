import { randomUUID } from "node:crypto";
import { getCommit } from "./commits.js";
import type { StoreContext } from "./context.js";
import { BEGINNING, type Hash } from "./hash.js";
import type { Reachability } from "./reachability.js";
import { readRefs } from "./refs.js";

/** How many objects go in one request. */
const BATCH = 500;

/**
 * Deletes what was found dead: objects that were put again meanwhile stay, and a ref that someone brought back.
 * Answers with the number of objects that went.
 */
export async function sweep(
  context: StoreContext,
  { dead, deadRefs }: Reachability,
  cutoff: Date,
): Promise<number> {
  for (const { name, value } of deadRefs) {
    await context.backend.moveRef({ name: `refs/${name}`, expected: value, next: undefined }, []);
  }
  let swept = 0;
  const hashes = dead.map(({ hash }) => hash);
  for (let start = 0; start < hashes.length; start += BATCH) {
    const batch = hashes.slice(start, start + BATCH);
    swept += await context.backend.deleteObjects(batch, cutoff);
    context.objects.forget(batch);
  }
  return swept;
}

/**
 * True when a ref has come to lead to what was found dead: a branch made at an old hash meanwhile, a merge of one, or
 * a commit that names one of the `doomed` files. Walks back only to what was found live, so over what is new.
 */
export async function isRevived(
  { backend, objects }: StoreContext,
  { live, deadCommits }: Reachability,
  doomed: ReadonlySet<string>,
): Promise<boolean> {
  const dead = new Set(deadCommits.map(({ hash }) => hash));
  const open = (await readRefs(backend)).flatMap(({ hash }) => hash ?? []);
  const seen = new Set<Hash>([BEGINNING]);
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    if (dead.has(hash)) return true;
    if (live.has(hash) || seen.has(hash)) continue;
    seen.add(hash);
    const { operations, parents } = await getCommit(objects, hash);
    for (const operation of operations) {
      if (operation.type !== "PUT" || operation.content.type === "NAMESPACE") continue;
      if (doomed.has(operation.content.metadataLocation)) return true;
    }
    open.push(...parents);
  }
  return false;
}

/** Where sweeps under way are announced, beside the refs. */
const ANNOUNCED = "sweeps/";
/** Longer than any sweep takes: an older announcement is of a process that died. */
const ANNOUNCED_MS = 24 * 3_600_000;

/**
 * Says, for all processes to see, that a sweep is about to look at the refs for the last time and then to delete.
 * Whoever makes a ref at a commit that no other ref leads to looks here after writing it: either the sweep sees the
 * ref, or the ref's maker sees the sweep. Call the result in the end.
 */
export async function announceSweep({ backend, now }: StoreContext): Promise<() => Promise<void>> {
  const move = { name: `${ANNOUNCED}${randomUUID()}`, expected: undefined, next: String(now()) };
  await backend.moveRef(move, []);
  for (const { name, value } of await backend.listRefs(ANNOUNCED)) {
    if (Number(value) < now() - ANNOUNCED_MS)
      await backend.moveRef({ name, expected: value, next: undefined }, []);
  }
  return async () => {
    await backend.moveRef({ name: move.name, expected: move.next, next: undefined }, []);
  };
}

/** True while a sweep is announced. */
export async function isSweeping({ backend, now }: StoreContext): Promise<boolean> {
  const announced = await backend.listRefs(ANNOUNCED);
  return announced.some(({ value }) => Number(value) >= now() - ANNOUNCED_MS);
}
