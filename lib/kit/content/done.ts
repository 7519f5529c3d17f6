import { relative } from "node:path";
import type { DoneCheck, DoneItem, Milestone, PieceKind, Project } from "../milestones/index.js";
import { type Judgement, judge } from "./judge.js";
import { loadContent } from "./model/load.js";
import { PIECES } from "./pieces/pieces.js";
import type { CheckResult } from "./pieces/result.js";

/** What each piece promises, for the checklist. The notebook's own lines come from its room. */
const PROMISES: readonly (readonly [PieceKind, string])[] = [
  ...(Object.keys(PIECES) as (keyof typeof PIECES)[]).map((name) => [name, PIECES[name].promise] as const),
  ["diagram", "the diagram shows its source and can be read"],
];

/** Judged once for all milestones of a project: each has to know the others, to which it may link. */
const judged = new WeakMap<Project, Promise<Judgement>>();

/** The written pieces' lines of a milestone's Definition of Done. */
export const contentDone: DoneCheck = async (milestone, project) => {
  const judging = judged.get(project) ?? loadContent(project).then((all) => judge(project, all));
  judged.set(project, judging);
  return writtenDone(milestone, project, (await judging).get(milestone.id) ?? []);
};

/** The same of a milestone that has been judged. */
export function writtenDone(
  milestone: Milestone,
  project: Project,
  results: readonly CheckResult[],
): DoneItem[] {
  return PROMISES.filter(([piece]) => milestone.definitionOfDone.includes(piece)).map(
    ([piece, what]): DoneItem => {
      const own = results.filter(({ rule }) => rule.startsWith(`${piece}/`));
      const off = own.filter(({ ok }) => !ok);
      const [first] = off;
      if (own.length === 0) return { piece, what, done: false, why: "it is missing" };
      if (!first) return { piece, what, done: true };
      const more = off.length > 1 ? ` (and ${off.length - 1} more)` : "";
      const where = relative(milestone.folder, `${project.root}/${first.file}`);
      return { piece, what, done: false, why: `${where}:${first.line}: ${first.message}${more}` };
    },
  );
}
