import { type Place, placeAt, type Source } from "./source.js";

/** A heading written with `#`, with where it stands. */
export interface SourceHeading {
  readonly level: number;
  readonly text: string;
  readonly offset: number;
  readonly place: Place;
}

/** The ATX headings of a source, those in code left out. */
export function headingsOf(source: Source): SourceHeading[] {
  return [...source.prose.matchAll(/^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$/gm)].map((match) => {
    // The prose has inline code blanked; the words come from the text itself.
    const start = match.index + match[0].indexOf("#") + (match[1] ?? "").length;
    const line = source.text.slice(
      start,
      source.text.indexOf("\n", start) === -1 ? undefined : source.text.indexOf("\n", start),
    );
    return {
      level: (match[1] ?? "").length,
      text: line.trim(),
      offset: match.index,
      place: placeAt(source, match.index),
    };
  });
}

/** The text below a heading, up to the next one of its level or above. */
export function sectionText(
  source: Source,
  headings: readonly SourceHeading[],
  heading: SourceHeading,
): { text: string; offset: number } {
  const next = headings.find(({ offset, level }) => offset > heading.offset && level <= heading.level);
  const lineEnd = source.text.indexOf("\n", heading.offset);
  const offset = lineEnd === -1 ? source.text.length : lineEnd + 1;
  return { text: source.text.slice(offset, next?.offset), offset };
}

/** Words as a reader counts them: markup, links' targets and insertions' quotes are no words. */
export function countWords(text: string): number {
  const plain = text
    .replace(/\{\{.*?\}\}/g, " 1 ")
    .replace(/\]\([^)]*\)/g, "]")
    .replace(/<[^>]+>/g, " ");
  return plain.match(/[\p{L}\p{N}][\p{L}\p{N}'’.,_-]*/gu)?.length ?? 0;
}
