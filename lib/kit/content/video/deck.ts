import type { MilestoneContent, Piece } from "../model/inputs.js";
import type { Script, Segment } from "../pieces/script.js";

/** A slide of the milestone's deck, as text with insertions. */
interface Slide {
  readonly text: string;
  /** What it shows, by name. */
  readonly names: ReadonlySet<string>;
}

/** Where the film shows the deck: its cover first, each other slide at the end of the segment that it sums up. */
export interface PlacedSlides {
  /** The cover; nothing without a deck. */
  readonly cover: readonly string[];
  /** By segment. */
  readonly of: ReadonlyMap<Segment, readonly Slide[]>;
}

/**
 * A slide sums up the segment that says most of what it shows: its facts, its figure, its table, the diagram. One that shares nothing
 * with any segment is not shown: nobody would speak of it.
 *
 * @param sights what each segment shows besides, as text with insertions
 */
export function placedSlides(
  script: Script,
  content: MilestoneContent,
  sights: ReadonlyMap<Segment, readonly string[]>,
): PlacedSlides {
  const { slides, video } = content.pieces;
  const [cover, ...inner] = slides ? slidesOf(slides) : [];
  const lines = video?.text.split("\n") ?? [];
  const said = new Map(
    script.segments.map((segment) => {
      const source = [lines[segment.line - 1] ?? "", ...(sights.get(segment) ?? [])].join("\n");
      return [segment, namesIn(source)];
    }),
  );
  const of = new Map<Segment, Slide[]>();
  for (const slide of inner) {
    let best: Segment | undefined;
    let most = 0;
    for (const [segment, names] of said) {
      const shared = [...slide.names].filter((name) => names.has(name)).length;
      if (shared > most) [best, most] = [segment, shared];
    }
    if (best) of.set(best, [...(of.get(best) ?? []), slide]);
  }
  return { cover: cover ? [cover.text] : [], of };
}

/** Sights of a segment with its slides at their end; a figure or table that a slide shows is not shown twice. */
export function withSlides(sights: readonly string[], slides: readonly Slide[]): string[] {
  const isOnSlide = (sight: string) => {
    const names = namesIn(sight);
    const isCode = /\{\{\s*cell\b/.test(sight);
    return (
      !isCode && names.size > 0 && slides.some((slide) => [...names].every((name) => slide.names.has(name)))
    );
  };
  return [...sights.filter((sight) => !isOnSlide(sight)), ...slides.map(({ text }) => text)];
}

function slidesOf({ text, headings }: Piece): Slide[] {
  const starts = headings
    .filter(({ level }) => level <= 2)
    .map(({ offset }) => text.lastIndexOf("\n", offset - 1) + 1);
  return starts.map((start, index) => {
    const own = text.slice(start, starts[index + 1] ?? text.length).trim();
    return { text: own, names: namesIn(own) };
  });
}

/** `figure layout.where`, `fact kill.files`, `picture diagram.svg`: what a text shows. */
function namesIn(text: string): Set<string> {
  const inserted = [...text.matchAll(/\{\{\s*(fact|figure|table)\s+"([^"]+)"/g)];
  const pictures = [...text.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g)];
  return new Set([
    ...inserted.map(([, kind, name]) => `${kind} ${name}`),
    ...pictures.map(([, path]) => `picture ${path}`),
  ]);
}
