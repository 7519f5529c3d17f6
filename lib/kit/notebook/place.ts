import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Milestone, Project } from "../milestones/index.js";
import { type Fingerprint, fingerprintOf } from "./fingerprint.js";
import { type Notebook, parseNotebook, serializeNotebook } from "./nbformat.js";
import { kitMetadata } from "./recorded.js";

/** A notebook of the project: its committed source, and where this machine keeps the copy that it has run. */
export interface NotebookPlace {
  readonly id: string;
  readonly source: string;
  readonly executed: string;
  readonly root: string;
  /** Data sets that it declares; those it asks for through `dataset()` are added once it has run. */
  readonly datasets: readonly string[];
  readonly timeoutSeconds: number;
}

/** The notebook of a milestone. */
export const placeOf = (milestone: Milestone, project: Project): NotebookPlace => ({
  id: milestone.id,
  source: milestone.notebookPath,
  executed: join(project.executed, milestone.id, "notebook.ipynb"),
  root: project.root,
  datasets: milestone.datasets,
  timeoutSeconds: milestone.timeoutSeconds,
});

/** The profile that notebooks run on: `SLH_PROFILE`, else embedded. */
export const currentProfile = (): string => process.env.SLH_PROFILE || "embedded";

/** Undefined when there is no such file. */
export async function readNotebook(path: string): Promise<Notebook | undefined> {
  return existsSync(path) ? parseNotebook(await readFile(path, "utf8"), path) : undefined;
}

/** Writes beside the target and renames, so that a reader sees the old notebook or the new one, never a part. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, serializeNotebook(notebook));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The fingerprint that a run would have now; `more` are data sets known from an earlier run. */
export function currentFingerprint(
  place: NotebookPlace,
  notebook: Notebook,
  more: readonly string[] = [],
): Fingerprint {
  const declared = kitMetadata(notebook).datasets ?? [];
  return fingerprintOf({
    notebook,
    folder: dirname(place.source),
    root: place.root,
    datasets: [...new Set([...place.datasets, ...declared, ...more])],
    profile: currentProfile(),
  });
}
