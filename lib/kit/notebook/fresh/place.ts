import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
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

/** How much longer a notebook may take where each file is a request to a service. */
const STACK_TIMES = 3;

/** The same notebook, with the copy that runs on the stack leave. */
export const onStackPlace = (place: NotebookPlace, project: Project): NotebookPlace => ({
  ...place,
  timeoutSeconds: place.timeoutSeconds * STACK_TIMES,
  executed: join(project.executed, "stack", relative(project.executed, place.executed)),
});

/**
 * A notebook of one's own, anywhere in the checkout: its cells find the packages only there.
 *
 * @throws LakehouseError `INVALID_CONFIG` when it is not there, or lies outside the checkout.
 */
export function ownPlace(path: string, project: Project): NotebookPlace {
  const source = resolve(path);
  const id = relative(project.root, source).replaceAll("\\", "/");
  if (id.startsWith("..") || isAbsolute(id)) {
    const why = `${path} lies outside the checkout, and cells find their packages only inside.`;
    throw invalidConfig(path, why, `Put it below ${project.root}.`);
  }
  if (!existsSync(source)) throw invalidConfig(path, `There is no file ${path}.`, `Make it: slh new ${path}`);
  const executed = join(project.executed, "own", id);
  return { id, source, executed, root: project.root, datasets: [], timeoutSeconds: OWN_TIMEOUT_SECONDS };
}

const OWN_TIMEOUT_SECONDS = 600;

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
