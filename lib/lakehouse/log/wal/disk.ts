import { constants } from "node:fs";
import { type FileHandle, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LakehouseError } from "../../errors.js";
import { makeFolders, storageFailed } from "../../storage/index.js";

/** A folder of this machine, as the write-ahead log needs it. */
export interface Disk {
  /** What errors call it. */
  readonly place: string;
  list(): Promise<string[]>;
  read(name: string): Promise<Uint8Array>;
  /** A new file. Its name is on the disk when this resolves. */
  create(name: string): Promise<DiskFile>;
  /** No error where there is none. */
  remove(name: string): Promise<void>;
}

export interface DiskFile {
  /** Writes the chunks one behind the other. They survive a crash after the next `sync`, and may be torn before. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** There, a write is on the disk when it is done: one way through the thread pool, where a write and a sync are two. */
const WRITES_THROUGH = process.platform === "linux";
const NEW_FILE =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (WRITES_THROUGH ? constants.O_DSYNC : 0);
/** As many go in one call to the system, which syncs once. */
const MOST_CHUNKS = 1024;

/**
 * A folder, made where it is absent. What is synced is on the disk.
 *
 * @throws LakehouseError STORAGE_FAILED, from here and from every method, where the disk fails or is full.
 */
export function diskAt(folder: string): Disk {
  makeLogFolder(folder);
  const guarded = <T>(work: () => Promise<T>) => guard(folder, work);
  return {
    place: folder,
    list: () => guarded(() => readdir(folder)),
    read: (name) => guarded(() => readFile(join(folder, name))),
    remove: (name) => guarded(() => rm(join(folder, name), { force: true })),
    create: (name) =>
      guarded(async () => {
        const file = await open(join(folder, name), NEW_FILE);
        try {
          await syncFolder(folder);
        } catch (error) {
          await file.close().catch(() => undefined);
          throw error;
        }
        return diskFile(folder, file);
      }),
  };
}

function diskFile(folder: string, file: FileHandle): DiskFile {
  const guarded = <T>(work: () => Promise<T>) => guard(folder, work);
  return {
    write: (chunks, position) => guarded(() => writeAll(file, chunks, position)),
    sync: async () => {
      if (!WRITES_THROUGH) await guarded(() => file.datasync());
    },
    close: () => guarded(() => file.close()),
  };
}

/** A write may take less than it was given, where the disk fills up or the chunks are large. */
async function writeAll(file: FileHandle, given: readonly Uint8Array[], position: number): Promise<void> {
  const chunks = given.length > MOST_CHUNKS ? [Buffer.concat(given)] : given;
  const { bytesWritten } = await file.writev(chunks as Uint8Array[], position);
  let skipped = bytesWritten;
  let at = position;
  for (const chunk of chunks) {
    if (skipped >= chunk.length) skipped -= chunk.length;
    else {
      for (let from = skipped; from < chunk.length; ) {
        const { bytesWritten: more } = await file.write(chunk, from, chunk.length - from, at + from);
        from += more;
      }
      skipped = 0;
    }
    at += chunk.length;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function guard<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unusableFolder(folder, cause);
  }
}

/** Makes a folder of the log's. @throws LakehouseError STORAGE_FAILED */
export function makeLogFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (cause) {
    throw unusableFolder(folder, cause);
  }
}

export function unusableFolder(folder: string, cause: unknown): LakehouseError {
  return storageFailed(
    folder,
    `The log's folder ${folder} cannot be used: ${(cause as Error).message}.`,
    "Look whether it can be written, and whether its disk is full or failing. Nothing that was acknowledged is lost; what was not can be sent again.",
    cause,
  );
}
