// Written by slh run from the cells of m07 that have the tag module:../small/runs.ts.

import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readCommit } from "../small/commits.js";
import { getObject, putIfAbsent } from "../small/store.js";

/** What was made, and of what. */
export interface SmallRun {
  /** The commit that it read. */
  readonly commit: string;
  /** The tables that it asked for. */
  readonly tables: readonly string[];
  readonly params: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, number>>;
  /** The model's SHA-256. */
  readonly model: string;
}

export const readRun = async (root: string, id: string): Promise<SmallRun> =>
  JSON.parse(String(await getObject(root, `runs/${id}`)));

/** Keeps a run, and gives its id: the hash of what it says. @throws Error for a run that doesn't say what it read. */
export async function logRun(root: string, run: SmallRun): Promise<string> {
  // Reading the commit is the check that it is there.
  const { tables } = await readCommit(root, run.commit || "none");
  if (run.tables.length === 0) throw new Error("The run read no table.");
  const unknown = run.tables.find((name) => tables[name] === undefined);
  if (unknown !== undefined) throw new Error(`The commit ${run.commit} has no table ${unknown}.`);
  const text = JSON.stringify(run);
  const id = createHash("sha256").update(text).digest("hex");
  await putIfAbsent(root, `runs/${id}`, text);
  return id;
}

/** The ids of the runs that read a table when it had this metadata file, sorted. */
export async function runsOn(root: string, table: string, location: string): Promise<string[]> {
  const ids = await readdir(join(root, "runs")).catch(() => []);
  const found: string[] = [];
  for (const id of ids) {
    const run = await readRun(root, id);
    const { tables } = await readCommit(root, run.commit);
    if (run.tables.includes(table) && tables[table] === location) found.push(id);
  }
  return found.sort();
}
