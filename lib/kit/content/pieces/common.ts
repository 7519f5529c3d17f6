import { dirname, join } from "node:path";
import { bind } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import { linkTarget, pageOf, type SiteMap } from "../model/site-map.js";
import { slugify } from "../text/escape.js";
import type { Problem } from "../text/insertions.js";
import { typedMeasurements } from "../text/measurements.js";
import { placeAt } from "../text/source.js";
import { type CheckResult, verdict } from "./result.js";

/** The rules that every written piece keeps. */
export function checkCommon(
  piece: Piece,
  content: MilestoneContent,
  all: readonly MilestoneContent[],
  map: SiteMap,
): CheckResult[] {
  const { name } = piece;
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
    ...verdict(`${name}/links`, piece, linkProblems(piece, content, all, map), "links lead somewhere"),
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

function linkProblems(
  piece: Piece,
  content: MilestoneContent,
  all: readonly MilestoneContent[],
  map: SiteMap,
): Problem[] {
  const folder = content.milestone.folder;
  const ownPage = pageOf(piece, content);
  return piece.links.flatMap(({ href, start, image }) => {
    const place = placeAt(piece, start);
    if (image && href.replace(/^\.\//, "") === "diagram.svg" && content.diagram) return [];
    const target = linkTarget(href, folder, map, ownPage);
    if (target.kind === "missing")
      return [
        { place, message: `"${href}" leads nowhere: there is no ${join(dirname(piece.file), target.path)}.` },
      ];
    if (target.kind !== "page" || target.fragment === "") return [];
    const anchors = anchorsOf(target.page, all);
    if (anchors === undefined || anchors.has(decodeURIComponent(target.fragment))) return [];
    return [{ place, message: `"${href}" leads to no heading of that page.` }];
  });
}

/** Heading ids of a written page; undefined for pages whose anchors are not headings of a piece. */
function anchorsOf(page: string, all: readonly MilestoneContent[]): Set<string> | undefined {
  for (const content of all) {
    for (const piece of [content.pieces.doc, content.pieces.blog]) {
      if (piece && pageOf(piece, content) === page) {
        return new Set(piece.headings.map(({ text }) => slugify(text.replace(/[`*_]/g, ""))));
      }
    }
  }
  return undefined;
}

function altProblems(piece: Piece): Problem[] {
  const isSilent = ({ image, label, alt }: Piece["links"][number]) =>
    image && (label ? piece.text.slice(...label).trim() === "" : !alt);
  return piece.links.filter(isSilent).map(({ start, href }) => ({
    place: placeAt(piece, start),
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
