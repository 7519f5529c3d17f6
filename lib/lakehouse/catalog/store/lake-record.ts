import { randomUUID } from "node:crypto";
import type { Backend } from "./backend.js";
import type { ReplacedLocations } from "./replaced-locations.js";

/**
 * What a catalog remembers of its lake, so that it is known again at another place. It is kept with the refs, and so is
 * copied with the catalog, and moves by compare-and-set: a relocation happens at once or not at all.
 */
export interface LakeRecord {
  /** The root that the locations in tables are recorded below, as a URI. */
  readonly root: string;
  /** Where the root lay below the catalog's folder: what is moved as one folder keeps this. */
  readonly below?: string | undefined;
  /** Where the catalog was kept. */
  readonly place: string;
  /** The latest relocation: the refs that hold the replaced locations have its id in their names. */
  readonly relocation?: { readonly id: string; readonly parts: number } | undefined;
  /** How many relocations there were. Refs tell who has the lake open from before one: see `same-lake.ts`. */
  readonly relocations?: number | undefined;
  /** Roots that were left before: a process that did not know may have committed below one. */
  readonly earlier?: readonly string[] | undefined;
}

export interface StoredLakeRecord {
  readonly record: LakeRecord;
  /** The exact text under the ref. */
  readonly value: string;
}

const NAME = "lake";
/** etcd takes requests of 1.5 MiB. */
const PART_CHARACTERS = 256 << 10;

export async function readLakeRecord(backend: Backend): Promise<StoredLakeRecord | undefined> {
  const value = await backend.getRef(NAME);
  if (value === undefined) return undefined;
  const { record } = JSON.parse(value) as { record: LakeRecord };
  return { record, value };
}

/** True when the record was as expected and is now the given one. */
export function writeLakeRecord(
  backend: Backend,
  expected: string | undefined,
  record: LakeRecord,
): Promise<boolean> {
  // Values of refs never repeat.
  return backend.moveRef({ name: NAME, expected, next: JSON.stringify({ record, nonce: randomUUID() }) }, []);
}

/** Stores replaced locations under the id of a relocation, for a record to name. */
export async function writeReplacedLocations(
  backend: Backend,
  id: string,
  replaced: ReplacedLocations,
): Promise<{ readonly id: string; readonly parts: number }> {
  let part: [string, string][] = [];
  let characters = 0;
  let number = 0;
  const flush = async (): Promise<void> => {
    const name = `${NAME}/${id}/${String(number++).padStart(6, "0")}`;
    const next = JSON.stringify({ locations: part, nonce: randomUUID() });
    await backend.moveRef({ name, expected: undefined, next }, []);
    part = [];
    characters = 0;
  };
  for (const [from, to] of replaced) {
    part.push([from, to]);
    characters += from.length + to.length;
    if (characters >= PART_CHARACTERS) await flush();
  }
  if (part.length > 0) await flush();
  return { id, parts: number };
}

/** The locations that a relocation replaced; `undefined` where another relocation has taken its place. */
export async function readReplacedLocations(
  backend: Backend,
  { relocation }: LakeRecord,
): Promise<Map<string, string> | undefined> {
  const replaced = new Map<string, string>();
  if (relocation === undefined) return replaced;
  const parts = await backend.listRefs(`${NAME}/${relocation.id}/`);
  if (parts.length < relocation.parts) return undefined;
  for (const { value } of parts) {
    const { locations } = JSON.parse(value) as { locations: [string, string][] };
    for (const [from, to] of locations) replaced.set(from, to);
  }
  return replaced;
}

/** Deletes the replaced locations of a relocation that another has taken the place of, or that came to nothing. */
export async function dropReplacedLocations(backend: Backend, id: string): Promise<void> {
  for (const { name, value } of await backend.listRefs(`${NAME}/${id}/`)) {
    await backend.moveRef({ name, expected: value, next: undefined }, []);
  }
}
