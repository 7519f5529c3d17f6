import type { MilestoneId, Project } from "../milestones/index.js";
import { anchorsOf } from "./html/anchors.js";
import type { MilestoneContent } from "./model/inputs.js";
import { loadContent, readSettings } from "./model/load.js";
import { siteMap } from "./model/site-map.js";
import { checkMilestone } from "./pieces/check.js";
import type { CheckResult } from "./pieces/result.js";

/** What the rules say of each milestone. */
export type Judgement = ReadonlyMap<MilestoneId, readonly CheckResult[]>;

/** Holds every rule against every milestone. The one judge: checks, builds and the Definition of Done go by it. */
export function judge(project: Project, all: readonly MilestoneContent[]): Judgement {
  const whole = {
    all,
    map: siteMap(project.root, all, readSettings(project).source),
    anchors: anchorsOf(all),
  };
  return new Map(all.map((content) => [content.milestone.id, checkMilestone(content, whole)]));
}

/** Holds all rules against all milestones, or those named by their ids. */
export async function checkContent(project: Project, only?: readonly MilestoneId[]): Promise<Judgement> {
  const results = judge(project, await loadContent(project));
  return new Map([...results].filter(([id]) => !only || only.includes(id)));
}
