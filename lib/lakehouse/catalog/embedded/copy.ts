import { randomBytes } from "node:crypto";
import { corruptFile, readOnly, unsupported } from "../../errors.js";
import { refConflict } from "../../iceberg/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { type Content, fromText } from "../model/content.js";
import { BEGINNING, type Hash } from "../model/hash.js";
import type { Reference } from "../model/references.js";
import type { Versions } from "../model/versions.js";
import type { Backend } from "../store/backend.js";
import type { CommitObject } from "../store/commits.js";
import {
  dropReplacedLocations,
  readLakeRecord,
  writeLakeRecord,
  writeReplacedLocations,
} from "../store/lake-record.js";
import { readRefs } from "../store/refs.js";
import type { ReplacedLocations } from "../store/replaced-locations.js";
import { EMPTY_MAP, type MapNode } from "../store/sorted-map.js";
import { named, sha256 } from "../store/stored-object.js";
import { moveSweep, readSweep } from "../store/sweep-word.js";
import { VersionStore } from "../store/version-store.js";
import { pathBelow } from "./located.js";

/** What some commits lead to in a catalog: all that a copy of it elsewhere is made of, but for the files of tables. */
export interface StoredCommits {
  /** Commits and tree nodes, as the catalog stores them: canonical JSON, each named by its SHA-256. */
  readonly objects: readonly string[];
  /** Every metadata file that they name: as it stands there, and the location that holds now (see `LakeRecord`). */
  readonly locations: ReadonlyMap<string, string>;
  /** Those of the latter that are views'. */
  readonly views: ReadonlySet<string>;
}

/** How many objects go in one request. */
const BATCH = 500;

/**
 * Reads commits with all their history and trees; `undefined` where a server keeps the catalog.
 *
 * @throws LakehouseError CORRUPT_FILE for an object that is missing or damaged.
 */
export async function exportCommits(
  versions: Versions,
  heads: readonly Hash[],
): Promise<StoredCommits | undefined> {
  if (!(versions instanceof VersionStore)) return undefined;
  const { backend, replaced } = versions.context;
  const seen = new Set<Hash>([BEGINNING, EMPTY_MAP.hash]);
  const objects: string[] = [];
  const locations = new Map<string, string>();
  const views = new Set<string>();
  const open = new Set(heads);
  while (open.size > 0) {
    const batch = [...open].slice(0, BATCH);
    for (const hash of batch) open.delete(hash);
    const wanted = batch.filter((hash) => !seen.has(hash));
    const found = await backend.get(wanted);
    wanted.forEach((hash, index) => {
      seen.add(hash);
      const text = textOf(hash, found[index]);
      objects.push(text);
      const { contents, children } = lookInto(text);
      for (const child of children) if (!seen.has(child)) open.add(child);
      for (const content of contents) {
        if (content.type === "NAMESPACE") continue;
        const { metadataLocation } = content;
        const current = replaced.get(metadataLocation) ?? metadataLocation;
        locations.set(metadataLocation, current);
        if (content.type === "ICEBERG_VIEW") views.add(current);
      }
    });
  }
  return { objects, locations, views };
}

function textOf(hash: Hash, bytes: Uint8Array | undefined): string {
  if (bytes !== undefined && sha256(bytes) === hash) return Buffer.from(bytes).toString("utf8");
  throw corruptFile(
    hash,
    `The catalog object ${hash} ${bytes === undefined ? "is missing" : "does not hold the bytes that its name says"}.`,
    "Restore the catalog from a backup.",
  );
}

function lookInto(text: string): {
  readonly contents: readonly Content[];
  readonly children: readonly Hash[];
} {
  const object = JSON.parse(text) as CommitObject | (MapNode & { readonly kind?: undefined });
  if (object.kind === "commit") {
    const contents = object.operations.flatMap((operation) =>
      operation.type === "PUT" ? operation.content : [],
    );
    return { contents, children: [...object.parents, object.tree] };
  }
  if (object.level > 0) return { contents: [], children: object.values };
  return { contents: object.values.map((value) => fromText(value)), children: [] };
}

/**
 * The branches and tags of a catalog that keep a copy with these from being made there: all that are elsewhere than the
 * copy's, and have commits.
 *
 * @throws LakehouseError READ_ONLY; UNSUPPORTED_FEATURE for a catalog that is kept in memory.
 */
export async function refsInTheWay(backend: Backend, refs: readonly Reference[]): Promise<string[]> {
  const { place, readOnly: isReadOnly } = backend;
  if (place === undefined) throw unsupported("catalog", "Nothing can be restored to a catalog in memory.");
  if (isReadOnly) throw readOnly(place, `The catalog ${place} can only be read here.`);
  const wanted = new Map(refs.map(({ name, hash }) => [name, hash]));
  return (await readRefs(backend))
    .filter(({ name, hash }) => hash !== undefined && hash !== BEGINNING && hash !== wanted.get(name))
    .map(({ name }) => name);
}

export interface ImportedCommits extends Pick<StoredCommits, "objects"> {
  readonly refs: readonly Reference[];
  /** The locations that hold in the new place, for those that the commits name and that others have taken the place of. */
  readonly replaced: ReplacedLocations;
  /** For the reflog. */
  readonly message: string;
}

/**
 * Makes a copy of commits in a catalog where nothing was committed yet, with their hashes: `@hash` names what it did. The
 * files are there already. Where all branches and tags are where they should be, nothing is done. Nothing leads to any of it before the branches and tags are made, which is the last step: each
 * is whole as soon as it is there, and the branch that every catalog has comes last. Done again after a failure, it goes on.
 *
 * Whoever has the catalog open from before learns from the refs that it has to be opened again (`same-lake.ts`).
 *
 * @throws LakehouseError REF_CONFLICT where another process is changing the catalog; STORAGE_FAILED.
 */
export async function importCommits(
  backend: Backend,
  store: ObjectStore,
  { objects, refs, replaced, message }: ImportedCommits,
): Promise<void> {
  const found = new Map((await readRefs(backend)).map(({ name, hash }) => [name, hash]));
  if (refs.every(({ name, hash }) => found.get(name) === hash)) return;
  let sweep = 0;
  for (let start = 0; start < objects.length; start += BATCH) {
    const batch = objects.slice(start, start + BATCH);
    await backend.put(batch.map(named));
    for (const text of batch) sweep = Math.max(sweep, (JSON.parse(text) as { sweep?: number }).sweep ?? 0);
  }
  await passSweeps(backend, sweep);
  const relocations = await recordLake(backend, store, replaced);
  const versions = new VersionStore(backend, { replaced, relocations });
  const there = new Map((await versions.references()).map(({ name, hash }) => [name, hash]));
  const late = (name: string): number => (there.has(name) ? 1 : 0);
  for (const { type, name, hash } of [...refs].sort((a, b) => late(a.name) - late(b.name))) {
    const now = there.get(name);
    if (now === hash) continue;
    if (now === undefined) await versions.createReference(type, name, hash, { message });
    else await versions.assignReference(name, hash, { expectedHash: now, message });
  }
}

/**
 * Lets the next sweep have a number that is higher than any that the copied objects know of: by that, objects made
 * later differ from all that it takes (`sweep.ts`).
 */
async function passSweeps(backend: Backend, sweep: number): Promise<void> {
  const state = await readSweep(backend);
  if (state.sweep >= sweep) return;
  const isPassed =
    state.phase === "IDLE" &&
    (await moveSweep(backend, state, { sweep, phase: "IDLE", lists: [] })) !== undefined;
  if (!isPassed) throw inUse(backend, "garbage is being collected there");
}

/** Records which locations hold, as a relocation does. Answers with the number of relocations. */
async function recordLake(
  backend: Backend,
  store: ObjectStore,
  replaced: ReplacedLocations,
): Promise<number> {
  const { place = "" } = backend;
  const before = await readLakeRecord(backend);
  const relocations = (before?.record.relocations ?? 0) + 1;
  const record = {
    root: store.root,
    below: pathBelow(place, store.root),
    place,
    relocation: await writeReplacedLocations(backend, randomBytes(4).toString("hex"), replaced),
    relocations,
  };
  if (!(await writeLakeRecord(backend, before?.value, record)))
    throw inUse(backend, "another process restores or relocates it");
  const former = before?.record.relocation;
  if (former !== undefined) await dropReplacedLocations(backend, former.id);
  return relocations;
}

function inUse({ place = "catalog" }: Backend, why: string): Error {
  return refConflict(
    place,
    `The catalog ${place} was changed meanwhile: ${why}.`,
    "Try again when nobody else is at work on it.",
  );
}
