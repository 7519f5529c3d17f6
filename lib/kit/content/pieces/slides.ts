import type { Bound } from "../model/bind.js";
import type { Piece } from "../model/inputs.js";
import type { Problem } from "../text/insertions.js";
import { placeAt, type Source, type SourceHeading } from "../text/source.js";
import { countWords, sectionText } from "../text/words.js";
import type { PieceDefinition } from "./piece.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";

/** Slides of a deck, cover and close with them; a document on LinkedIn may have 12 pages. */
const SLIDES = { least: 5, most: 12 } as const;
/** The close is the same for all decks, and is made with the pages. */
const CLOSE = 1;
/** What can be read from the last row. */
const TITLE_WORDS = 14;
const SLIDE_WORDS = 40;

/** A deck of slides, which is a page of the site, a talk and a document for LinkedIn. */
export const slides: PieceDefinition = {
  promise: "the slides say one thing each, in few words",
  check: checkSlides,
};

function checkSlides(piece: Piece, _content: unknown, bound: readonly Bound[]): CheckResult[] {
  const [cover, ...inner] = piece.headings.filter(({ level }) => level <= 2);
  const start = placeAt(piece, piece.bodyStart);
  const count = inner.length + 1 + CLOSE;
  const deeper = piece.headings.filter(({ level }) => level > 2);
  return [
    cover?.level === 1
      ? pass("slides/cover", piece.file, "it begins with a cover")
      : fail("slides/cover", start, 'it must begin with its cover, "# …".'),
    count >= SLIDES.least && count <= SLIDES.most
      ? pass("slides/count", piece.file, `${count} slides, with cover and close`)
      : fail(
          "slides/count",
          start,
          `it makes ${count} slides, with cover and close: ${SLIDES.least} to ${SLIDES.most}.`,
        ),
    ...verdict(
      "slides/words",
      piece,
      [
        ...deeper.map(({ place, text }) => ({
          place,
          message: `"${text}" is a heading inside a slide: say it in the slide's title, or make it a slide.`,
        })),
        ...[...(cover ? [cover] : []), ...inner].flatMap((heading) => slideProblems(piece, heading, bound)),
      ],
      "each says one thing in few words",
    ),
  ];
}

/** What is too much on a slide: what stands between its heading and the next one is shown. */
export function slideProblems(piece: Source, heading: SourceHeading, bound: readonly Bound[]): Problem[] {
  const { place, text: title, offset: from } = heading;
  // A cover ends where the first slide begins.
  const next = piece.headings.find(({ offset }) => offset > from)?.offset ?? piece.text.length;
  const { offset } = sectionText(piece, heading);
  const inside = (at: number) => at >= offset && at < next;
  const words = countWords(piece.prose.slice(offset, next));
  const shown = bound.filter((item) => !("text" in item) && inside(item.insertion.start));
  const pictures = piece.links.filter(({ image, start }) => image && inside(start));
  const blocks = shown.length + pictures.length;
  const problems = [
    countWords(title) > TITLE_WORDS && `its title has ${countWords(title)} words: ${TITLE_WORDS} at most.`,
    words > SLIDE_WORDS && `it has ${words} words below its title: ${SLIDE_WORDS} at most.`,
    blocks > 1 && `it shows ${blocks} things: one figure, table, piece of code or picture a slide.`,
    words + blocks === 0 && "it is empty.",
  ];
  return problems.flatMap((problem) =>
    problem ? [{ place, message: `the slide "${title}": ${problem}` }] : [],
  );
}
