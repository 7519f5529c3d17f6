import { type Place, placeAt, type Source } from "./source.js";
import type { Zone } from "./zones.js";

export const INSERTION_KINDS = ["fact", "figure", "table", "cell", "given", "planned"] as const;
export type InsertionKind = (typeof INSERTION_KINDS)[number];

/** A step after `|`: a word and its arguments, `digits 1`, `unit "MB"`, `lines 3 9`. */
export interface Modifier {
  readonly word: string;
  readonly args: readonly string[];
}

/** One `{{ kind "name" | modifier … }}` in a content file. */
export interface Insertion {
  readonly kind: InsertionKind;
  readonly name: string;
  readonly modifiers: readonly Modifier[];
  readonly place: Place;
  /** Offsets in the source, end exclusive. */
  readonly start: number;
  readonly end: number;
}

/** Something wrong at a place. */
export interface Problem {
  readonly place: Place;
  readonly message: string;
}

const FORM =
  'Write {{ fact "name" }}, {{ figure "name" }}, {{ table "name" }}, {{ cell "id" }}, {{ given "words" }} or {{ planned "part" }}.';

/** Where braces are no insertion, and what to say of those there; undefined where they are quotation. */
const MISPLACED: Readonly<Record<Exclude<Zone, "text">, string | undefined>> = {
  code: undefined,
  html: "an insertion cannot stand in HTML: write the passage in Markdown.",
  target: "an insertion cannot stand in the address or the title of a link: put it into the words.",
  elsewhere: "an insertion cannot stand in a definition: put it into a sentence.",
};

const IN_BACKTICKS = "an insertion in backticks is shown as it is written: take the backticks away.";

/** An insertion that is all of a code's words is one whose value was meant; others quote. */
function isAlone(text: string, start: number, end: number): boolean {
  const isQuoted = text[start - 1] === "`" && text[end] === "`";
  return isQuoted && typeof parseInsertion(text.slice(start + 2, end - 2)) !== "string";
}

/** Finds every insertion of a source; what is between braces and is none, or stands where none can, is a problem. */
export function findInsertions(source: Source): { insertions: Insertion[]; problems: Problem[] } {
  const insertions: Insertion[] = [];
  const problems: Problem[] = [];
  let { prose } = source;
  for (const { start, end, zone } of source.braces) {
    const place = placeAt(source, start);
    const misplaced = zone === "text" ? undefined : MISPLACED[zone];
    if (misplaced !== undefined) problems.push({ place, message: misplaced });
    if (zone === "code" && isAlone(source.text, start, end)) problems.push({ place, message: IN_BACKTICKS });
    if (zone !== "text") continue;
    prose = prose.slice(0, start) + " ".repeat(end - start) + prose.slice(end);
    const parsed = parseInsertion(source.text.slice(start + 2, end - 2));
    if (typeof parsed === "string") problems.push({ place, message: parsed });
    else insertions.push({ ...parsed, place, start, end });
  }
  for (const match of prose.matchAll(/\{\{/g)) {
    problems.push({
      place: placeAt(source, match.index),
      message: `"{{" is never closed on its line. ${FORM}`,
    });
  }
  return { insertions, problems };
}

/** Parses what stands between the braces; returns the reason where it cannot. */
function parseInsertion(inside: string): Pick<Insertion, "kind" | "name" | "modifiers"> | string {
  const [head, ...steps] = splitSteps(inside);
  const parsed = /^\s*([a-z]+)\s+(?:"([^"]+)"|“([^”]+)”|'([^']+)')\s*$/.exec(head ?? "");
  if (!parsed) return `"{{${inside}}}" is not an insertion. ${FORM}`;
  const kind = INSERTION_KINDS.find((known) => known === parsed[1]);
  if (!kind) return `"${parsed[1]}" is not a kind of insertion. ${FORM}`;
  const modifiers: Modifier[] = [];
  for (const step of steps) {
    const words = [...step.matchAll(/"([^"]*)"|(\S+)/g)].map((word) => word[1] ?? word[2] ?? "");
    const [word, ...args] = words;
    if (word === undefined) return `"{{${inside}}}" has an empty step after "|".`;
    modifiers.push({ word, args });
  }
  return { kind, name: parsed[2] ?? parsed[3] ?? parsed[4] ?? "", modifiers };
}

/** Splits at `|`, except within quotes. */
function splitSteps(inside: string): string[] {
  return inside.match(/(?:"[^"]*"|[^|"])+/g) ?? [inside];
}
