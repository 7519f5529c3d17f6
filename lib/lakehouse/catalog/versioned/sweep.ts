import type { StoreContext } from "./context.js";
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

/** True when a ref has come to name something that was found dead: a branch made at an old hash meanwhile. */
export async function isRevived(context: StoreContext, { deadCommits }: Reachability): Promise<boolean> {
  const dead = new Set(deadCommits.map(({ hash }) => hash));
  return (await readRefs(context.backend)).some(({ hash }) => hash !== undefined && dead.has(hash));
}
