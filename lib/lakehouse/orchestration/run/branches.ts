import { randomBytes } from "node:crypto";
import type { BranchingCatalog, Hash, LoggedCommit } from "../../catalog/index.js";
import { noSuchRef } from "../../iceberg/index.js";
import type { RunRecord } from "../state/types.js";

/**
 * The branches of a run:
 *
 *   pipeline/<name>/<run>/run-<epoch>             what is done so far: each step comes to it by one commit, which names it
 *   pipeline/<name>/<run>/step-<epoch>-<random>   a try of a step, while it is at work
 *   pipeline/<name>/<run>/publish-<random>        what the target is about to be
 *
 * Who takes a run over goes on with a branch of its own, and deletes those before it: so what a process still does for a run
 * that it has lost leads nowhere.
 */
const folderOf = ({ pipeline, id }: Pick<RunRecord, "pipeline" | "id">) => `pipeline/${pipeline}/${id}/`;

export const runBranch = (run: RunRecord): string => `${folderOf(run)}run-${run.epoch}`;

export const stepBranch = (run: RunRecord): string =>
  `${folderOf(run)}step-${run.epoch}-${randomBytes(6).toString("hex")}`;

export const publishBranch = (run: RunRecord): string =>
  `${folderOf(run)}publish-${randomBytes(6).toString("hex")}`;

/** The newest of the run's own branches, and where it is. */
export async function findRunBranch(catalog: BranchingCatalog, run: RunRecord): Promise<Hash | undefined> {
  const prefix = `${folderOf(run)}run-`;
  const found = (await catalog.references()).filter(({ name }) => name.startsWith(prefix));
  const [newest] = found.sort(
    (a, b) => Number(b.name.slice(prefix.length)) - Number(a.name.slice(prefix.length)),
  );
  return newest?.hash;
}

/** Deletes the branches of a run, but for one that is kept. */
export async function removeBranches(
  catalog: BranchingCatalog,
  run: Pick<RunRecord, "pipeline" | "id">,
  kept?: string,
): Promise<void> {
  const folder = folderOf(run);
  for (const { name } of await catalog.references())
    if (name.startsWith(folder) && name !== kept) await removeBranch(catalog, name);
}

/** Deletes a branch, if it is there. */
export async function removeBranch(catalog: BranchingCatalog, name: string): Promise<void> {
  try {
    await catalog.deleteReference(name);
  } catch (error) {
    if (!noSuchRef.is(error)) throw error;
  }
}

/** The commits of a branch, along first parents, that came after one of them. */
export async function commitsSince(
  catalog: BranchingCatalog,
  head: Hash,
  since: Hash,
): Promise<LoggedCommit[]> {
  const found: LoggedCommit[] = [];
  let pageToken: string | undefined;
  do {
    const page = await catalog.on(`@${head}`).log({ stopAt: `@${since}`, pageSize: 1000, pageToken });
    found.push(...page.items.filter(({ hash }) => hash !== since));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

/** Whether a branch has a commit still: it may have been rolled back, or made anew under its name. */
export async function isOnBranch(
  { versions }: BranchingCatalog,
  branch: string,
  hash: string,
): Promise<boolean> {
  try {
    const { commit: head } = await versions.resolve(branch);
    const { commit: made } = await versions.resolve(`@${hash}`);
    return await versions.contains(head, made);
  } catch (error) {
    if (noSuchRef.is(error)) return false;
    throw error;
  }
}
