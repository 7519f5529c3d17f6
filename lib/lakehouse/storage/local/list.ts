import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { systemCode } from "../failure.js";
import { compareUtf8, RESERVED_NAME } from "../uri.js";

/** How many files are looked at together. */
const BATCH = 32;

export interface ListedFile {
  readonly file: string;
  readonly stats: BigIntStats;
}

/**
 * The files below a directory whose first name begins with `namePrefix`, in the order of their paths' UTF-8
 * bytes. Held in memory: the names of the directories from the first down to the current one, no more. What
 * is neither file nor directory (links, pipes) is passed over, and so is what disappears meanwhile.
 */
export async function* listFiles(
  directory: string,
  namePrefix = "",
): AsyncGenerator<ListedFile, void, undefined> {
  const names = await sortedNames(directory, namePrefix);
  let files: string[] = [];
  for (const name of names) {
    if (!name.endsWith("/")) {
      files.push(path.join(directory, name));
      if (files.length < BATCH) continue;
    }
    yield* lookAt(files);
    files = [];
    if (name.endsWith("/")) yield* listFiles(path.join(directory, name.slice(0, -1)));
  }
  yield* lookAt(files);
}

/** Directories carry a slash, which is how their contents sort: `a-b` comes before `a/c`, since `-` < `/`. */
async function sortedNames(directory: string, namePrefix: string): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name === RESERVED_NAME || !entry.name.startsWith(namePrefix)) continue;
    if (entry.isDirectory()) names.push(`${entry.name}/`);
    else if (entry.isFile()) names.push(entry.name);
  }
  return names.sort(compareUtf8);
}

function readEntries(directory: string) {
  return readdir(directory, { withFileTypes: true });
}

async function* lookAt(files: readonly string[]): AsyncGenerator<ListedFile, void, undefined> {
  const all = await Promise.all(
    files.map(async (file) => {
      try {
        return { file, stats: await lstat(file, { bigint: true }) };
      } catch (error) {
        if (systemCode(error) === "ENOENT") return undefined;
        throw error;
      }
    }),
  );
  for (const one of all) if (one?.stats.isFile()) yield one;
}
