import { createHash } from "node:crypto";
import type { Fingerprint } from "../file/metadata.js";
import { type MadeFrom, readStackFacts, type StackFacts } from "../file/stack-facts.js";
import { readNotebook } from "../file/store.js";
import type { FreshnessState } from "./freshness.js";
import { currentFingerprint, type NotebookPlace } from "./place.js";

/** The facts of a notebook's run on the stack, and whether they are what a run would give now. */
export interface OnStack {
  readonly state: Extract<FreshnessState, "fresh" | "stale" | "missing">;
  /** In words. */
  readonly reasons: readonly string[];
  readonly recorded: StackFacts | undefined;
}

/** Looks at what was recorded on the stack, on whatever machine; nothing is asked of the stack. */
export async function onStack(place: NotebookPlace): Promise<OnStack> {
  const recorded = readStackFacts(place.source);
  const source = await readNotebook(place.source);
  if (!recorded || !source)
    return { state: "missing", reasons: ["it was not run on the stack"], recorded: undefined };
  const now = madeFrom(currentFingerprint(place, source, recorded));
  const parts = Object.keys(CHANGED) as (keyof MadeFrom)[];
  const reasons = parts.filter((part) => now[part] !== recorded.made[part]).map((part) => CHANGED[part]);
  return { state: reasons.length === 0 ? "fresh" : "stale", reasons, recorded };
}

const CHANGED: Readonly<Record<keyof MadeFrom, string>> = {
  cells: "its cells have changed",
  library: "code that its cells reach has changed",
  lock: "package-lock.json has other versions",
  data: "data that it reads has changed",
  tslab: "tslab is another",
};

/** What is the same on each machine of what a run is made from. */
export function madeFrom({ cells, library, lock, datasets, files = {}, versions }: Fingerprint): MadeFrom {
  return {
    cells: hash(cells),
    library: hash(library),
    lock,
    data: hash([datasets, files]),
    tslab: versions.tslab,
  };
}

const hash = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
