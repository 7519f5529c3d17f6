import type { DoneItem, Milestone, Project } from "../../milestones/index.js";
import { notebookDone } from "../../notebook/index.js";
import { writtenDone } from "../done.js";
import type { CheckResult } from "../pieces/result.js";

/** A milestone, and what its Definition of Done still lacks; nothing of this machine alone. */
export interface MilestoneProgress {
  readonly id: string;
  readonly label: string;
  readonly title: string;
  readonly number?: number | undefined;
  /** `doc: the doc page has every section: doc.md:12: …`; the notebook is not there where the milestone is not begun. */
  readonly lacks: readonly string[];
}

/** The lines of a Definition of Done that do not hold, but for those that a run on this machine would mend. */
export async function lackedBy(
  milestone: Milestone,
  project: Project,
  results: readonly CheckResult[],
): Promise<string[]> {
  const items = [...(await notebookDone(milestone, project)), ...writtenDone(milestone, project, results)];
  return items.filter(({ done, here }) => !done && here !== true).map(said);
}

const said = ({ piece, what, why }: DoneItem): string => `${piece}: ${what}${why ? ` (${why})` : ""}`;
