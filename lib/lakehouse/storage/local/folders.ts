import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "../failure.js";

/**
 * Makes a folder and those above it. Node's own `recursive` goes round for ever where a file system answers ENOENT for
 * a folder that it does not want, as /proc does.
 *
 * @throws what the file system does.
 */
export function makeFolders(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST" && statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    if (code !== "ENOENT" || existsSync(dirname(folder))) throw error;
    makeFolders(dirname(folder));
    makeFolders(folder);
  }
}
