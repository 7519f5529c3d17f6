import type { Project } from "../../milestones/index.js";
import { type Judgement, judge } from "../judge.js";
import type { MilestoneContent } from "../model/inputs.js";
import { loadContent } from "../model/load.js";
import { readSettings } from "../model/settings.js";
import { nextContent, type PlanEntry, planOf } from "./plan.js";
import { lackedBy, type MilestoneProgress } from "./progress.js";
import { type KeptPromise, keptPromises } from "./promises.js";
import { readPublished } from "./published.js";

/** Where the project stands. All of it is computed, but for the addresses of what is published. */
export interface ProjectState {
  /** The first milestone of the series that is not done; nothing when all are. */
  readonly current: MilestoneProgress | undefined;
  /** The one that follows it. */
  readonly next: MilestoneProgress | undefined;
  /** What the current milestone lacks. */
  readonly blocking: readonly string[];
  readonly nextContent: PlanEntry | undefined;
  readonly milestones: readonly MilestoneProgress[];
  readonly plan: readonly PlanEntry[];
  readonly promises: readonly KeptPromise[];
}

/** Reads and judges everything, then computes where the project stands. */
export async function readProjectState(project: Project): Promise<ProjectState> {
  const all = await loadContent(project);
  return projectState(project, all, judge(project, all));
}

/** The same of what has been read and judged already. */
export async function projectState(
  project: Project,
  all: readonly MilestoneContent[],
  results: Judgement,
): Promise<ProjectState> {
  const published = readPublished(
    project,
    all.map(({ milestone }) => milestone.id),
  );
  const milestones: MilestoneProgress[] = [];
  for (const { milestone } of all) {
    const { id, label, title, number } = milestone;
    milestones.push({
      id,
      label,
      title,
      number,
      lacks: await lackedBy(milestone, project, results.get(id) ?? []),
    });
  }
  const series = milestones.filter(({ number }) => number !== undefined);
  const at = series.findIndex(({ lacks }) => lacks.length > 0);
  const current = series[at];
  const plan = planOf(all, results, readSettings(project), published);
  return {
    current,
    next: current && series[at + 1],
    blocking: current?.lacks ?? [],
    nextContent: nextContent(plan),
    milestones,
    plan,
    promises: await keptPromises({ project, all, milestones }),
  };
}
