import type { MilestoneId, Project } from "../milestones/index.js";
import { anchorsOf } from "./html/anchors.js";
import type { MilestoneContent } from "./model/inputs.js";
import { loadContent } from "./model/load.js";
import { readParts } from "./model/parts.js";
import { readSettings } from "./model/settings.js";
import { siteMap } from "./model/site-map.js";
import { readSiteTexts, type SiteText } from "./model/site-texts.js";
import { boxProblems } from "./pieces/boxes.js";
import { checkMilestone } from "./pieces/check.js";
import { type CheckResult, verdict } from "./pieces/result.js";
import { checkSiteText } from "./pieces/site-text.js";
import { checkCards } from "./spoken/cards.js";
import { readDesigns } from "./spoken/designs.js";
import { checkTalk, TALK_OWNER } from "./spoken/talk.js";

/** What the rules say of each milestone, and of the texts of the site as a whole. */
export type Judgement = ReadonlyMap<MilestoneId | typeof SITE, readonly CheckResult[]>;

/** What the texts that belong to no milestone are judged under. */
export const SITE = "site";

/** Holds every rule against every text. The one judge: checks, builds and the Definition of Done go by it. */
export function judge(
  project: Project,
  all: readonly MilestoneContent[],
  texts: readonly SiteText[] = readSiteTexts(project),
): Judgement {
  const whole = {
    all,
    map: siteMap(project.root, all, readSettings(project).source, texts),
    anchors: anchorsOf(all, texts),
    parts: readParts(project, all),
  };
  return new Map([
    ...all.map((content) => {
      const { id } = content.milestone;
      const spoken = [
        ...checkCards(content, project, all),
        ...readDesigns(project, all, [content]).results,
        ...(id === TALK_OWNER ? [...checkTalk(project, all, whole), ...checkBoxes(content)] : []),
      ];
      return [id, [...checkMilestone(content, whole), ...spoken]] as const;
    }),
    [SITE, texts.flatMap((text) => checkSiteText(text, whole))] as const,
  ]);
}

/** The page of the whole: each box of its pictures leads to where it can be looked up. */
function checkBoxes(content: MilestoneContent): CheckResult[] {
  const { doc } = content.pieces;
  const holds = "each box leads to a milestone, a decision and a fact";
  return doc ? verdict("doc/boxes", doc, boxProblems(doc, content), holds) : [];
}

/** Holds all rules against everything, or against the milestones that are named by their ids. */
export async function checkContent(project: Project, only?: readonly MilestoneId[]): Promise<Judgement> {
  const results = judge(project, await loadContent(project));
  return new Map([...results].filter(([id]) => !only || only.includes(id)));
}
