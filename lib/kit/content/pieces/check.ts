/**
 * The rules of content: what each piece must have, and within which limits. Every rule gives a result, held or not,
 * so that a Definition of Done can list them.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { diagramProblem, readDiagram } from "../draw/diagrams.js";
import { bind } from "../model/bind.js";
import { isStarted, type MilestoneContent, PIECE_NAMES } from "../model/inputs.js";
import type { SiteMap } from "../model/site-map.js";
import { checkCommon } from "./common.js";
import type { Whole } from "./links.js";
import { checkNotebook } from "./notebook.js";
import { PIECES } from "./pieces.js";
import { plannedBoxes } from "./planned.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";
import { roundingProblems } from "./rounding.js";

/** Holds every rule against a milestone. One that has not been started has no results. */
export function checkMilestone(content: MilestoneContent, whole: Whole): CheckResult[] {
  if (!isStarted(content)) return [];
  const { map } = whole;
  const results: CheckResult[] = [checkOutputs(content, map), ...checkNotebook(content, whole)];
  const folder = relative(map.root, content.milestone.folder);
  const roundings = roundingProblems(content, whole.all);
  for (const name of PIECE_NAMES) {
    const piece = content.pieces[name];
    if (!piece) {
      if (!content.milestone.definitionOfDone.includes(name)) continue;
      const place = { file: `${folder}/${name}.md`, line: 1, column: 1 };
      results.push(fail(`${name}/present`, place, "the file is missing."));
      continue;
    }
    results.push(
      pass(`${name}/present`, piece.file, "it is there"),
      ...checkCommon(piece, content, whole),
      ...verdict(`${name}/rounding`, piece, roundings.get(name) ?? [], "a fact has one rounding everywhere"),
      ...PIECES[name].check(piece, content, bind(piece, content, whole.all).bound, whole.all),
    );
  }
  const names = new Set(content.diagrams.map((path) => basename(path, ".d2")));
  if (content.milestone.definitionOfDone.includes("diagram")) names.add("diagram");
  for (const name of names) results.push(...checkDiagram(name, content, folder, whole));
  return results;
}

/** The first reasons, and how many more there are: slh status --json tells all of them. */
function few(reasons: readonly string[]): string {
  const more = reasons.length - 3;
  return [...reasons.slice(0, 3), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

/** Numbers come from fresh outputs only. */
function checkOutputs({ state, milestone }: MilestoneContent, map: SiteMap): CheckResult {
  const file = relative(map.root, milestone.notebookPath);
  const place = { file, line: 1, column: 1 };
  const run = `Run: slh run ${milestone.id}`;
  switch (state.kind) {
    case "fresh":
      return pass("notebook/fresh", file, "its outputs are fresh");
    case "stale":
      return fail("notebook/fresh", place, `its outputs are stale: ${few(state.reasons)}. ${run}`);
    case "failed":
      return fail("notebook/fresh", place, `its last run failed: ${few(state.reasons)}. ${run}`);
    case "missing":
    case "not-started":
      return fail("notebook/fresh", place, `it has not run. ${run}`);
  }
}

/** Pixels that the smallest text must have when a diagram is shown 800 px wide, as on the pages. */
const LEGIBLE = 8;

function checkDiagram(
  name: string,
  { milestone }: MilestoneContent,
  folder: string,
  { parts }: Whole,
): CheckResult[] {
  const diagram = join(milestone.folder, `${name}.d2`);
  const place = { file: `${folder}/${name}.d2`, line: 1, column: 1 };
  if (!existsSync(diagram)) return [fail("diagram/present", place, "the file is missing.")];
  const path = join(milestone.folder, `${name}.svg`);
  const svg = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  const problem = diagramProblem(svg, readDiagram(diagram), name);
  if (svg === undefined || problem) return [fail("diagram/fresh", place, problem ?? "")];
  const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1] ?? 0);
  const smallest = Math.min(...[...svg.matchAll(/font-size:(\d+)px/g)].map(([, size]) => Number(size)));
  const shown = (smallest * 800) / width;
  return [
    pass("diagram/fresh", place.file, `${name}.svg shows its source`),
    ...verdict(
      "diagram/planned",
      place,
      plannedBoxes(readDiagram(diagram), place.file, parts),
      "what is planned is drawn so, and nothing else",
    ),
    shown >= LEGIBLE
      ? pass("diagram/legible", place.file, "its text can be read at 800 px")
      : fail(
          "diagram/legible",
          place,
          `its text shrinks to ${shown.toFixed(1)} px at 800 px wide, and ${LEGIBLE} can be read: use fewer boxes in a row or shorter words.`,
        ),
  ];
}
