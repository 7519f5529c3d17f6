import type { Bound } from "../model/bind.js";
import type { MilestoneContent, Piece } from "../model/inputs.js";
import { placeAt } from "../text/source.js";
import { linkedinApiText, linkedinText } from "./linkedin-text.js";
import type { PieceDefinition } from "./piece.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";

export const POST_MOST = 3000;
/** Where "see more" may cut: early on phones, later on wide screens. */
export const HOOK = { best: 140, most: 210 } as const;

/** The post, to paste and for the API. */
export const linkedin: PieceDefinition = {
  promise: "the LinkedIn post fits its limits",
  check: checkLinkedin,
  channels({ piece, bound }) {
    const text = linkedinText(piece, bound);
    return new Map([
      ["linkedin.txt", text],
      ["linkedin.api.txt", linkedinApiText(text)],
    ]);
  },
};

/** The rules of a LinkedIn post, held against the text that will be pasted. */
function checkLinkedin(piece: Piece, content: MilestoneContent, bound: readonly Bound[]): CheckResult[] {
  const text = linkedinText(piece, bound);
  const lines = text.split("\n");
  const start = placeAt(piece, piece.bodyStart);
  const lineOf = (offset: number) => placeAt(piece, offset);
  const length = [...text].length;
  const results: CheckResult[] = [
    length <= POST_MOST
      ? pass("linkedin/length", piece.file, `${length} characters`)
      : fail("linkedin/length", start, `it has ${length} characters: ${POST_MOST} at most.`),
  ];

  const hook = text.split(/\n\s*\n/, 1)[0] ?? "";
  const hookLength = [...hook.trim()].length;
  results.push(
    hookLength > 0 && hookLength <= HOOK.most
      ? pass(
          "linkedin/hook",
          piece.file,
          `the hook has ${hookLength} characters${hookLength > HOOK.best ? `; phones may cut it at ${HOOK.best}` : ""}`,
        )
      : fail(
          "linkedin/hook",
          start,
          `the first paragraph has ${hookLength} characters: ${HOOK.best}, ${HOOK.most} at most, or "see more" cuts it.`,
        ),
  );

  const bullets = lines.filter((line) => line.startsWith("• ")).length;
  results.push(
    bullets === 3
      ? pass("linkedin/bullets", piece.file, "exactly 3 bullets")
      : fail(
          "linkedin/bullets",
          start,
          `it has ${bullets} bullets: exactly 3, each a line that starts with "- ".`,
        ),
  );

  // Hashtags may follow the close.
  const paragraphs = text.trimEnd().split(/\n\s*\n/);
  const close = paragraphs.filter((paragraph) => !/^(?:#[\p{L}\p{N}_]+\s*)+$/u.test(paragraph)).at(-1) ?? "";
  results.push(
    close.trim() !== "" && !/^• /m.test(close)
      ? pass("linkedin/close", piece.file, "it closes with a sentence")
      : fail(
          "linkedin/close",
          lineOf(piece.text.trimEnd().length),
          "it stops at its bullets: say after them what they come to.",
        ),
  );

  const typed = piece.links.filter(({ kind }) => kind !== "autolink").map(({ start: at }) => at);
  const markup = [...piece.markup, ...typed].map((offset) => ({
    place: placeAt(piece, offset),
    message: `"${piece.text.slice(offset).split(/\s/, 1)[0]}" is Markdown, which LinkedIn shows as typed: write plain text.`,
  }));
  const blocks = bound
    .filter(({ kind }) => kind === "table" || kind === "cell" || kind === "figure")
    .map(({ insertion }) => ({
      place: insertion.place,
      message: `a ${insertion.kind} cannot stand in plain text: name it in the front matter, "image: figure ${insertion.name}".`,
    }));
  results.push(...verdict("linkedin/plain", piece, [...markup, ...blocks], "plain text"));
  results.push(checkImage(piece, content));
  return results;
}

/** `image: diagram` or `image: figure NAME`; the alternative text of a figure comes with it. */
function checkImage(piece: Piece, content: MilestoneContent): CheckResult {
  const rule = "linkedin/image";
  const image = postImage(piece);
  const place = placeAt(piece, 0);
  if (image === undefined)
    return fail(rule, place, 'the front matter names no image: "image: diagram" or "image: figure NAME".');
  if (image.kind === "diagram") {
    if (!content.diagram) return fail(rule, place, "there is no diagram.d2 to show.");
    const alt = piece.front.alt;
    if (typeof alt !== "string" || alt.trim() === "")
      return fail(rule, place, 'the front matter has no "alt" for the diagram.');
    return pass(rule, piece.file, "one diagram");
  }
  if (content.recorded?.figures.has(image.name)) return pass(rule, piece.file, "one chart");
  const known = [...(content.recorded?.figures.keys() ?? [])].join(", ") || "none";
  return fail(rule, place, `the notebook records no figure "${image.name}": it records ${known}.`);
}

/** The picture that goes with a post. */
export function postImage(piece: Piece): { kind: "diagram" } | { kind: "figure"; name: string } | undefined {
  const image = typeof piece.front.image === "string" ? piece.front.image.trim() : "";
  if (image === "diagram") return { kind: "diagram" };
  const name = /^figure[\s:]+(\S+)$/.exec(image)?.[1];
  return name ? { kind: "figure", name } : undefined;
}
