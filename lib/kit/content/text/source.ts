import { readFileSync } from "node:fs";

/** A place in a content file; `line` and `column` start at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A content file and what position arithmetic needs. `file` is relative to the project, for messages. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** The text, same length, with front matter, code and comments blanked: what is left is prose. */
  readonly prose: string;
  /** Where the body begins, after front matter. */
  readonly bodyStart: number;
}

/** Reads a content file; `file` is how messages will name it. */
export function readSource(path: string, file: string): Source {
  return parseSource(readFileSync(path, "utf8"), file);
}

export function parseSource(text: string, file: string): Source {
  const frontMatter = /^---\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  const bodyStart = frontMatter ? frontMatter[0].length : 0;
  return { file, text, bodyStart, prose: blank(text.slice(0, bodyStart)) + maskCode(text.slice(bodyStart)) };
}

/** Turns an offset into a place. */
export function placeAt(source: Source, offset: number): Place {
  const before = source.text.slice(0, offset);
  return { file: source.file, line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** Same length, same line breaks, everything else a space. */
function blank(text: string): string {
  return text.replace(/[^\r\n]/g, " ");
}

/**
 * Blanks fenced code, inline code and HTML comments, keeping every offset. Code in prose is quotation: nothing in it
 * is an insertion or a measurement.
 */
function maskCode(text: string): string {
  const lines = text.split("\n");
  let fence: { mark: string; length: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const found = /^ {0,3}(?:>\s?)*(?:[-*]\s+)?(`{3,}|~{3,})(.*)$/.exec(line.replace(/\r$/, ""));
    const run = found?.[1] ?? "";
    if (fence === undefined) {
      // A backtick fence's info string holds no backtick; otherwise it is inline code.
      if (run !== "" && !(run.startsWith("`") && found?.[2]?.includes("`"))) {
        fence = { mark: run[0] ?? "", length: run.length };
        lines[index] = blank(line);
      }
      continue;
    }
    const closes = run.startsWith(fence.mark) && run.length >= fence.length && found?.[2]?.trim() === "";
    lines[index] = blank(line);
    if (closes) fence = undefined;
  }
  return lines
    .join("\n")
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/(?<!`)(`+)(?!`)((?:(?!\n\s*\n)[\s\S])*?[^`])\1(?!`)/g, blank);
}
