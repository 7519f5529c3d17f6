import { invalidMetadata, type LakehouseError } from "sololakehouse/errors";
import type { Cell, CellMetadata, CellType, MimeBundle, Notebook } from "./nbformat.js";

/**
 * The percent format: a notebook as one TypeScript file, for those who write in an editor.
 *
 * ```ts
 * // %% id="setup" tags=["hidden"]
 * import { fact } from "@sololakehouse/kit";
 *
 * // %% [markdown] id="intro"
 * // # Writing Iceberg
 * ```
 *
 * A cell begins with a line `// %%`, then its type unless it is code, then its metadata as `key=<JSON>`. Text cells
 * are comments. Outputs stay behind: importing over a notebook keeps those of cells whose code is the same.
 *
 * A line that would look like the start of a cell is written with one `%` more (`// %%%`), and read back with one
 * fewer; so nothing is lost.
 */
export function toPercent(notebook: Notebook): string {
  const { sololakehouse, ...metadata } = notebook.metadata;
  // What a run left there is no part of the source; data sets declared by the author are.
  const { run: _, fingerprint: __, ...declared } = (sololakehouse ?? {}) as Record<string, unknown>;
  const kept = Object.keys(declared).length > 0 ? { ...metadata, sololakehouse: declared } : metadata;
  const header = `// ---\n// ${JSON.stringify({ metadata: kept, nbformat_minor: notebook.nbformat_minor })}\n// ---\n`;
  return header + notebook.cells.map(cellToPercent).join("");
}

const MARKER = /^\/\/ %%(%*)/;

function cellToPercent(cell: Cell): string {
  const { tags, ...rest } = cell.metadata;
  const fields = [
    ...(cell.cell_type === "code" ? [] : [`[${cell.cell_type}]`]),
    `id=${JSON.stringify(cell.id)}`,
    ...(tags === undefined ? [] : [`tags=${JSON.stringify(tags)}`]),
    ...(Object.keys(rest).length > 0 ? [`metadata=${JSON.stringify(rest)}`] : []),
    ...(cell.attachments ? [`attachments=${JSON.stringify(cell.attachments)}`] : []),
  ];
  const lines = cell.source.split("\n");
  const body = cell.cell_type === "code" ? lines : lines.map((line) => (line === "" ? "//" : `// ${line}`));
  const escaped = body.map((line) => line.replace(MARKER, "// %%%$1"));
  return `\n// %% ${fields.join(" ")}\n${escaped.join("\n")}\n`;
}

/**
 * Reads a notebook back from the percent format.
 *
 * @param previous the notebook as it was: outputs of code cells with the same id and source are kept, and what the
 *   last run left in its metadata, so that staleness can be judged.
 * @throws LakehouseError `INVALID_METADATA` with the line that cannot be read.
 */
export function fromPercent(text: string, previous?: Notebook): Notebook {
  const lines = text.split(/^[^\n]*\r\n/.test(text) ? "\r\n" : "\n");
  const { metadata, minor, next } = readHeader(lines);
  const cells: Cell[] = [];
  let start = next;
  while (start < lines.length) {
    const heading = lines[start] ?? "";
    if (!isHeading(heading)) {
      if (heading.trim() !== "") throw unreadable(start, "code before the first `// %%`");
      start++;
      continue;
    }
    let end = start + 1;
    while (end < lines.length && !isHeading(lines[end] ?? "")) end++;
    // The empty line before the next cell, or after the last newline of the file, is no part of the cell.
    const last = lines[end - 1] === "" && end - 1 > start ? end - 1 : end;
    cells.push(readCell(heading, lines.slice(start + 1, last), start, cells));
    start = end;
  }
  const before = new Map(previous?.cells.map((cell) => [cell.id, cell]));
  const runOf = (previous?.metadata.sololakehouse ?? {}) as Record<string, unknown>;
  const lasting = { run: runOf.run, fingerprint: runOf.fingerprint };
  const declared = (metadata.sololakehouse ?? {}) as Record<string, unknown>;
  const kit = { ...declared, ...(lasting.run ? lasting : {}) };
  return {
    cells: cells.map((cell) => withOutputs(cell, before.get(cell.id))),
    metadata: Object.keys(kit).length > 0 ? { ...metadata, sololakehouse: kit } : metadata,
    nbformat: 4,
    nbformat_minor: minor,
  };
}

const isHeading = (line: string): boolean => /^\/\/ %%(?!%)/.test(line);

function withOutputs(cell: Cell, old: Cell | undefined): Cell {
  if (cell.cell_type !== "code") return cell;
  const same = old?.cell_type === "code" && old.source === cell.source ? old : undefined;
  return { ...cell, execution_count: same?.execution_count ?? null, outputs: same?.outputs ?? [] };
}

function readHeader(lines: readonly string[]) {
  if (lines[0] !== "// ---") return { metadata: {}, minor: 5, next: 0 };
  const end = lines.indexOf("// ---", 1);
  if (end < 0) throw unreadable(0, "a header without an end");
  const json = lines.slice(1, end).map((line) => line.replace(/^\/\/ ?/, ""));
  const read = parseJson(json.join("\n"), 1) as {
    metadata?: Record<string, unknown> | undefined;
    nbformat_minor?: number | undefined;
  };
  return { metadata: read.metadata ?? {}, minor: read.nbformat_minor ?? 5, next: end + 1 };
}

function readCell(heading: string, body: readonly string[], at: number, before: readonly Cell[]): Cell {
  let rest = heading.slice("// %%".length).trim();
  let type: CellType = "code";
  const typed = /^\[(markdown|raw|code)\]\s*/.exec(rest);
  if (typed) {
    type = typed[1] as CellType;
    rest = rest.slice(typed[0].length);
  }
  const fields = readFields(rest, at);
  const { metadata, tags } = fields as { metadata?: CellMetadata; tags?: string[] };
  const lines = body.map((line) => line.replace(/^\/\/ %%%/, "// %%"));
  const source = type === "code" ? lines : lines.map(uncomment);
  let id = typeof fields.id === "string" ? fields.id : `cell-${before.length + 1}`;
  while (before.some((cell) => cell.id === id)) id = `${id}-${before.length + 1}`;
  return {
    cell_type: type,
    id,
    metadata: { ...metadata, tags },
    source: source.join("\n"),
    attachments: fields.attachments as Record<string, MimeBundle> | undefined,
  };
}

const uncomment = (line: string): string => line.replace(/^\/\/ ?/, "");

/** `id="x" tags=["a"]`: each value is JSON, and ends where JSON ends. */
function readFields(text: string, at: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  let rest = text;
  while (rest !== "") {
    const key = /^([a-z]+)=/.exec(rest);
    // Anything else is a title for people, as other editors write after the marker.
    if (!key) break;
    rest = rest.slice(key[0].length);
    const end = jsonEnd(rest);
    fields[key[1] ?? ""] = parseJson(rest.slice(0, end), at);
    rest = rest.slice(end).trimStart();
  }
  return fields;
}

/** Where the JSON value at the start of the text ends. */
function jsonEnd(text: string): number {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    else if (character === " " && depth === 0) return index;
  }
  return text.length;
}

function parseJson(text: string, at: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(at, `${text} is not JSON`, cause);
  }
}

function unreadable(line: number, why: string, cause?: unknown): LakehouseError {
  return invalidMetadata(
    `line ${line + 1}`,
    `Line ${line + 1} cannot be read: ${why}.`,
    "Compare it with what `slh notebook export` writes.",
    cause,
  );
}
