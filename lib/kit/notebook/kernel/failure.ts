import { inspect } from "node:util";
import type { KernelFailure } from "./protocol.js";
import type { Diagnostic, Mapping } from "./tslab.js";
import { folderUrl } from "./tslab.js";

/** What is needed to read a stack: the cells that have run, and how to name files. */
export interface StackContext {
  /** By position of the cell: from a place in its JavaScript to the place in its source. */
  readonly mappings: ReadonlyMap<number, Mapping>;
  /** `[n]` of a cell by its position. */
  readonly counts: ReadonlyMap<number, number>;
  /** Paths below it are shown from there. */
  readonly root: string;
}

const CELL_FRAME = /notebook-cell:(\d+):(\d+):(\d+)/;

/** Frames of the machinery, which a cell may come through: nobody who reads a notebook can act on them. */
const MACHINERY = /node:|[\\/]dist[\\/]tslab[\\/]/;

/** The position of the cell in which the stack of `error` begins, if it passes through one. */
export function cellOf(error: unknown): number | undefined {
  const found = error instanceof Error ? CELL_FRAME.exec(error.stack ?? "") : null;
  return found ? Number(found[1]) : undefined;
}

/** An error as the notebook shows it: frames in terms of cells and their lines, then of the library's sources. */
export function describeError(error: unknown, cell: number, context: StackContext): KernelFailure {
  if (!isError(error)) {
    return { name: "Thrown", message: inspect(error, { depth: 3 }), frames: [] };
  }
  const { frames, line } = readStack(error.stack ?? "", cell, context);
  const causes = causesOf(error).map(
    (cause) => `caused by ${isError(cause) ? `${nameOf(cause)}: ${cause.message}` : inspect(cause)}`,
  );
  return {
    name: nameOf(error),
    message: error.message,
    frames: [...frames, ...causes],
    line,
  };
}

/** Errors of tslab's type check, all of one cell. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[]): KernelFailure {
  const [first] = diagnostics;
  const places = diagnostics.map(
    ({ fileName, start, messageText }) =>
      `${fileName ? `${fileName} ` : ""}line ${start.line + 1}:${start.character + 1}  ${messageText}`,
  );
  return {
    name: "TypeScriptError",
    message: first?.messageText ?? "the cell does not compile",
    frames: places,
    line: first && !first.fileName ? first.start.line + 1 : undefined,
  };
}

// An error that crosses from another realm of node:vm is no instance of this realm's Error.
const isError = (value: unknown): value is Error =>
  value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";

function nameOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? `${error.name} [${code}]` : error.name;
}

function causesOf(error: Error): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 5; cause = (cause as Error).cause) {
    causes.push(cause);
    if (!isError(cause)) break;
  }
  return causes;
}

function readStack(stack: string, cell: number, context: StackContext) {
  const frames: string[] = [];
  let line: number | undefined;
  const all = stack.split("\n").filter((raw) => /^\s+at /.test(raw));
  // What stands below the lowest cell is what ran it: the kernel, wherever its build put it.
  const lowest = all.findLastIndex((raw) => CELL_FRAME.test(raw));
  for (const [index, raw] of all.entries()) {
    // The call of the function that tslab wraps around a cell.
    if (/Script\.runInThisContext|sigintHandlersWrap/.test(all[index + 1] ?? "")) continue;
    const found = CELL_FRAME.exec(raw);
    if (!found) {
      const ours = lowest >= 0 && index > lowest;
      if (!ours && !MACHINERY.test(raw)) frames.push(relativeTo(context.root, raw.trim()));
      continue;
    }
    const position = Number(found[1]);
    const place = context.mappings.get(position)?.(Number(found[2]), Number(found[3]));
    if (place && position === cell) line ??= place.line;
    const fn = /at (?:async )?(.*?) \(/.exec(raw)?.[1]?.replace(/^Proxy\./, "");
    const where = `cell [${context.counts.get(position) ?? "?"}]${place ? ` line ${place.line}` : ""}`;
    frames.push(fn ? `at ${fn} (${where})` : `at ${where}`);
  }
  return { frames, line };
}

function relativeTo(root: string, text: string): string {
  return text.replaceAll(folderUrl(root), "").replaceAll(`${root}/`, "");
}
