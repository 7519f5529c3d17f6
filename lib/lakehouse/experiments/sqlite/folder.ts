import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { unsupported } from "../../errors.js";
import { isDiskFull, objectNotFound, storageFailed, systemCode } from "../../storage/index.js";
import type { ArtifactInfo } from "../model.js";

/** A file that is being written: not one of its folder yet. */
const UNFINISHED = ".unfinished-";

/** Writes a file whole, or not at all. */
export async function writeIn(place: string, path: string, content: Uint8Array): Promise<void> {
  const target = join(folderAt(place), path);
  const unfinished = join(dirname(target), `${UNFINISHED}${randomUUID()}`);
  try {
    await mkdir(dirname(target), { recursive: true });
    try {
      const file = await open(unfinished, "wx");
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, target);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  } catch (cause) {
    throw storageFailed(
      target,
      `The artifact ${path} cannot be written: ${(cause as Error).message}.`,
      isDiskFull(cause)
        ? "Make room, and log it again."
        : "Look at the folder and its disk, and log it again.",
      cause,
    );
  }
}

export async function readIn(place: string, path: string): Promise<Uint8Array> {
  const target = join(folderAt(place), path);
  try {
    return new Uint8Array(await readFile(target));
  } catch (cause) {
    if (/^(ENOENT|ENOTDIR|EISDIR)$/.test(systemCode(cause) ?? ""))
      throw objectNotFound(
        target,
        `There is no artifact ${path}.`,
        "List the artifacts, and name one of them.",
        cause,
      );
    throw storageFailed(
      target,
      `The artifact ${path} cannot be read: ${(cause as Error).message}.`,
      "Look at the folder and its disk.",
      cause,
    );
  }
}

/** All files below the folder, by path. */
export async function listFiles(place: string): Promise<readonly ArtifactInfo[]> {
  const folder = folderAt(place);
  const found: ArtifactInfo[] = [];
  let entries: Awaited<ReturnType<typeof entriesOf>>;
  try {
    entries = await entriesOf(folder);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return found;
    throw storageFailed(
      folder,
      `The artifacts in ${folder} cannot be listed: ${(cause as Error).message}.`,
      "Look at the folder and its disk.",
      cause,
    );
  }
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.startsWith(UNFINISHED)) continue;
    const full = join(entry.parentPath, entry.name);
    found.push({ path: relative(folder, full).split(sep).join("/"), size: (await stat(full)).size });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const entriesOf = (folder: string) => readdir(folder, { recursive: true, withFileTypes: true });

/** MLflow writes a path where it makes an experiment itself, and a URI where it is told one. */
function folderAt(place: string): string {
  if (place.startsWith("file:")) return fileURLToPath(place);
  if (!/^[a-z][a-z0-9+.-]+:/i.test(place)) return place;
  throw unsupported(
    place,
    `The artifacts in ${place} are in another store.`,
    "Read them by MLflow's server or client.",
  );
}
