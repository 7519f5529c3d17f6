import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { keyOf } from "../../../keys.js";
import { type ObjectStore, objectNotFound } from "../../../storage/index.js";
import { readManifests } from "../../files/manifest/list.js";
import { readLiveEntries } from "../../files/manifest/reader.js";
import { specsById } from "../../files/manifest/specs.js";
import { readTableMetadata } from "../../files/metadata/metadata-file.js";
import { currentSnapshot } from "../../model/metadata/lookup.js";
import type { DataFile, ManifestFile } from "../../model/metadata/manifest-types.js";
import { MAIN_BRANCH } from "../../model/metadata/parse.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import { CARRIED, CARRIED_WHOLE, carriedBy } from "../snapshot/carried.js";
import { SnapshotProducer } from "../snapshot/producer.js";
import { applyUpdates } from "../updates/apply.js";
import type { LoadedTable } from "../updates/types.js";

/** One table, as it was where two sides parted, and as either has it now. */
export interface Parted {
  readonly store: ObjectStore;
  /** What `source` changed is counted from here. */
  readonly base: TableMetadata;
  readonly source: TableMetadata;
  readonly target: TableMetadata;
  /** Where all of `base` belongs to what the sides have in common: the target must still have it. */
  readonly targetHasBase: boolean;
}

/** What makes the target's table have what the source's has. */
export interface Rebase {
  readonly files: readonly DataFile[];
  /** For the summary of the snapshot that adds them: the streams that they are of, and how far the source took these in. */
  readonly carried: Readonly<Record<string, string>>;
}

/**
 * The data files by which the source is more than `base`, where it did nothing but append since they parted, and the target
 * nothing but append or be rewritten without a change of its rows, as by compaction; else why their changes cannot be put
 * together. A file that the target has already, or had until it was rewritten, is not among them.
 *
 * An append holds on top of any other, so that these can be added to the target as if they had been written there now.
 * That is what an append that lost a race does, too (spec, "Commit Conflict Resolution and Retry"). What else a side may
 * have done depends on rows that the other has changed or has not.
 */
export async function appendsToRebase(parted: Parted): Promise<Rebase | string> {
  const { store, base, source, target, targetHasBase } = parted;
  if (new Set([base, source, target].map(({ tableUuid }) => tableUuid)).size > 1) {
    return "they are two tables: one was made anew under the name";
  }
  const definition = DEFINITIONS.find(([, of]) => keyOf(of(source)) !== keyOf(of(target)));
  if (definition !== undefined) return `they differ in ${definition[0]}`;
  const since = await snapshotsSinceParting(store, source, target);
  if (since === undefined) return EXPIRED;
  const known = new Set(base.snapshots.map(({ snapshotId }) => snapshotId));
  const reached = new Set([...since.source, ...since.shared].map(({ snapshotId }) => snapshotId));
  const staged = source.snapshots.find(
    ({ snapshotId }) => !known.has(snapshotId) && !reached.has(snapshotId),
  );
  if (staged !== undefined)
    return `the source has a snapshot that no branch of the table leads to, ${staged.snapshotId}`;
  const other =
    changedRows("source", since.source, ["append"]) ?? changedRows("target", since.target, HARMLESS);
  if (other !== undefined) return other;
  const [before, after, live] = await filesOf(parted);
  // Rows of files that were rewritten are in the target, in others now.
  const rewritten = await rewrittenIn(store, target, since);
  if (rewritten === undefined) return EXPIRED;
  const there = new Set([...live.keys(), ...rewritten]);
  if ([...before.keys()].some((path) => !after.has(path)))
    return "the source went back behind where they parted";
  if (targetHasBase && [...before.keys()].some((path) => !there.has(path))) {
    return "the target lacks files that both had: what was merged before was undone";
  }
  const added = [...after].flatMap(([path, file]) => (before.has(path) || there.has(path) ? [] : [file]));
  if (added.some(({ content }) => content !== "data")) return "the source deleted rows";
  if (added.length === 0) return { files: [], carried: {} };
  const carried = await carriedFrom(base, since);
  if (typeof carried === "string") return carried;
  return { files: added.map((file) => ({ ...file, firstRowId: undefined })), carried };
}

const EXPIRED = "snapshots since they parted have expired, so that nothing tells what became of its rows";

/** What adds rows, or leaves them as they are (spec, "Snapshots"). */
const HARMLESS = ["append", "replace"];

function changedRows(
  side: string,
  snapshots: readonly Snapshot[],
  harmless: readonly string[],
): string | undefined {
  const other = snapshots.find(({ summary }) => !harmless.includes(summary?.operation ?? ""));
  if (other === undefined) return undefined;
  const kind = other.summary?.operation ?? "unknown";
  return `the ${side} did more than append: its snapshot ${other.snapshotId} is of the kind "${kind}"`;
}

/** The paths of files that snapshots of the target have replaced by others with the same rows; `undefined` where they are gone. */
async function rewrittenIn(
  store: ObjectStore,
  metadata: TableMetadata,
  { target, shared }: Histories,
): Promise<string[] | undefined> {
  const found: string[] = [];
  try {
    for (const [i, snapshot] of target.entries()) {
      const parent = target[i + 1] ?? shared[0];
      if (snapshot.summary?.operation !== "replace" || parent === undefined) continue;
      const lists = [await readManifests(store, parent), await readManifests(store, snapshot)];
      const [old, now] = await liveIn(store, [metadata, metadata], lists);
      found.push(...[...(old as Files).keys()].filter((path) => !now?.has(path)));
    }
  } catch (error) {
    if (objectNotFound.is(error)) return undefined;
    throw error;
  }
  return found;
}

/**
 * What the source's snapshots say of streams that they took in, where the target's do not: rows that it adds are of them.
 *
 * @returns why not, where both sides have gone on with one.
 */
async function carriedFrom(
  base: TableMetadata,
  since: Histories,
): Promise<Readonly<Record<string, string>> | string> {
  // Behind where they parted, where some of it was merged before.
  const at = since.source.findIndex(({ snapshotId }) => snapshotId === base.currentSnapshotId);
  const before = carriedBy(at < 0 ? [] : since.source.slice(at));
  const ours = carriedBy(since.target);
  const carried: Record<string, string> = {};
  for (const [key, value] of Object.entries(carriedBy(since.source))) {
    if (value === before[key] || key === CARRIED_WHOLE) continue;
    if (before[key] !== undefined || ours[key] !== undefined) {
      const parted = await since.past.carried(key, since.source.length);
      const was = before[key] ?? parted;
      if (value === was) continue;
      // Where both say the same, they have the same records, and in other files.
      if ((ours[key] ?? parted) !== was)
        return `both took in records of the stream ${key.slice(CARRIED.length)}`;
    }
    carried[key] = value;
  }
  return carried;
}

/** What must be the same on both sides: a file is read by it. */
const DEFINITIONS: readonly (readonly [string, (metadata: TableMetadata) => unknown])[] = [
  ["the format version", ({ formatVersion }) => formatVersion],
  ["the location", ({ location }) => location],
  ["the schema", ({ schemas, currentSchemaId, lastColumnId }) => [schemas, currentSchemaId, lastColumnId]],
  [
    "the partitioning",
    ({ partitionSpecs, defaultSpecId, lastPartitionId }) => [partitionSpecs, defaultSpecId, lastPartitionId],
  ],
  ["the sort order", ({ sortOrders, defaultSortOrderId }) => [sortOrders, defaultSortOrderId]],
  ["the properties", ({ properties }) => properties],
  [
    "the table's own branches and tags",
    // Of main, which a table without a snapshot lacks, how long its snapshots are kept.
    ({ refs: { [MAIN_BRANCH]: main, ...others } }) => [
      others,
      { ...main, type: undefined, snapshotId: undefined },
    ],
  ],
];

interface Histories {
  /** The snapshots of each side after the last one that they share, and the shared ones. */
  readonly source: readonly Snapshot[];
  readonly target: readonly Snapshot[];
  readonly shared: readonly Snapshot[];
  /** The source's. */
  readonly past: History;
}

/** `undefined` where expired snapshots leave a hole, in all metadata files that are there. */
async function snapshotsSinceParting(
  store: ObjectStore,
  source: TableMetadata,
  target: TableMetadata,
): Promise<Histories | undefined> {
  const [left, right] = [new History(store, source), new History(store, target)];
  let parted = partedAt(left, right);
  while (parted === undefined && ((await left.remember()) || (await right.remember())))
    parted = partedAt(left, right);
  return parted;
}

function partedAt(source: History, target: History): Histories | undefined {
  const [left, right] = [source.read(), target.read()];
  const places = new Map(right.snapshots.map(({ snapshotId }, i) => [snapshotId, i]));
  const at = left.snapshots.findIndex(({ snapshotId }) => places.has(snapshotId));
  const [shared] = left.snapshots.slice(at);
  if (at >= 0 && shared !== undefined) {
    return {
      source: left.snapshots.slice(0, at),
      target: right.snapshots.slice(0, places.get(shared.snapshotId)),
      shared: left.snapshots.slice(at),
      past: source,
    };
  }
  // They parted before the first snapshot.
  const isWhole = left.isWhole && right.isWhole;
  return isWhole ? { source: left.snapshots, target: right.snapshots, shared: [], past: source } : undefined;
}

/** The snapshots of a table's main branch, newest first; those that expired are found in earlier metadata files. */
class History {
  readonly #store: ObjectStore;
  readonly #start: SnapshotId | undefined;
  readonly #known = new Map<SnapshotId, Snapshot>();
  readonly #earlier: string[];

  constructor(store: ObjectStore, metadata: TableMetadata) {
    this.#store = store;
    this.#start = metadata.currentSnapshotId;
    this.#earlier = earlierFiles(metadata);
    this.#add(metadata);
  }

  #add({ snapshots }: TableMetadata): void {
    for (const snapshot of snapshots) this.#known.set(snapshot.snapshotId, snapshot);
  }

  /** `isWhole`: they begin with the table's first. */
  read(): { readonly snapshots: readonly Snapshot[]; readonly isWhole: boolean } {
    const snapshots: Snapshot[] = [];
    for (let id = this.#start; id !== undefined; ) {
      const snapshot = this.#known.get(id);
      if (snapshot === undefined) return { snapshots, isWhole: false };
      snapshots.push(snapshot);
      id = snapshot.parentSnapshotId;
    }
    return { snapshots, isWhole: true };
  }

  /** What the nearest of the snapshots from that place on says under a key. */
  async carried(key: string, place: number): Promise<string | undefined> {
    for (;;) {
      const value = carriedBy(this.read().snapshots.slice(place))[key];
      if (value !== undefined || !(await this.remember())) return value;
    }
  }

  /** Reads the next earlier metadata file; false where there is none, or the history is whole. */
  async remember(): Promise<boolean> {
    if (this.read().isWhole) return false;
    for (let file = this.#earlier.pop(); file !== undefined; file = this.#earlier.pop()) {
      try {
        const metadata = await readTableMetadata(this.#store, file);
        this.#add(metadata);
        // A table remembers so many versions, and the last of them those before it.
        if (this.#earlier.length === 0) this.#earlier.push(...earlierFiles(metadata));
        return true;
      } catch (error) {
        if (!objectNotFound.is(error)) throw error;
      }
    }
    return false;
  }
}

/** Oldest first. */
function earlierFiles({ metadataLog }: TableMetadata): string[] {
  return metadataLog.map(({ metadataFile }) => metadataFile);
}

type Files = ReadonlyMap<string, DataFile>;

/** The live files of the versions of a table, by path, without those of manifests that all of them have. */
async function filesOf({
  store,
  base,
  source,
  target,
}: Parted): Promise<readonly [base: Files, source: Files, target: Files]> {
  const listOf = async (metadata: TableMetadata): Promise<readonly ManifestFile[]> => {
    const snapshot = currentSnapshot(metadata);
    return snapshot === undefined ? [] : readManifests(store, snapshot);
  };
  const versions = [base, source, target];
  const lists = await Promise.all(versions.map(listOf));
  return (await liveIn(store, versions, lists)) as [Files, Files, Files];
}

/** The live files of each list of manifests, by path, without those of manifests that are in all of the lists. */
async function liveIn(
  store: ObjectStore,
  versions: readonly TableMetadata[],
  lists: readonly (readonly ManifestFile[])[],
): Promise<Files[]> {
  const paths = lists.map((list) => new Set(list.map(({ manifestPath }) => manifestPath)));
  const isShared = ({ manifestPath }: ManifestFile): boolean => paths.every((each) => each.has(manifestPath));
  return Promise.all(
    lists.map(async (list, i) => {
      const own = list.filter((manifest) => !isShared(manifest));
      const specs = specsById(versions[i] as TableMetadata);
      const entries = await mapConcurrent(own, READ_CONCURRENCY, (manifest) =>
        readLiveEntries(store, manifest, specs),
      );
      return new Map(entries.flat().map(({ dataFile }) => [dataFile.filePath, dataFile]));
    }),
  );
}

/** A version of a table that is not committed yet. */
export interface RebasedTable {
  readonly metadata: TableMetadata;
  /** Deletes what was written for it and is not needed: all of it, where it was not committed. */
  settle(committed: boolean): Promise<void>;
}

/**
 * Adds data files to a table in one snapshot, with this commit's sequence number and, in v3, with row ids that the
 * table gives them anew: those that they had where they come from were given to other rows here.
 */
export async function rebaseAppends(
  store: ObjectStore,
  target: LoadedTable,
  { files, carried }: Rebase,
  summary: Readonly<Record<string, string>>,
): Promise<RebasedTable> {
  const { metadata: base, metadataLocation } = target;
  const producer = new SnapshotProducer(store, base, {
    operation: "append",
    addedDataFiles: files,
    summary: { ...carried, ...summary },
  });
  try {
    const { updates, stored } = await producer.propose(base);
    await stored;
    const metadata = applyUpdates(base, updates, { previousMetadataLocation: metadataLocation });
    return { metadata, settle: (committed) => producer.settle(committed ? metadata : undefined) };
  } catch (error) {
    await producer.settle(undefined).catch(() => {}); // the failure that led here is the one to report
    throw error;
  }
}
