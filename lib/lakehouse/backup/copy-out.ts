import { createHash } from "node:crypto";
import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import { type Abortable, throwIfAborted } from "../errors.js";
import { Relocator } from "../iceberg/index.js";
import type { ObjectStore } from "../storage/index.js";
import { restoreRefused } from "./errors.js";
import type { BackedUpFile, FileKind } from "./model.js";
import type { FilesOfBackup, Move } from "./moving.js";
import { type BackupPlace, IN_MEMORY_BYTES, sha256 } from "./place.js";

/** Files in which other files stand by their locations, so that they are written anew where they are moved. */
const NAMES_OTHERS: ReadonlySet<FileKind> = new Set([
  "metadata",
  "manifest-list",
  "manifest",
  "position-deletes",
]);

export interface CopyOut extends Abortable {
  readonly place: BackupPlace;
  /** The files of the backup. */
  readonly files: FilesOfBackup;
  readonly move: Move;
  /** Where they go. */
  readonly target: ObjectStore;
  /** The metadata files of the tables and views to restore, those that are shown before those of history. */
  readonly metadata: readonly string[];
  /** The files that these lead to. */
  readonly needed: readonly BackedUpFile[];
  /** Of this restore, the same if it is done again: files that are written anew have it in their names. */
  readonly id: string;
}

/**
 * Writes files of a backup to where they move, with every location in them. Nothing refers to them yet; after a failure the
 * same call goes on where it stopped.
 *
 * @returns by the metadata file's old location, its new one.
 * @throws LakehouseError BACKUP_CORRUPT; RESTORE_REFUSED where another file lies in the way; STORAGE_FAILED; ABORTED.
 */
export async function copyOut(given: CopyOut): Promise<ReadonlyMap<string, string>> {
  const { place, files, move, target, metadata, needed, id, signal } = given;
  await mapConcurrent(
    needed.filter(({ kind }) => !NAMES_OTHERS.has(kind)),
    READ_CONCURRENCY,
    (file) => {
      throwIfAborted(signal);
      return copyFile(place, file, target, move(file.location));
    },
  );
  const all = new Set(metadata);
  const relocator = new Relocator(files, target, id, (location) => all.has(location));
  const moved = await mapConcurrent(metadata, READ_CONCURRENCY, async (location) => {
    throwIfAborted(signal);
    return [location, await relocator.metadata(location)] as const;
  });
  return new Map(moved);
}

/**
 * Puts a file of the backup where it goes, as it is.
 *
 * @throws LakehouseError BACKUP_CORRUPT; RESTORE_REFUSED where another file is there.
 */
export async function copyFile(
  place: BackupPlace,
  file: BackedUpFile,
  target: ObjectStore,
  uri: string,
): Promise<void> {
  const there = await target.head(uri);
  if (there !== undefined) {
    if (there.size === file.size && (await checksum(target, uri)) === file.sha256) return;
    throw restoreRefused(
      uri,
      `${uri} is there already, and is another file than the backup has for this place.`,
      "If it is damaged, delete it and restore again; else restore to an empty folder or bucket.",
    );
  }
  const body =
    file.size > IN_MEMORY_BYTES ? place.stream(file, file.location) : await place.read(file, file.location);
  await target.put(uri, body);
}

async function checksum(store: ObjectStore, uri: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of store.stream(uri)) hash.update(chunk);
  return hash.digest("hex");
}

/** A name for what is restored from a backup to somewhere, in files that are written anew. */
export function restoreId(backup: string, to: string): string {
  return sha256(Buffer.from(`${backup} ${to}`)).slice(0, 8);
}
