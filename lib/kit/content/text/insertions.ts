import { type Place, placeAt, type Source } from "./source.js";

export const INSERTION_KINDS = ["fact", "figure", "table", "cell", "given"] as const;
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
  'Write {{ fact "name" }}, {{ figure "name" }}, {{ table "name" }}, {{ cell "id" }} or {{ given "words" }}.';

/** Finds every insertion of a source outside code; what is between braces and is none is a problem. */
export function findInsertions(source: Source): { insertions: Insertion[]; problems: Problem[] } {
  const insertions: Insertion[] = [];
  const problems: Problem[] = [];
  for (const match of source.prose.matchAll(/\{\{(.*?)\}\}/g)) {
    const place = placeAt(source, match.index);
    const parsed = parseInsertion(match[1] ?? "");
    if (typeof parsed === "string") problems.push({ place, message: parsed });
    else insertions.push({ ...parsed, place, start: match.index, end: match.index + match[0].length });
  }
  const rest = source.prose.replace(/\{\{.*?\}\}/g, (text) => " ".repeat(text.length));
  for (const match of rest.matchAll(/\{\{/g)) {
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
