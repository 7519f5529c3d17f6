import { bind } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import { pageOf } from "../model/site-map.js";
import type { Problem } from "../text/insertions.js";
import { typedMeasurements } from "../text/measurements.js";
import { placeAt, type Source } from "../text/source.js";
import { linkProblems, type Whole } from "./links.js";
import { type CheckResult, verdict } from "./result.js";

/** The rules that every written piece keeps. */
export function checkCommon(piece: Piece, content: MilestoneContent, whole: Whole): CheckResult[] {
  const { name } = piece;
  const { all } = whole;
  const { bound, problems } = bind(piece, content, all);
  const alone = bound
    .filter(({ kind }) => kind === "figure" || kind === "table" || kind === "cell")
    .filter(({ insertion }) => !standsAlone(piece, insertion.start, insertion.end))
    .map(({ insertion }) => ({
      place: insertion.place,
      message: `a ${insertion.kind} stands between paragraphs: give it a line of its own, with an empty line before and after.`,
    }));
  return [
    ...verdict(`${name}/names`, piece, [...problems, ...alone], `${bound.length} names resolve`),
    ...verdict(`${name}/measurements`, piece, typedMeasurements(piece), "no measurement is typed in"),
    ...verdict(
      `${name}/links`,
      piece,
      linkProblems(piece, pageOf(piece, content), content, whole),
      "links lead somewhere",
    ),
    ...verdict(`${name}/alt-text`, piece, altProblems(piece), "pictures have a text alternative"),
    ...verdict(`${name}/headings`, piece, headingProblems(piece), "headings are in order"),
  ];
}

/** True when nothing but the insertion is in its paragraph. */
function standsAlone(piece: Piece, start: number, end: number): boolean {
  const lineStart = piece.text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = piece.text.indexOf("\n", end) === -1 ? piece.text.length : piece.text.indexOf("\n", end);
  const before = piece.text.slice(0, Math.max(0, lineStart - 1));
  const previous = before.slice(before.lastIndexOf("\n") + 1);
  const next = piece.text.slice(lineEnd + 1).split("\n", 1)[0] ?? "";
  const onLine = piece.text.slice(lineStart, start) + piece.text.slice(end, lineEnd);
  return (
    onLine.trim() === "" && (lineStart <= piece.bodyStart || previous.trim() === "") && next.trim() === ""
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
function headingProblems(piece: Piece): Problem[] {
  const problems: Problem[] = [];
  let previous = 1;
  for (const [index, { level, text, place }] of piece.headings.entries()) {
    if (level === 1 && index > 0) problems.push({ place, message: `"${text}" is a second title: use ##.` });
    if (level > previous + 1)
      problems.push({ place, message: `"${text}" skips a level: use ${"#".repeat(previous + 1)}.` });
    previous = level;
  }
  return problems;
}
