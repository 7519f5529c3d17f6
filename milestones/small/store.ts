// Written by slh run from the cells of m01 that have the tag module:../small/store.ts.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The bytes of an object. `root` is the folder that serves as a store; names are paths below it. */
export const getObject = (root: string, name: string): Promise<Buffer> => readFile(join(root, name));

export interface Pointer {
  /** How often it has been moved. */
  readonly version: number;
  readonly value: string;
}

import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes an object whole, unless there is one of that name. Says whether it was this call that wrote it. */
export async function putIfAbsent(root: string, name: string, body: Uint8Array | string): Promise<boolean> {
  const path = join(root, name);
  const draft = join(root, `.${randomUUID()}.draft`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(draft, body);
  try {
    // The one step that decides: a link appears whole, and not where the name is taken.
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

/** Each version of a pointer is an object of its own, so that the names sort as the versions do. */
const versionName = (name: string, version: number) => `${name}/${String(version).padStart(8, "0")}`;

/** Where a pointer points now; version 0 and an empty value where nobody has moved it. */
export async function readPointer(root: string, name: string): Promise<Pointer> {
  const versions = await readdir(join(root, name)).catch(() => []);
  const version = Number(versions.sort().at(-1) ?? 0);
  if (version === 0) return { version, value: "" };
  return { version, value: String(await getObject(root, versionName(name, version))) };
}

/** Moves a pointer on from the version that was read. False when somebody else has moved it since. */
export const movePointer = (root: string, name: string, from: Pointer, value: string): Promise<boolean> =>
  putIfAbsent(root, versionName(name, from.version + 1), value);
