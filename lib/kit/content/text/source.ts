import { readFileSync } from "node:fs";
import { type Link, type Zone, zonesOf } from "./zones.js";

/** A place in a content file; `line` and `column` start at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What stands between `{{` and `}}`, and what Markdown takes its place for. */
export interface Braces {
  /** Offsets in the text, end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly zone: Zone;
}

/** A heading, with where it stands. */
export interface SourceHeading {
  readonly level: number;
  /** As written, without the `#`. */
  readonly text: string;
  readonly offset: number;
  readonly place: Place;
}

/** A text in Markdown, with what position arithmetic needs. `file` is relative to the project, for messages. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** Where the body begins, after front matter. */
  readonly bodyStart: number;
  /** The text, same length, with all blanked that is not read as words: code, HTML, comments, targets of links. */
  readonly prose: string;
  /** The prose without what stands in tables. */
  readonly running: string;
  readonly braces: readonly Braces[];
  readonly headings: readonly SourceHeading[];
  readonly links: readonly Link[];
  /** First line and the line after the last of each paragraph, from 0. */
  readonly paragraphs: readonly (readonly [number, number])[];
  /** What LinkedIn would show as typed: the offsets of emphasis, tables, quotes and the like. */
  readonly markup: readonly number[];
}

/** Reads a content file; `file` is how messages will name it. */
export function readSource(path: string, file: string): Source {
  return parseSource(readFileSync(path, "utf8"), file);
}

/**
 * Reads a text by the tokens that Markdown makes of it, so that each brace, link and number is known for what it is.
 * Braces are kept out of the parser's sight: it meets signs without a meaning in their place, as the pages' own does.
 */
export function parseSource(text: string, file: string): Source {
  const frontMatter = /^---\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  const bodyStart = frontMatter ? frontMatter[0].length : 0;
  const found = [...text.matchAll(/\{\{(?:(?!\{\{|\}\}|`)[^\r\n])*\}\}/g)].filter(
    ({ index }) => index >= bodyStart,
  );
  let marked = blank(text.slice(0, bodyStart)) + text.slice(bodyStart);
  for (const { 0: whole, index } of found)
    marked = marked.slice(0, index) + UNREAD.repeat(whole.length) + marked.slice(index + whole.length);
  const { zones, tables, headings, links, paragraphs, markup } = zonesOf(marked);
  const words = (wanted: (offset: number) => boolean) => {
    let prose = "";
    for (let at = 0; at < text.length; at++) {
      const sign = text[at] as string;
      prose += sign === "\n" || sign === "\r" || wanted(at) ? sign : " ";
    }
    return prose;
  };
  return {
    file,
    text,
    bodyStart,
    prose: words((at) => zones[at] === "text"),
    running: words((at) => zones[at] === "text" && !tables[at]),
    braces: found.map(({ 0: whole, index }) => ({
      start: index,
      end: index + whole.length,
      zone: zones[index] ?? "elsewhere",
    })),
    headings: headings.map(({ level, start, end }) => ({
      level,
      text: text.slice(start, end).trim(),
      offset: start,
      place: placeAt({ file, text }, text.lastIndexOf("\n", start - 1) + 1),
    })),
    links,
    paragraphs,
    markup,
  };
}

/** A private-use sign: no Markdown begins or ends with it. */
const UNREAD = "\uE00F";

/** Turns an offset into a place. */
export function placeAt({ file, text }: Pick<Source, "file" | "text">, offset: number): Place {
  const before = text.slice(0, offset);
  return { file, line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** Same length, same line breaks, everything else a space. */
export function blank(text: string): string {
  return text.replace(/[^\r\n]/g, " ");
}
