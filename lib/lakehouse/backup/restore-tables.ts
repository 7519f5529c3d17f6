import { type BranchingCatalog, type Entry, type TableName, tableLocation } from "../catalog/index.js";
import { type Abortable, invalidArgument } from "../errors.js";
import { noSuchTable, readTableMetadata } from "../iceberg/index.js";
import { ensureNamespace } from "../namespaces.js";
import { copyOut, restoreId } from "./copy-out.js";
import { restoreRefused } from "./errors.js";
import { FileGatherer } from "./gather.js";
import type { BackupIndex, BackupSummary } from "./model.js";
import { FilesOfBackup, moveBelow } from "./moving.js";
import { nameOf, namesOf } from "./names.js";
import type { BackupPlace } from "./place.js";
import type { RestoreReport } from "./restore-lake.js";

export interface RestoreTablesOptions extends Abortable {
  /** Every table that the branch or tag shows, where not given. */
  readonly tables?: readonly TableName[] | undefined;
  /** Another name for the one table. */
  readonly as?: TableName | undefined;
  /** The branch or tag in the backup whose state they get: the one that the lakehouse is on, where not given. */
  readonly ref?: string | undefined;
  /** Whether a table of that name may be replaced. False where not given. Its commits stay in the branch's history. */
  readonly overwrite?: boolean | undefined;
}

interface Plan {
  readonly name: string;
  readonly metadataLocation: string;
}

/**
 * Puts tables of a backup beside those of a lakehouse, on the branch that it is on: each with its snapshots, in a folder of
 * its own. They are registered when all of their files are there.
 *
 * @throws LakehouseError RESTORE_REFUSED where there is a table of that name; NO_SUCH_TABLE; INVALID_ARGUMENT for a branch
 *   that the backup does not have; BACKUP_CORRUPT; STORAGE_FAILED; ABORTED.
 */
export async function restoreTables(
  place: BackupPlace,
  backup: BackupSummary,
  catalog: BranchingCatalog,
  options: RestoreTablesOptions,
): Promise<RestoreReport> {
  const { overwrite = false, signal } = options;
  const index = await place.index(backup);
  const plans = planned(backup, index, options.ref ?? catalog.ref, options);
  for (const { name } of plans) if (!overwrite && (await catalog.tableExists(name))) throw isThere(name);
  const { store } = catalog;
  const made: { readonly name: string; readonly location: string }[] = [];
  let [files, bytes] = [0, 0];
  for (const { name, metadataLocation } of plans) {
    const id = restoreId(backup.id, `${store.root} ${name}`);
    const folder = tableLocation(store.root, name.split("."), `restored-${id}`);
    const read = new FilesOfBackup(backup.root, place, index.files, (location) => location);
    const { location } = await readTableMetadata(read, metadataLocation);
    const move = moveBelow(location, folder);
    const former = new FilesOfBackup(backup.root, place, index.files, move);
    const gatherer = new FileGatherer(former);
    await gatherer.addTable(metadataLocation, true);
    const needed = [...gatherer.files.keys()].map((file) => former.file(file));
    const moved = await copyOut({
      ...{ place, files: former, move, target: store, id, signal },
      metadata: [metadataLocation],
      needed,
    });
    made.push({ name, location: moved.get(metadataLocation) as string });
    files += needed.length;
    bytes += needed.reduce((sum, { size }) => sum + size, 0);
  }
  for (const { name, location } of made) {
    await ensureNamespace(catalog, name);
    await catalog.registerTable(name, location, { overwrite });
  }
  const tables = made.map(({ name }) => name);
  return { backup: backup.id, to: store.root, tables, refs: 0, files, bytes };
}

function planned(
  { id, refs }: BackupSummary,
  { entries }: BackupIndex,
  ref: string,
  { tables, as }: RestoreTablesOptions,
): Plan[] {
  const hash = refs.find(({ name }) => name === ref)?.hash;
  if (hash === undefined) {
    throw invalidArgument(
      ref,
      `The backup ${id} has no branch or tag ${ref}.`,
      `It has ${refs.map(({ name }) => name).join(", ")}.`,
    );
  }
  const shown = new Map<string, string>();
  for (const { key, content } of (entries[hash] ?? []) as readonly Entry[])
    if (content.type === "ICEBERG_TABLE") shown.set(key.join("."), content.metadataLocation);
  const names = namesOf(tables) ?? [...shown.keys()];
  if (as !== undefined && names.length !== 1)
    throw invalidArgument("as", `Another name is for one table, and there are ${names.length}.`);
  return names.map((name) => {
    const metadataLocation = shown.get(name);
    if (metadataLocation !== undefined)
      return { name: as === undefined ? name : nameOf(as), metadataLocation };
    throw noSuchTable(
      name,
      `The backup ${id} has no table ${name} on ${ref}.`,
      shown.size === 0 ? undefined : `It has ${[...shown.keys()].join(", ")}.`,
    );
  });
}

function isThere(name: string): Error {
  return restoreRefused(
    name,
    `There is a table ${name}.`,
    "Restore it under another name, or say that it is to be overwritten: its commits stay in the history.",
  );
}
