import { bind } from "../model/bind.js";
import type { MilestoneContent, Piece, Standing } from "../model/inputs.js";
import { pageOf } from "../model/site-map.js";
import type { Problem } from "../text/insertions.js";
import { typedMeasurements } from "../text/measurements.js";
import { placeAt, type Source } from "../text/source.js";
import { linkProblems, type Whole } from "./links.js";
import { plannedProblems } from "./planned.js";
import { type CheckResult, verdict } from "./result.js";

/** The rules that every written piece keeps. */
export function checkCommon(piece: Piece, content: MilestoneContent, whole: Whole): CheckResult[] {
  const standing = { own: content, folder: content.milestone.folder, page: pageOf(piece, content) };
  return [
    ...checkText(piece.name, piece, standing, whole),
    ...verdict(`${piece.name}/measurements`, piece, typedMeasurements(piece), "no measurement is typed in"),
  ];
}

/** The rules that every text keeps, be it of a milestone or of the site. */
export function checkText(name: string, source: Source, standing: Standing, whole: Whole): CheckResult[] {
  const { bound, problems } = bind(source, standing.own, whole.all);
  const alone = bound
    .filter(({ kind }) => kind === "figure" || kind === "table" || kind === "cell")
    .filter(({ insertion }) => !standsAlone(source, insertion.start, insertion.end))
    .map(({ insertion }) => ({
      place: insertion.place,
      message: `a ${insertion.kind} stands between paragraphs: give it a line of its own, with an empty line before and after.`,
    }));
  return [
    ...verdict(`${name}/names`, source, [...problems, ...alone], `${bound.length} names resolve`),
    ...verdict(
      `${name}/planned`,
      source,
      plannedProblems(source, whole.parts),
      "what is planned is called so, and nothing else",
    ),
    ...verdict(`${name}/links`, source, linkProblems(source, standing, whole), "links lead somewhere"),
    ...verdict(`${name}/alt-text`, source, altProblems(source), "pictures have a text alternative"),
    ...verdict(`${name}/headings`, source, headingProblems(source), "headings are in order"),
  ];
}

/** True when nothing but the insertion is in its paragraph. */
function standsAlone(source: Source, start: number, end: number): boolean {
  const lineStart = source.text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = source.text.indexOf("\n", end) === -1 ? source.text.length : source.text.indexOf("\n", end);
  const before = source.text.slice(0, Math.max(0, lineStart - 1));
  const previous = before.slice(before.lastIndexOf("\n") + 1);
  const next = source.text.slice(lineEnd + 1).split("\n", 1)[0] ?? "";
  const onLine = source.text.slice(lineStart, start) + source.text.slice(end, lineEnd);
  return (
    onLine.trim() === "" && (lineStart <= source.bodyStart || previous.trim() === "") && next.trim() === ""
  );
}

/** Pictures without words for who cannot see them. */
export function altProblems(source: Source): Problem[] {
  const isSilent = ({ image, label, alt }: Source["links"][number]) =>
    image && (label ? source.text.slice(...label).trim() === "" : !alt);
  return source.links.filter(isSilent).map(({ start, href }) => ({
    place: placeAt(source, start),
    message: `${href || "an image"} has no text alternative: say in the brackets what it shows.`,
  }));
}

/** One `#` at most, first; below it no level is skipped. */
function headingProblems(source: Source): Problem[] {
  const problems: Problem[] = [];
  let previous = 1;
  for (const [index, { level, text, place }] of source.headings.entries()) {
    if (level === 1 && index > 0) problems.push({ place, message: `"${text}" is a second title: use ##.` });
    if (level > previous + 1)
      problems.push({ place, message: `"${text}" skips a level: use ${"#".repeat(previous + 1)}.` });
    previous = level;
  }
  return problems;
}
