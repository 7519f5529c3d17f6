import type { Source, SourceHeading } from "./source.js";

/** The text below a heading, up to the next one of its level or above. */
export function sectionText(source: Source, heading: SourceHeading): { text: string; offset: number } {
  const next = source.headings.find(({ offset, level }) => offset > heading.offset && level <= heading.level);
  const lineEnd = source.text.indexOf("\n", heading.offset);
  const offset = lineEnd === -1 ? source.text.length : lineEnd + 1;
  const end = next && source.text.lastIndexOf("\n", next.offset - 1) + 1;
  return { text: source.text.slice(offset, end), offset };
}

/** Words as a reader counts them: markup, links' targets and insertions' quotes are no words. */
export function countWords(text: string): number {
  const plain = text
    .replace(/\{\{.*?\}\}/g, " 1 ")
    .replace(/\]\([^)]*\)/g, "]")
    .replace(/<[^>]+>/g, " ");
  return plain.match(/[\p{L}\p{N}][\p{L}\p{N}'’.,_-]*/gu)?.length ?? 0;
}

const WORDS_A_MINUTE = 230;

/** Minutes that a text takes to read. */
export function readingMinutes(text: string): number {
  return Math.max(1, Math.round(countWords(text) / WORDS_A_MINUTE));
}
