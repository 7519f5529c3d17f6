import { randomUUID } from "node:crypto";
import { canonicalJson, type Hash } from "../model/hash.js";
import type { Backend } from "./backend.js";
import type { StoreContext } from "./context.js";
import { type StoredObject, toObject } from "./stored-object.js";

/**
 * How far a sweep is. `CONDEMNED`: it has said what it wants to delete, and looks whether a ref has come to lead there.
 * `SWEEPING`: none has and none can any more; what is condemned is gone for good, and whoever comes by may delete it.
 */
export type SweepPhase = "IDLE" | "CONDEMNED" | "SWEEPING";

/** The one word of a catalog about its garbage collection. */
export interface SweepState {
  /** Number of the last sweep, from 1; 0 where there was none. */
  readonly sweep: number;
  readonly phase: SweepPhase;
  /** The objects that list what is condemned. */
  readonly lists: readonly Hash[];
  /** The exact text of the word; `undefined` before the first sweep. */
  readonly value: string | undefined;
}

/** What a sweep condemns. */
export interface Doomed {
  readonly objects: readonly Hash[];
  /** URIs. */
  readonly files: readonly string[];
}

/** Beside the refs, which start with `refs/`. */
const NAME = "sweep";

/** Names in one list. */
const LIST_LENGTH = 1000;

export async function readSweep(backend: Backend): Promise<SweepState> {
  const value = await backend.getRef(NAME);
  if (value === undefined) return { sweep: 0, phase: "IDLE", lists: [], value };
  const { sweep, phase, lists } = JSON.parse(value) as SweepState;
  return { sweep, phase, lists, value };
}

/** Moves the word on, or answers `undefined` where another process has. */
export async function moveSweep(
  backend: Backend,
  from: SweepState,
  to: Pick<SweepState, "sweep" | "phase" | "lists">,
  objects: readonly StoredObject[] = [],
): Promise<SweepState | undefined> {
  // No two words are equal, so that none is taken for another one.
  const next = canonicalJson({ ...to, id: randomUUID() });
  const moved = await backend.moveRef({ name: NAME, expected: from.value, next }, objects);
  return moved ? { ...to, value: next } : undefined;
}

/** What is condemned, as objects to store. No two sweeps make the same: deleting those of one spares the other's. */
export function toLists({ objects, files }: Doomed): StoredObject[] {
  const sweeper = randomUUID();
  const lists: StoredObject[] = [];
  for (let start = 0; start < Math.max(objects.length, files.length); start += LIST_LENGTH) {
    const part = (all: readonly string[]): readonly string[] => all.slice(start, start + LIST_LENGTH);
    lists.push(toObject({ kind: "doomed", sweeper, start, objects: part(objects), files: part(files) }));
  }
  return lists;
}

/** What a sweep under way has condemned; `undefined` where its lists are gone, and so the sweep is over. */
export async function readDoomed(
  { objects }: StoreContext,
  { lists }: SweepState,
): Promise<Doomed | undefined> {
  const doomed: Doomed[] = [];
  for (const hash of lists) {
    const list = await objects.find<Doomed>(hash);
    if (list === undefined) return undefined;
    doomed.push(list);
  }
  return { objects: doomed.flatMap((list) => list.objects), files: doomed.flatMap((list) => list.files) };
}
