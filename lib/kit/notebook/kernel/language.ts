/**
 * The child process that answers an editor: completions, what a name is, and complaints, by tslab's converter and its
 * TypeScript, so that what it says of a cell is what the kernel makes of it. It lives as long as its editor, and keeps
 * what it knows of the cells that have not changed.
 * The working directory is the notebook's folder from the start, where the converter looks for modules.
 */
import { type Diagnostic, loadTslab } from "./tslab.js";

export interface LanguageCell {
  readonly id: string;
  readonly source: string;
}

/** A question. Offsets are UTF-16 units from the start of a cell, here as in the answers. */
export type LanguageQuestion =
  | { readonly kind: "diagnostics"; readonly cells: readonly LanguageCell[] }
  | {
      readonly kind: "complete" | "hover";
      readonly cells: readonly LanguageCell[];
      readonly cell: string;
      readonly offset: number;
    };

export interface LanguageComplaint {
  readonly cell: string;
  readonly from: number;
  readonly to: number;
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  /** TypeScript's number; 0 for what compiles and fails when it runs. */
  readonly code: number;
}

export interface LanguageCompletions {
  readonly from: number;
  readonly to: number;
  readonly options: readonly { readonly label: string; readonly kind: string; readonly rank: string }[];
}

export interface LanguageHover {
  readonly from: number;
  readonly to: number;
  readonly code: string;
  readonly text: string;
}

export type LanguageAnswer = readonly LanguageComplaint[] | LanguageCompletions | LanguageHover | null;

export type ToLanguage = { readonly id: number; readonly question: LanguageQuestion };
export type FromLanguage =
  | { readonly id: number; readonly answer: LanguageAnswer }
  | { readonly id: number; readonly trouble: string };

/** What converting a cell came to. */
interface Step {
  readonly source: string;
  readonly complaints: readonly Omit<LanguageComplaint, "cell">[];
  /** Of this cell and all before it, for the next one. */
  readonly declarations: string;
}

const MOST_OPTIONS = 500;

const tslab = loadTslab({ strict: true });
const converter = tslab.createConverter();
let known: Step[] = [];

/** The steps of cells in order; those that were so already are not done again. */
function stepsOf(cells: readonly LanguageCell[]): readonly Step[] {
  const changed = cells.findIndex(({ source }, index) => known[index]?.source !== source);
  const steps = known.slice(0, changed < 0 ? cells.length : changed);
  for (const { source } of cells.slice(steps.length)) steps.push(stepOf(source, declarationsAfter(steps)));
  known = [...steps, ...known.slice(steps.length)];
  return steps;
}

const declarationsAfter = (steps: readonly Step[]): string => steps.at(-1)?.declarations ?? "";

function stepOf(source: string, before: string): Step {
  if (source.trim() === "") return { source, complaints: [], declarations: before };
  const { diagnostics, declOutput } = converter.convert(before, source);
  // The names of a broken cell are not there for those after it, in the kernel neither.
  if (diagnostics.length > 0)
    return { source, complaints: diagnostics.map((each) => complaintOf(source, each)), declarations: before };
  const complaints = tslab.traps().map(({ line, character, message }) => {
    const from = offsetOf(source, line, character);
    return { from, to: wordEnd(source, from), severity: "error" as const, message, code: 0 };
  });
  return { source, complaints, declarations: declOutput ?? "" };
}

function complaintOf(source: string, { start, end, messageText, code, fileName }: Diagnostic) {
  // What is wrong in a module that the cell imports is shown where the cell begins.
  const from = fileName ? 0 : offsetOf(source, start.line, start.character);
  const to = fileName ? 0 : offsetOf(source, end.line, end.character);
  const message = fileName ? `${fileName}: ${messageText}` : messageText;
  return { from, to: Math.max(to, wordEnd(source, from)), severity: "error" as const, message, code };
}

function offsetOf(source: string, line: number, character: number): number {
  const before = source.split("\n").slice(0, Math.max(line, 0));
  const start = before.reduce((sum, { length }) => sum + length + 1, 0);
  return Math.min(Math.max(start + character, 0), source.length);
}

const wordEnd = (source: string, from: number): number =>
  from + (/^[\p{L}\p{N}_$]+/u.exec(source.slice(from))?.[0].length ?? 0);

function answer(question: LanguageQuestion): LanguageAnswer {
  const { cells } = question;
  if (question.kind === "diagnostics") {
    const steps = stepsOf(cells);
    const broken = steps.findIndex(({ complaints }) => complaints.length > 0);
    if (broken < 0) return [];
    // Cells after a broken one lack its names, and would only repeat the trouble.
    return (steps[broken]?.complaints ?? []).map((each) => ({ ...each, cell: cells[broken]?.id ?? "" }));
  }
  const at = cells.findIndex(({ id }) => id === question.cell);
  const source = cells[at]?.source ?? "";
  const before = declarationsAfter(stepsOf(cells.slice(0, Math.max(at, 0))));
  const offset = Math.min(Math.max(question.offset, 0), source.length);
  return question.kind === "complete" ? complete(before, source, offset) : hover(before, source, offset);
}

function complete(before: string, source: string, offset: number): LanguageCompletions {
  const { start, end, candidates, original } = converter.complete(before, source, offset);
  const entries = new Map((original?.entries ?? []).map((entry) => [entry.name, entry]));
  const options = candidates.slice(0, MOST_OPTIONS).map((label) => {
    const { kind = "", sortText = "" } = entries.get(label) ?? {};
    return { label, kind, rank: sortText };
  });
  return { from: start, to: end, options };
}

function hover(before: string, source: string, offset: number): LanguageHover | null {
  const info = converter.inspect(before, source, offset);
  if (!info?.textSpan) return null;
  const joined = (parts: readonly { readonly text: string }[] = []) => parts.map(({ text }) => text).join("");
  const { start, length } = info.textSpan;
  return {
    from: start,
    to: start + length,
    code: joined(info.displayParts),
    text: joined(info.documentation),
  };
}

process.on("disconnect", () => process.exit(0));
process.on("message", ({ id, question }: ToLanguage) => {
  const told = (): FromLanguage => {
    try {
      return { id, answer: answer(question) };
    } catch (error) {
      return { id, trouble: error instanceof Error ? error.message : String(error) };
    }
  };
  process.send?.(told());
});
