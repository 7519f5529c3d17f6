import { relative } from "node:path";
import type { DoneCheck, DoneItem, Milestone, Piece, Project } from "../milestones/index.js";
import { loadContent, readSettings } from "./model/load.js";
import { siteMap } from "./model/site-map.js";
import { checkMilestone } from "./pieces/check.js";

/** What each rule's piece promises, for the checklist. */
const PROMISES: readonly (readonly [Piece, string])[] = [
  ["doc", "the doc page has every section and keeps its rules"],
  ["blog", "the post fits its length and quotes the run"],
  ["linkedin", "the LinkedIn post fits its limits"],
  ["video", "the video script fits its time, with a plan for failure"],
  ["diagram", "the diagram shows its source and can be read"],
];

/** Read once for all milestones of a project: each has to know the others, to which it may link. */
const loaded = new WeakMap<Project, ReturnType<typeof loadContent>>();

/** The written pieces' lines of a milestone's Definition of Done. */
export const contentDone: DoneCheck = async (milestone: Milestone, project) => {
  const loading = loaded.get(project) ?? loadContent(project);
  loaded.set(project, loading);
  const all = await loading;
  const map = siteMap(project.root, all, readSettings(project).source);
  const content = all.find((one) => one.milestone.id === milestone.id);
  const results = content ? checkMilestone(content, all, map) : [];
  return PROMISES.filter(([piece]) => milestone.definitionOfDone.includes(piece)).map(
    ([piece, what]): DoneItem => {
      const own = results.filter(({ rule }) => rule.startsWith(`${piece}/`));
      const off = own.filter(({ ok }) => !ok);
      const [first] = off;
      if (own.length === 0) return { piece, what, done: false, why: "it is missing" };
      if (!first) return { piece, what, done: true };
      const more = off.length > 1 ? ` (and ${off.length - 1} more)` : "";
      return {
        piece,
        what,
        done: false,
        why: `${relative(milestone.folder, `${project.root}/${first.file}`)}:${first.line}: ${first.message}${more}`,
      };
    },
  );
};
