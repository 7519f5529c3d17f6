import { randomBytes } from "node:crypto";
import { errorKind, isLakehouseError, readOnly, unsupported } from "../../errors.js";
import { commitStateUnknown, Relocator, refConflict } from "../../iceberg/index.js";
import { MovedStore, type ObjectStore, objectNotFound, storageFailed } from "../../storage/index.js";
import { sameJson } from "../model/hash.js";
import type { Backend } from "../store/backend.js";
import { type Commit, getCommit } from "../store/commits.js";
import {
  dropReplacedLocations,
  type LakeRecord,
  readLakeRecord,
  type StoredLakeRecord,
  writeLakeRecord,
  writeReplacedLocations,
} from "../store/lake-record.js";
import { ObjectCache } from "../store/object-cache.js";
import { readRefs, stampRelocation } from "../store/refs.js";
import type { ReplacedLocations } from "../store/replaced-locations.js";
import { EMPTY_MAP } from "../store/sorted-map.js";
import { entriesOf } from "../store/tree.js";
import { discard } from "../versioned/files.js";
import { type Lake, pathBelow, readLake } from "./located.js";
import { noLakeAt } from "./open.js";

export interface RelocateOptions {
  /** Where the catalog is kept. */
  readonly backend: Backend;
  /** The store whose root is where the tables lie now. */
  readonly store: ObjectStore;
  /** The root that the tables' locations have. What the catalog remembers where not given. */
  readonly from?: string | undefined;
}

export interface RelocationReport {
  readonly from: string;
  readonly to: string;
  /** Metadata files that were written anew: one for each commit of a table or view. */
  readonly metadataFiles: number;
  /** All files that were written: those, manifest lists, manifests and delete files. */
  readonly files: number;
}

/** How often to look for commits of others that came meanwhile. */
const ATTEMPTS = 5;

/**
 * Makes every location of a lake right for the place where it lies, for engines that follow them by themselves: of all
 * branches, tags and their history, as far as the catalog has it.
 *
 * Commits are immutable and named by their hashes, so they stay, and so does every file. What names other files by
 * location is written anew beside what it replaces, and the catalog's record of the lake says in one step, by
 * compare-and-set, that the root is the present one and which metadata file stands for which: `withReplacedLocations`
 * exchanges them wherever a commit or tree is decoded. So
 * - it happens at once, or not at all: after a crash, or on a full disk, there are files that nobody names, which are
 *   garbage, and the lake is as it was;
 * - of two at once one wins, and the other's files are garbage;
 * - hashes, branches, tags, merges and `@hash` go on to mean what they did;
 * - each metadata file with all below it has locations of one root only, so position deletes match as before.
 *
 * A process that has the lake open from before is told so (LAKE_MOVED) as soon as it reads or moves a branch, see
 * `store/same-lake.ts`; what it committed before is found by a last look here. Where this process dies before it has
 * told all refs, a table may get a commit below the root that was left, and cannot be loaded (LAKE_MOVED) until
 * relocation runs again, which takes in what is missing. Nothing is lost, and no row is wrong meanwhile.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for a catalog without a place of its own; READ_ONLY; REF_CONFLICT when others
 *   relocate to elsewhere at the same time; STORAGE_FAILED, CORRUPT_FILE; OBJECT_NOT_FOUND where the files are not, or not all of them. Then nothing has changed.
 *   COMMIT_STATE_UNKNOWN when the catalog fails at the one step: then it has happened, or nothing has changed.
 */
export async function relocateLake(options: RelocateOptions): Promise<RelocationReport> {
  const { backend, store } = options;
  checkCanRelocate(backend);
  if ((await backend.listRefs()).length === 0) throw noLakeAt(backend.place ?? "its place");
  const report = { from: "", to: store.root, metadataFiles: 0, files: 0 };
  let isMade = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const lake = await readLake(backend, store);
    const from = withoutSlash(options.from ?? lake?.record.root ?? store.root);
    if (attempt === 0) report.from = from;
    const done = await relocateOnce(options, lake, from).catch((error: unknown) => {
      throw isMade ? unfinished(store, error) : error;
    });
    isMade ||= done.files > 0;
    report.metadataFiles += done.metadataFiles;
    report.files += done.files;
    if (done.isSettled) break;
  }
  return report;
}

/** A failure after the one step: that one stays. */
function unfinished({ root }: ObjectStore, error: unknown): unknown {
  if (!isLakehouseError(error)) return error;
  return errorKind(error.code)(
    error.subject,
    `The lake was relocated to ${root}, but then a last look for what others committed meanwhile failed: ${error.message}`,
    "Relocate it again: what is done already is not done twice.",
    error,
  );
}

function checkCanRelocate({ place, readOnly: isReadOnly }: Backend): void {
  if (place === undefined) {
    throw unsupported("catalog", "A catalog that is kept in memory cannot be relocated.");
  }
  if (isReadOnly) {
    throw readOnly(
      place,
      `The catalog ${place} can only be read here.`,
      "Copy the lakehouse's folder to a place that can be written, and relocate it there.",
    );
  }
}

interface Round {
  readonly metadataFiles: number;
  readonly files: number;
  /** True when there was nothing to do. */
  readonly isSettled: boolean;
}

const NOTHING: Round = { metadataFiles: 0, files: 0, isSettled: false };

async function relocateOnce(
  { backend, store }: RelocateOptions,
  lake: Lake | undefined,
  from: string,
): Promise<Round> {
  const id = randomBytes(4).toString("hex");
  // Before the look, so that nobody commits below a root that was left, after it.
  await stampRelocation(backend, lake?.record.relocations ?? 0);
  const roots = [...new Set([from, ...(lake === undefined ? [] : [lake.record.root, ...earlierOf(lake)])])];
  const left = roots.filter((root) => root !== store.root);
  const locations = await locationsOfCommits(backend, lake?.replaced ?? new Map());
  const current = new Set(locations.values());
  const relocators = left.map(
    (root) =>
      new Relocator(new MovedStore(store, root, store.root), store, id, (location) => current.has(location)),
  );
  try {
    const targets = new Map<string, string>();
    const stays = staysAt(store, lake);
    let metadataFiles = 0;
    const shown = await locationsOfHeads(backend, lake?.replaced ?? new Map());
    // First what refs show: all of it has to be there. What only history names may be gone, with expired snapshots.
    for (const location of [...shown, ...current]) {
      if (targets.has(location)) continue;
      const relocator = stays(location) ? undefined : relocators.find((one) => one.holds(location));
      targets.set(location, relocator === undefined ? location : await relocator.metadata(location));
      if (relocator !== undefined) metadataFiles += 1;
      if (shown.has(location)) requireWhole(store, location, relocator?.missing ?? []);
    }
    if (metadataFiles === 0 && isUpToDate(backend, store, lake)) return { ...NOTHING, isSettled: true };
    const replaced = replacedBy(targets, locations, lake);
    const written = relocators.flatMap((relocator) => relocator.written);
    if (await replaceRecord(backend, store, lake, { id, replaced, left }))
      return { metadataFiles, files: written.length, isSettled: false };
    await discard(store, written);
    return NOTHING;
  } catch (error) {
    // What the record may name stays.
    if (!commitStateUnknown.is(error)) {
      await discard(
        store,
        relocators.flatMap(({ written }) => written),
      );
    }
    throw error;
  }
}

/**
 * Every location that a commit or a tree may have, with the one that holds now. A tree has those of any relocation
 * before: whoever changed one of its tables since then wrote the others' entries as they held at that time.
 */
function replacedBy(
  targets: ReadonlyMap<string, string>,
  locations: ReadonlyMap<string, string>,
  lake: Lake | undefined,
): Map<string, string> {
  const replaced = new Map<string, string>();
  for (const known of [targets.entries(), locations, lake?.replaced ?? []]) {
    for (const [original, location] of known) {
      const target = targets.get(location) ?? targets.get(original);
      if (target !== undefined && target !== original) replaced.set(original, target);
    }
  }
  return replaced;
}

/** Once the record says that the root is the store's, whatever lies below it is right; before, it may be anything. */
function staysAt(store: ObjectStore, lake: Lake | undefined): (location: string) => boolean {
  if (lake?.record.root !== store.root) return () => false;
  return (location) => location.startsWith(`${store.root}/`);
}

function isUpToDate({ place }: Backend, { root }: ObjectStore, lake: Lake | undefined): boolean {
  return lake?.record.root === root && lake.record.place === place;
}

/** False where the record had to be read again: garbage was collected meanwhile, which may have condemned what was written. */
async function replaceRecord(
  backend: Backend,
  store: ObjectStore,
  lake: Lake | undefined,
  made: { readonly id: string; readonly replaced: ReplacedLocations; readonly left: readonly string[] },
): Promise<boolean> {
  const { place = "" } = backend;
  const record = {
    root: store.root,
    below: pathBelow(place, store.root),
    place,
    relocation: await writeReplacedLocations(backend, made.id, made.replaced),
    earlier: made.left,
    relocations: (lake?.record.relocations ?? 0) + 1,
  };
  if (await isRecorded(backend, lake, record)) {
    const { relocation } = lake?.record ?? {};
    // It has happened, whatever becomes of what nobody reads any more.
    if (relocation !== undefined) await dropReplacedLocations(backend, relocation.id).catch(() => undefined);
    return true;
  }
  await dropReplacedLocations(backend, made.id);
  const now = await readLakeRecord(backend);
  if (lake !== undefined && sameJson(now?.record, lake.record)) return false;
  throw refConflict(
    store.root,
    "The lake was relocated by another process at the same time.",
    "Look where it is now, and relocate it again if that is not right.",
  );
}

/**
 * True when the record is the given one now, false when it never will be.
 *
 * @throws LakehouseError COMMIT_STATE_UNKNOWN when it may be, or may come to be.
 */
async function isRecorded(backend: Backend, lake: Lake | undefined, record: LakeRecord): Promise<boolean> {
  const isOurs = (now: StoredLakeRecord | undefined): boolean =>
    now?.record.relocation?.id === record.relocation?.id;
  try {
    return (await writeLakeRecord(backend, lake?.value, record)) || isOurs(await readLakeRecord(backend));
  } catch (failure) {
    if (!storageFailed.is(failure)) throw failure;
    const now = await readLakeRecord(backend).catch(() => "UNKNOWN" as const);
    if (now !== "UNKNOWN" && isOurs(now)) return true;
    if (now !== "UNKNOWN" && now?.value !== lake?.value) return false;
    throw commitStateUnknown(
      record.root,
      `The catalog failed while it was told that the lake is at ${record.root} (${failure.message}). It is at one of the two places, whole, and every file is still there.`,
      "Relocate it again when the catalog answers: what is done already is not done twice.",
      failure,
    );
  }
}

function earlierOf({ record }: Lake): readonly string[] {
  return record.earlier ?? [];
}

/** The metadata files of the tables and views that branches and tags show. */
async function locationsOfHeads(backend: Backend, replaced: ReplacedLocations): Promise<Set<string>> {
  const objects = new ObjectCache(backend, 1 << 20, [EMPTY_MAP], replaced);
  const locations = new Set<string>();
  for (const hash of new Set((await readRefs(backend)).flatMap(({ hash }) => hash ?? []))) {
    const { tree } = await getCommit(objects, hash);
    for await (const { content } of entriesOf(objects, tree, [])) {
      if (content.type !== "NAMESPACE") locations.add(content.metadataLocation);
    }
  }
  return locations;
}

/**
 * Refuses to record a place where not all is that refs lead to: what is copied there later has the names from before,
 * and nothing would lead to it any more.
 */
function requireWhole(store: ObjectStore, location: string, missing: readonly string[]): void {
  const [first] = missing;
  if (first === undefined) return;
  throw objectNotFound(
    first,
    `${first}, which ${location === first ? "a branch or tag shows" : `${location} leads to`}, is not where it should be below ${store.root}. Nothing was changed.`,
    "Look whether this is the place where the lake's files are, and all of them were copied. A table that is damaged for good is to be dropped first.",
  );
}

/** What every commit that is stored has put, also those that only a reflog leads to: the location in it, and the one that holds. */
async function locationsOfCommits(
  backend: Backend,
  replaced: ReplacedLocations,
): Promise<Map<string, string>> {
  const objects = new ObjectCache(backend, 1 << 20, [EMPTY_MAP]);
  const locations = new Map<string, string>();
  for await (const { hash } of backend.scan()) {
    const commit = await objects.find<Partial<Commit>>(hash);
    if (commit?.kind !== "commit") continue;
    for (const operation of commit.operations ?? []) {
      if (operation.type !== "PUT" || operation.content.type === "NAMESPACE") continue;
      const { metadataLocation } = operation.content;
      locations.set(metadataLocation, replaced.get(metadataLocation) ?? metadataLocation);
    }
  }
  return locations;
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, "");
}
