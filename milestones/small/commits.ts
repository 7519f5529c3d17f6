// Written by slh run from the cells of m02 that have the tag module:../small/commits.ts.

import { getObject, movePointer, putIfAbsent, readPointer } from "../small/store.js";

/** Which metadata file each table has, by the table's name. */
export type Tables = Readonly<Record<string, string>>;

export interface Commit {
  /** The id of the commit before it; null for the first. */
  readonly parent: string | null;
  readonly message: string;
  readonly tables: Tables;
}

export const readCommit = async (root: string, id: string): Promise<Commit> =>
  JSON.parse(String(await getObject(root, `commits/${id}`)));

/** The commit that a ref points to; undefined where the ref has none yet. */
export async function headOf(root: string, ref: string): Promise<Commit | undefined> {
  const { value } = await readPointer(root, `refs/${ref}`);
  return value === "" ? undefined : readCommit(root, value);
}

import { createHash } from "node:crypto";

/** Writes a commit and gives its id, which is the hash of what it says. */
export async function writeCommit(root: string, commit: Commit): Promise<string> {
  const text = JSON.stringify(commit);
  const id = createHash("sha256").update(text).digest("hex");
  await putIfAbsent(root, `commits/${id}`, text);
  return id;
}

/**
 * Commits a change of the tables to a ref, and gives the commit's id. When another writer has moved the ref meanwhile,
 * the change is made once more, from what that writer has left.
 */
export async function commitTo(
  root: string,
  ref: string,
  message: string,
  change: (tables: Tables) => Tables | Promise<Tables>,
): Promise<string> {
  for (;;) {
    const pointer = await readPointer(root, `refs/${ref}`);
    const head = pointer.value === "" ? undefined : await readCommit(root, pointer.value);
    const tables = await change(head?.tables ?? {});
    const id = await writeCommit(root, { parent: pointer.value || null, message, tables });
    if (await movePointer(root, `refs/${ref}`, pointer, id)) return id;
  }
}

/** Starts a branch where another ref stands. False when there is one of that name. */
export async function startBranch(root: string, name: string, from: string): Promise<boolean> {
  const { value } = await readPointer(root, `refs/${from}`);
  return movePointer(root, `refs/${name}`, { version: 0, value: "" }, value);
}
