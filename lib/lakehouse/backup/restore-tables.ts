import { randomUUID } from "node:crypto";
import { type BranchingCatalog, type TableName, tableLocation } from "../catalog/index.js";
import { type Abortable, invalidArgument } from "../errors.js";
import {
  commitStateUnknown,
  noSuchTable,
  readTableMetadata,
  type TableIdentifier,
} from "../iceberg/index.js";
import { ensureNamespace } from "../namespaces.js";
import type { ObjectStore } from "../storage/index.js";
import { copyOut, restoreId } from "./copy-out.js";
import { restoreRefused } from "./errors.js";
import { FileGatherer } from "./gather.js";
import type { BackedUpFile, BackupIndex, BackupSummary } from "./model.js";
import { FilesOfBackup, moveBelow } from "./moving.js";
import { identifierOf, identifiersOf, nameOf, tableKeyOf } from "./names.js";
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

/** A table of the backup, and what it is to be called. */
interface Plan {
  readonly table: TableIdentifier;
  readonly metadataLocation: string;
  /** A folder of its own. */
  readonly folder: string;
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
  const { store } = catalog;
  const plans = planned(backup, index, store.root, options.ref ?? catalog.ref, options);
  for (const { table } of plans)
    if (!overwrite && (await catalog.tableExists(table))) throw isThere(nameOf(table));
  const left = new Set(plans.map(({ folder }) => folder));
  try {
    const made: Made[] = [];
    for (const plan of plans) made.push(await makeTable(place, backup, index.files, store, plan, signal));
    for (const { table, folder, location } of made) {
      await ensureNamespace(catalog, table);
      await catalog.registerTable(table, location, { overwrite });
      left.delete(folder);
    }
    return {
      backup: backup.id,
      to: store.root,
      tables: made.map(({ table }) => nameOf(table)),
      refs: 0,
      files: made.reduce((sum, { files }) => sum + files.length, 0),
      bytes: made.reduce((sum, { files }) => sum + sizeOf(files), 0),
    };
  } catch (error) {
    // No table leads there; of a commit that may have been made, one may.
    if (!commitStateUnknown.is(error)) for (const folder of left) await discard(store, folder);
    throw error;
  }
}

/** A table whose files are all there. */
interface Made extends Plan {
  /** Of its metadata file, in its new place. */
  readonly location: string;
  readonly files: readonly BackedUpFile[];
}

async function makeTable(
  place: BackupPlace,
  { id, root }: BackupSummary,
  files: readonly BackedUpFile[],
  target: ObjectStore,
  plan: Plan,
  signal: AbortSignal | undefined,
): Promise<Made> {
  const { metadataLocation, folder } = plan;
  const asTheyWere = new FilesOfBackup(root, place, files, (location) => location);
  const { location } = await readTableMetadata(asTheyWere, metadataLocation);
  const move = moveBelow(location, folder);
  const former = new FilesOfBackup(root, place, files, move);
  const gatherer = new FileGatherer(former);
  await gatherer.addTable(metadataLocation, true);
  const needed = [...gatherer.files.keys()].map((file) => former.file(file));
  const moved = await copyOut({
    ...{ place, files: former, move, target, needed, signal },
    metadata: [metadataLocation],
    id: restoreId(id, folder),
  });
  return { ...plan, location: moved.get(metadataLocation) as string, files: needed };
}

const sizeOf = (files: readonly BackedUpFile[]): number => files.reduce((sum, { size }) => sum + size, 0);

/** Deletes what was written to a folder. The failure before it is to be reported, and not that something stays. */
async function discard(store: ObjectStore, folder: string): Promise<void> {
  try {
    const uris: string[] = [];
    for await (const { uri } of store.list(`${folder}/`)) uris.push(uri);
    await store.delete(uris);
  } catch {}
}

function planned(
  { id, refs }: BackupSummary,
  { entries }: BackupIndex,
  root: string,
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
  const shown = new Map<string, { readonly table: TableIdentifier; readonly location: string }>();
  for (const { key, content } of entries[hash] ?? []) {
    const table = { namespace: key.slice(0, -1), name: key.at(-1) as string };
    if (content.type === "ICEBERG_TABLE")
      shown.set(tableKeyOf(table), { table, location: content.metadataLocation });
  }
  const wanted = identifiersOf(tables) ?? [...shown.values()].map(({ table }) => table);
  if (as !== undefined && wanted.length !== 1)
    throw invalidArgument("as", `Another name is for one table, and there are ${wanted.length}.`);
  return wanted.map((table) => {
    const found = shown.get(tableKeyOf(table));
    if (found === undefined) {
      throw noSuchTable(
        nameOf(table),
        `The backup ${id} has no table ${nameOf(table)} on ${ref}.`,
        shown.size === 0
          ? undefined
          : `It has ${[...shown.values()].map((one) => nameOf(one.table)).join(", ")}.`,
      );
    }
    const called = as === undefined ? table : identifierOf(as);
    // New each time: what garbage collection takes is never written again under the same name.
    const folder = tableLocation(root, [...called.namespace, called.name], randomUUID());
    return { table: called, metadataLocation: found.location, folder };
  });
}

function isThere(name: string): Error {
  return restoreRefused(
    name,
    `There is a table ${name}.`,
    "Restore it under another name, or say that it is to be overwritten: its commits stay in the history.",
  );
}
