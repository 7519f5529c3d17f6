import { dirname, join } from "node:path";
import type { Milestone, Project } from "../../milestones/index.js";
import { type Fingerprint, kitMetadata } from "../file/metadata.js";
import type { Notebook } from "../file/nbformat.js";
import { fingerprintOf } from "./fingerprint.js";

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

/** The fingerprint that a run would have now; `known` is what an earlier run has read. */
export function currentFingerprint(
  place: NotebookPlace,
  notebook: Notebook,
  known: { readonly datasets?: readonly string[]; readonly files?: readonly string[] } = {},
): Fingerprint {
  const declared = kitMetadata(notebook).datasets ?? [];
  return fingerprintOf({
    notebook,
    folder: dirname(place.source),
    root: place.root,
    datasets: [...new Set([...place.datasets, ...declared, ...(known.datasets ?? [])])],
    files: known.files ?? [],
    profile: currentProfile(),
  });
}
