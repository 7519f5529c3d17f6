import { relative } from "node:path";
import type { MilestoneContent } from "../model/inputs.js";
import { profilesOf } from "../model/profiles.js";
import { notebookPage } from "../model/site-map.js";
import type { Problem } from "../text/insertions.js";
import { parseSource, placeAt } from "../text/source.js";
import { cellProblems } from "./cells.js";
import { altProblems } from "./common.js";
import { linkProblems, type Whole } from "./links.js";
import { plannedInNotebook } from "./planned.js";
import { type CheckResult, verdict } from "./result.js";

/** The rules of a notebook's text, and of the names that it records. */
export function checkNotebook(content: MilestoneContent, whole: Whole): CheckResult[] {
  const { recorded, milestone } = content;
  if (!recorded) return [];
  const standing = { own: content, folder: milestone.folder, page: notebookPage(content) };
  const file = relative(whole.map.root, milestone.notebookPath);
  const start = { file, line: 1, column: 1 };
  const links: Problem[] = [];
  const pictures: Problem[] = [];
  const planned: Problem[] = [];
  const braces: Problem[] = [];
  for (const { id, cell_type, source: text, attachments } of recorded.notebook.cells) {
    if (cell_type !== "markdown") continue;
    const source = parseSource(text, file);
    const inCell = ({ place, message }: Problem) => ({ place, message: `cell ${id}: ${message}` });
    links.push(...linkProblems(source, standing, whole, Object.keys(attachments ?? {})).map(inCell));
    planned.push(...plannedInNotebook(source, whole.parts).map(inCell));
    pictures.push(...altProblems(source).map(inCell));
    for (const { start: at, zone } of source.braces) {
      if (zone === "code") continue;
      const message = "a notebook's text takes no insertion: readers of the notebook would see the braces.";
      braces.push(inCell({ place: placeAt(source, at), message }));
    }
  }
  const twice = recorded.repeated.map(({ kind, name, first, again }) => ({
    place: start,
    message: `the ${kind} "${name}" is recorded in cell [${first.executionCount}] (${first.id}) and in cell [${again.executionCount}] (${again.id}): give one of them another name.`,
  }));
  const long = cellProblems(recorded).map(({ id, message }) => ({
    place: start,
    message: `cell ${id}: ${message}`,
  }));
  const profiles = profilesOf(content)?.problems ?? [];
  return [
    ...verdict(
      "notebook/profiles",
      { file },
      profiles.map((message) => ({ place: start, message })),
      "both profiles record the same, where they have to",
    ),
    ...verdict("notebook/cells", { file }, long, "cells that teach can be read without scrolling"),
    ...verdict("notebook/names", { file }, twice, "each name is recorded once"),
    ...verdict("notebook/links", { file }, links, "links of its text lead somewhere"),
    ...verdict("notebook/planned", { file }, planned, "what is planned is called so, and nothing else"),
    ...verdict("notebook/alt-text", { file }, pictures, "its pictures have a text alternative"),
    ...verdict("notebook/insertions", { file }, braces, "its text stands by itself"),
  ];
}
