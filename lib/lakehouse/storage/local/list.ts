import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { isMissing } from "../failure.js";
import { compareUtf8, MARKER_NAME, OBJECT_NAME, RESERVED } from "../uri.js";

/** How many files are looked at together. */
const BATCH = 32;

export interface ListedFile {
  /** The path that the key stands for. */
  readonly path: string;
  readonly stats: BigIntStats;
}

interface Item {
  /** By which it sorts in its directory. */
  readonly name: string;
  readonly path: string;
  /** Where the object may lie; undefined for a directory, whose objects come next. */
  readonly file?: string | undefined;
}

/**
 * The objects below a directory whose first name begins with `namePrefix`, in the order of their keys' UTF-8
 * bytes. Held in memory: the names of the directories from the first down to the current one, no more. What
 * is neither file nor directory (links, pipes) is passed over, and so is what disappears meanwhile.
 *
 * @param find looks where the object of a path lies by now.
 * @param flat whether the directories in it are left out.
 */
export async function* listFiles(
  directory: string,
  namePrefix: string,
  find: (path: string) => BigIntStats | undefined,
  flat = false,
): AsyncGenerator<ListedFile, void, undefined> {
  let files: Item[] = [];
  for (const item of await sortedItems(directory, namePrefix)) {
    if (flat && item.file === undefined) continue;
    if (item.file !== undefined) {
      files.push(item);
      if (files.length < BATCH) continue;
    }
    yield* lookAt(files, find);
    files = [];
    if (item.file === undefined) yield* listFiles(item.path, "", find);
  }
  yield* lookAt(files, find);
}

/** Directories carry a slash, which is how their contents sort: `a-b` comes before `a/c`, since `-` < `/`. */
async function sortedItems(directory: string, namePrefix: string): Promise<Item[]> {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const items: Item[] = [];
  for (const entry of entries) {
    const at = path.join(directory, entry.name);
    if (entry.name === MARKER_NAME && namePrefix === "")
      items.push({ name: "", path: `${directory}/`, file: at });
    if (RESERVED.includes(entry.name) || !entry.name.startsWith(namePrefix)) continue;
    if (entry.isDirectory()) {
      items.push({ name: entry.name, path: at, file: path.join(at, OBJECT_NAME) });
      items.push({ name: `${entry.name}/`, path: at });
    } else if (entry.isFile()) items.push({ name: entry.name, path: at, file: at });
  }
  return items.sort((a, b) => compareUtf8(a.name, b.name));
}

function readEntries(directory: string) {
  return readdir(directory, { withFileTypes: true });
}

async function* lookAt(
  items: readonly Item[],
  find: (path: string) => BigIntStats | undefined,
): AsyncGenerator<ListedFile, void, undefined> {
  const all = await Promise.all(
    items.map(async ({ path: key, file }) => {
      try {
        const stats = await lstat(file ?? key, { bigint: true });
        if (!stats.isDirectory()) return { path: key, stats };
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      // A file that is none any more may have moved on.
      const stats = file === key ? find(key) : undefined;
      return stats && { path: key, stats };
    }),
  );
  for (const one of all) if (one?.stats.isFile()) yield one;
}
