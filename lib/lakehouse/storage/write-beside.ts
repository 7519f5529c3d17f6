import { randomUUID } from "node:crypto";
import { lstat, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { fromFileSystem } from "./failure.js";
import { isLeftOver, ownerPrefix } from "./local/scratch.js";
import { fileUri } from "./uri.js";

/** Begins the names of what is unfinished; then comes `<realm>.<pid>.<uuid>`. */
const UNFINISHED = ".slh-unfinished.";
const LEFT_OVER = /^\.slh-unfinished\.([0-9a-f]{12}\.\d+\.[0-9a-f-]{36})$/;

/** A name in a folder for what is written there, and gets another when it is whole. What processes that are dead left goes. */
export async function unfinishedIn(folder: string): Promise<string> {
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const [, owner] = LEFT_OVER.exec(name) ?? [];
    const file = path.join(folder, name);
    if (owner !== undefined && (await isLeftOver(owner, lstat(file)))) await remove(file);
  }
  return path.join(folder, `${UNFINISHED}${ownerPrefix()}.${randomUUID()}`);
}

/** Removes what was written, if it is there. Failure is no matter: what stays is left over. */
async function remove(file: string): Promise<void> {
  await rm(file, { recursive: true, force: true }).catch(() => undefined);
}

/** What becomes of files in a folder that is there already: they stay, unless one of their name comes, or they go. */
export type FolderFiles = "add" | "replace";

/**
 * Has another program write a file, or a folder of files, that is there when this resolves, whole, in place of what there
 * was; a failure or a killed process leaves that. It is written under its own name in a hidden folder beside. What is no
 * file (a terminal, a pipe), and what lies in a folder that does not exist, the program is left to itself with.
 *
 * @param write writes to the path that it is given.
 * @param into for a folder that has files: what becomes of them. Absent, the program is left to itself with it.
 * @throws LakehouseError STORAGE_FAILED; and what `write` throws.
 */
export async function writeBeside<T>(
  file: string,
  write: (path: string) => Promise<T>,
  into?: FolderFiles | undefined,
): Promise<T> {
  // Where a symbolic link stands, what it leads to is meant.
  const target = await realpath(file).catch(() => path.resolve(file));
  const there = await stat(target).catch(() => undefined);
  const folder = path.dirname(target);
  const isOpen = there?.isDirectory() && (into !== undefined || (await readdir(target)).length === 0);
  const isPlain = there === undefined || there.isFile() || isOpen;
  if (!isPlain || !(await stat(folder).catch(() => undefined))?.isDirectory()) return write(file);
  const beside = await unfinishedIn(folder);
  try {
    await mkdir(beside).catch((error: unknown) => {
      throw fromFileSystem(error, fileUri(file), "Could not write beside the file");
    });
    const written = path.join(beside, path.basename(target));
    const result = await write(written);
    await place(written, target, into).catch((error: unknown) => {
      throw fromFileSystem(error, fileUri(file), "Could not give the file its name");
    });
    return result;
  } finally {
    await remove(beside);
  }
}

async function place(written: string, target: string, into: FolderFiles | undefined): Promise<void> {
  // Some programs write no file where there are no rows.
  if ((await stat(written).catch(() => undefined)) === undefined) return;
  const files = await filesBelow(written);
  for (const name of files ?? [""]) await sync(path.join(written, name));
  const old = await filesBelow(target);
  if (files === undefined || old === undefined) return rename(written, target);
  for (const name of files) {
    await mkdir(path.dirname(path.join(target, name)), { recursive: true });
    await rename(path.join(written, name), path.join(target, name));
  }
  const gone = into === "replace" ? old.filter((name) => !files.includes(name)) : [];
  for (const name of gone) await remove(path.join(target, name));
}

/** The files in a folder, at any depth, by their paths below it; `undefined` where there is no folder. */
async function filesBelow(folder: string): Promise<readonly string[] | undefined> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) return undefined;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

/** Makes sure that a file outlives the machine before another goes for it. */
async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
