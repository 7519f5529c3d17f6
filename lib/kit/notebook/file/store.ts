import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { withFolds } from "./fold.js";
import { type Notebook, parseNotebook, serializeNotebook } from "./nbformat.js";

/** Undefined when there is no such file. */
export async function readNotebook(path: string): Promise<Notebook | undefined> {
  return existsSync(path) ? parseNotebook(await readFile(path, "utf8"), path) : undefined;
}

/** Writes beside the target and renames, so that a reader sees the old notebook or the new one, never a part. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, serializeNotebook(withFolds(notebook)));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
