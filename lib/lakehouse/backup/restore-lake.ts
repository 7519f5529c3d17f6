import { type Backend, importCommits, refsInTheWay } from "../catalog/index.js";
import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import { type Abortable, throwIfAborted } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { copyFile, copyOut, restoreId } from "./copy-out.js";
import { restoreRefused } from "./errors.js";
import type { BackupIndex, BackupSummary } from "./model.js";
import { FilesOfBackup, moveBelow } from "./moving.js";
import type { BackupPlace } from "./place.js";
import { type RestoredRuns, restoreRuns } from "./runs.js";

export interface RestoreReport {
  /** The id of the backup. */
  readonly backup: string;
  readonly to: string;
  readonly tables: readonly string[];
  readonly refs: number;
  readonly files: number;
  readonly bytes: number;
  /** What became of the runs of experiments: `undefined` where the backup has none, or tables alone were restored. */
  readonly experiments?: RestoredRuns | undefined;
}

export interface LakeTarget extends Abortable {
  /** Where the catalog is to be kept, in which nothing was committed yet. */
  readonly backend: Backend;
  /** The store whose root is where the tables are to lie. */
  readonly store: ObjectStore;
  /** URI of where runs of experiments are to be kept. They are not restored where not given. */
  readonly experiments?: string | undefined;
}

/**
 * Makes a lakehouse of a backup: all branches and tags, with the history that it has and the hashes of their commits. Where
 * the tables lay elsewhere, every location is written anew; at the same place, files come back as they were.
 *
 * @throws LakehouseError RESTORE_REFUSED where there are commits, or other files, already, and for a backup of single
 *   tables; BACKUP_CORRUPT; STORAGE_FAILED; ABORTED. No table is to be seen then, and the same call goes on.
 */
export async function restoreLake(
  place: BackupPlace,
  backup: BackupSummary,
  { backend, store, experiments, signal }: LakeTarget,
): Promise<RestoreReport> {
  const { refs, root } = backup;
  const inTheWay = await refsInTheWay(backend, refs);
  if (inTheWay.length > 0) throw notEmpty(backend.place ?? "catalog", inTheWay);
  const index = await place.index(backup);
  if (index.commits === null) throw tablesAlone(backup.id);
  const isInPlace = root === store.root;
  const move = moveBelow(root, store.root);
  const files = index.files.filter(({ kind }) => kind !== "experiments");
  const runs = index.files.filter(({ kind }) => kind === "experiments");
  const shown = shownMetadata(index);
  const metadata = [...new Set([...shown, ...index.locations.map(([, location]) => location)])];
  let moved: ReadonlyMap<string, string> = new Map();
  if (isInPlace) {
    await mapConcurrent(files, READ_CONCURRENCY, (file) => {
      throwIfAborted(signal);
      return copyFile(place, file, store, file.location);
    });
  } else {
    const id = restoreId(backup.id, store.root);
    const former = new FilesOfBackup(root, place, files, move);
    moved = await copyOut({ place, files: former, move, target: store, metadata, needed: files, id, signal });
  }
  const replaced = new Map<string, string>();
  for (const [named, current] of index.locations) {
    const target = moved.get(current) ?? current;
    if (target !== named) replaced.set(named, target);
  }
  const restored = experiments && (await restoreRuns(place, runs, experiments, signal));
  const message = `Restore backup ${backup.id}`;
  await importCommits(backend, store, { objects: index.commits, refs, replaced, message });
  return { ...reportOf(backup, store.root, index), ...(restored && { experiments: restored }) };
}

function shownMetadata({ entries }: BackupIndex): string[] {
  return Object.values(entries)
    .flat()
    .flatMap(({ content }) => (content.type === "NAMESPACE" ? [] : content.metadataLocation));
}

function reportOf(backup: BackupSummary, to: string, { entries }: BackupIndex): RestoreReport {
  const tables = new Set<string>();
  for (const { key, content } of Object.values(entries).flat())
    if (content.type === "ICEBERG_TABLE") tables.add(key.join("."));
  const { id, refs, files, bytes } = backup;
  return { backup: id, to, tables: [...tables].sort(), refs: refs.length, files, bytes };
}

function notEmpty(place: string, refs: readonly string[]): Error {
  return restoreRefused(
    place,
    `The lakehouse of ${place} is not empty: there are commits on ${refs.join(", ")}.`,
    "Restore to a new place, or single tables by name beside those that are there.",
  );
}

function tablesAlone(id: string): Error {
  return restoreRefused(
    id,
    `The backup ${id} is of tables alone, without the catalog that they were in.`,
    "Open a lakehouse, and restore its tables by name.",
  );
}
