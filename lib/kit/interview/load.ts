import { existsSync } from "node:fs";
import { loadContent, type MilestoneContent } from "../content/index.js";
import type { Project } from "../milestones/index.js";
import { readRecorded } from "../notebook/index.js";

/** All milestones with figures to quote, and those whose figures are of a run that is older than their code. */
export interface Loaded {
  readonly all: readonly MilestoneContent[];
  readonly older: readonly string[];
}

/**
 * For a terminal: where outputs are not fresh, those that are committed, which whoever only wants to practise needn't make
 * again. The site is built from fresh outputs alone.
 */
export async function loadForPractice(project: Project): Promise<Loaded> {
  const older: string[] = [];
  const all = await Promise.all(
    (await loadContent(project)).map(async (content) => {
      const { recorded, milestone } = content;
      if (recorded || !existsSync(milestone.notebookPath)) return content;
      older.push(milestone.label);
      return { ...content, recorded: await readRecorded(milestone.notebookPath) };
    }),
  );
  return { all, older };
}
