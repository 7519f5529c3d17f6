import { type Bound, substitute } from "../model/bind.js";
import type { Piece } from "../model/inputs.js";
import { countWords } from "../text/words.js";
import { plainInsertion } from "./linkedin-text.js";

/** Words said a minute. */
export const SPEAKING_RATE = 150;
export const VIDEO_COLUMNS = ["time", "segment", "action", "words", "evidence"] as const;

/** One row of a script. Times are in seconds, as the words and the stated demo seconds give them. */
export interface Segment {
  /** As typed: `0:00–0:40`, or empty to have it computed. */
  readonly time: string;
  readonly segment: string;
  readonly action: string;
  readonly words: string;
  readonly evidence: string;
  /** From `(demo 20 s)` in the action. */
  readonly demoSeconds: number;
  readonly start: number;
  readonly end: number;
  /** Line in the source, from 1. */
  readonly line: number;
}

export interface Script {
  readonly segments: readonly Segment[];
  /** The table's columns, lower case; undefined when there is no table. */
  readonly columns: readonly string[] | undefined;
  readonly seconds: number;
}

/** Reads the script's table, the first one that has a column "words". Facts are put in place first. */
export function readScript(piece: Piece, bound: readonly Bound[]): Script {
  const text =
    piece.text.slice(0, piece.bodyStart) +
    substitute(piece, bound, (item) => plainInsertion(item).replaceAll("|", "\\|"));
  const lines = text.split("\n");
  const headAt = lines.findIndex(
    (line, index) => /^\s*\|/.test(line) && /^\s*\|[\s:|-]+\|\s*$/.test(lines[index + 1] ?? ""),
  );
  if (headAt === -1) return { segments: [], columns: undefined, seconds: 0 };
  const columns = cells(lines[headAt] ?? "").map(
    (name) => name.toLowerCase().replace(/[*_`]/g, "").split(/\s/)[0] ?? "",
  );
  const segments: Segment[] = [];
  let start = 0;
  for (let at = headAt + 2; /^\s*\|/.test(lines[at] ?? ""); at++) {
    const row = cells(lines[at] ?? "");
    const cell = (name: (typeof VIDEO_COLUMNS)[number]) => row[columns.indexOf(name)] ?? "";
    const demoSeconds = Number(/\bdemo\s+(\d+)\s*s\b/i.exec(cell("action"))?.[1] ?? 0);
    const end = start + (countWords(cell("words")) / SPEAKING_RATE) * 60 + demoSeconds;
    const [time, segment, action, words, evidence] = VIDEO_COLUMNS.map(cell) as [
      string,
      string,
      string,
      string,
      string,
    ];
    segments.push({ time, segment, action, words, evidence, demoSeconds, start, end, line: at + 1 });
    start = end;
  }
  return { segments, columns, seconds: start };
}

/** A table row's cells; `\|` stands for the bar itself. */
function cells(line: string): string[] {
  return line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** `7:05`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A typed time's start in seconds, or undefined when it is none. */
export function typedStart(time: string): number | undefined {
  const parsed = /^(\d+):(\d{2})/.exec(time);
  return parsed ? Number(parsed[1]) * 60 + Number(parsed[2]) : undefined;
}

/** The script to read from: facts in place, the time column computed. */
export function videoMarkdown(piece: Piece, bound: readonly Bound[]): string {
  const { segments, columns } = readScript(piece, bound);
  const body = substitute(piece, bound, (item) => plainInsertion(item).replaceAll("|", "\\|")).replace(
    /^\s+/,
    "",
  );
  if (!columns) return body;
  const lines = body.split("\n");
  const headAt = lines.findIndex(
    (line, index) => /^\s*\|/.test(line) && /^\s*\|[\s:|-]+\|\s*$/.test(lines[index + 1] ?? ""),
  );
  const timeAt = columns.indexOf("time");
  for (const [index, { start, end }] of segments.entries()) {
    const row = cells(lines[headAt + 2 + index] ?? "").map((cell) => cell.replaceAll("|", "\\|"));
    row[timeAt] = `${clock(start)}–${clock(end)}`;
    lines[headAt + 2 + index] = `| ${row.join(" | ")} |`;
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
