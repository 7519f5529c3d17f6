import { invalidMetadata } from "sololakehouse/errors";

/**
 * The notebook file format, nbformat 4.5, as far as the kit reads and writes it: the format's own words, and
 * nothing dropped that another program has put there.
 */
export type MimeBundle = Readonly<Record<string, unknown>>;

export interface StreamOutput {
  readonly output_type: "stream";
  readonly name: "stdout" | "stderr";
  readonly text: string;
}

export interface DisplayDataOutput {
  readonly output_type: "display_data";
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ExecuteResultOutput {
  readonly output_type: "execute_result";
  readonly execution_count: number | null;
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ErrorOutput {
  readonly output_type: "error";
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

export type Output = StreamOutput | DisplayDataOutput | ExecuteResultOutput | ErrorOutput;

export type CellType = "code" | "markdown" | "raw";

export interface CellMetadata {
  readonly tags?: readonly string[] | undefined;
  readonly [key: string]: unknown;
}

export interface Cell {
  readonly cell_type: CellType;
  /** Unique within the notebook; 1 to 64 of `[a-zA-Z0-9-_]`. */
  readonly id: string;
  readonly metadata: CellMetadata;
  readonly source: string;
  /** Files that a Markdown or raw cell carries along. */
  readonly attachments?: Readonly<Record<string, MimeBundle>> | undefined;
  /** Code cells only. */
  readonly execution_count?: number | null | undefined;
  /** Code cells only. */
  readonly outputs?: readonly Output[] | undefined;
}

const SOLUTION_TAG = /^solution:(.+)$/;

/** Exercises whose reference solution the cell is: its tags `solution:<name>`. */
export const solutionsOf = (cell: Pick<Cell, "metadata">): string[] =>
  (cell.metadata.tags ?? []).flatMap((tag) => SOLUTION_TAG.exec(tag)?.[1] ?? []);

export interface Notebook {
  readonly cells: readonly Cell[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly nbformat: number;
  readonly nbformat_minor: number;
}

/** MIME types whose value is JSON, not text: never joined from or split into lines. */
const isJsonMime = (mime: string) => mime === "application/json" || mime.endsWith("+json");

const joined = (text: unknown): string =>
  Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";

/** Splits after each newline, as the format stores text, so that a diff of the file shows lines. */
function lines(text: string): string[] {
  if (text === "") return [];
  const parts = text.split("\n");
  const last = parts.pop() ?? "";
  return [...parts.map((line) => `${line}\n`), ...(last === "" ? [] : [last])];
}

function bundleFromJson(data: unknown): MimeBundle {
  const bundle: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries((data ?? {}) as Record<string, unknown>)) {
    bundle[mime] = isJsonMime(mime) ? value : joined(value);
  }
  return bundle;
}

function bundleToJson(data: MimeBundle): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries(data)) {
    const isText = typeof value === "string" && !isJsonMime(mime) && !mime.startsWith("image/png");
    json[mime] = isText ? lines(value) : value;
  }
  return json;
}

function outputFromJson(raw: Record<string, unknown>): Output {
  const metadata = (raw.metadata ?? {}) as Record<string, unknown>;
  switch (raw.output_type) {
    case "stream":
      return {
        output_type: "stream",
        name: raw.name === "stderr" ? "stderr" : "stdout",
        text: joined(raw.text),
      };
    case "execute_result":
      return {
        output_type: "execute_result",
        execution_count: (raw.execution_count as number | null | undefined) ?? null,
        data: bundleFromJson(raw.data),
        metadata,
      };
    case "error":
      return {
        output_type: "error",
        ename: joined(raw.ename),
        evalue: joined(raw.evalue),
        traceback: Array.isArray(raw.traceback) ? raw.traceback.map(String) : [],
      };
    default:
      return { output_type: "display_data", data: bundleFromJson(raw.data), metadata };
  }
}

function outputToJson(output: Output): Record<string, unknown> {
  switch (output.output_type) {
    case "stream":
      return { name: output.name, output_type: output.output_type, text: lines(output.text) };
    case "error":
      return {
        ename: output.ename,
        evalue: output.evalue,
        output_type: output.output_type,
        traceback: output.traceback,
      };
    case "execute_result":
      return {
        data: bundleToJson(output.data),
        execution_count: output.execution_count,
        metadata: output.metadata,
        output_type: output.output_type,
      };
    case "display_data":
      return { data: bundleToJson(output.data), metadata: output.metadata, output_type: output.output_type };
  }
}

function cellFromJson(raw: Record<string, unknown>, index: number, taken: Set<string>): Cell {
  const type = raw.cell_type;
  if (type !== "code" && type !== "markdown" && type !== "raw") {
    throw invalidMetadata(
      `cell ${index + 1}`,
      `Cell ${index + 1} has the type ${JSON.stringify(type)}; nbformat knows code, markdown and raw.`,
    );
  }
  // Notebooks before 4.5 have no cell ids. One made from the position is the same each time it is read.
  let id = typeof raw.id === "string" && raw.id !== "" ? raw.id : `cell-${index + 1}`;
  while (taken.has(id)) id = `${id}-${index + 1}`;
  taken.add(id);
  const cell = {
    cell_type: type,
    id,
    metadata: (raw.metadata ?? {}) as CellMetadata,
    source: joined(raw.source),
    attachments: raw.attachments as Record<string, MimeBundle> | undefined,
  } as const;
  if (type !== "code") return cell;
  return {
    ...cell,
    execution_count: (raw.execution_count as number | null | undefined) ?? null,
    outputs: ((raw.outputs ?? []) as Record<string, unknown>[]).map(outputFromJson),
  };
}

/**
 * Reads the text of an `.ipynb`.
 *
 * @throws LakehouseError `INVALID_METADATA` when it is not JSON, or not a notebook of format 4.
 */
export function parseNotebook(text: string, subject = "notebook"): Notebook {
  let raw: { cells?: unknown; metadata?: unknown; nbformat?: unknown; nbformat_minor?: unknown };
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw invalidMetadata(subject, `${subject} is not JSON: ${(cause as Error).message}.`, undefined, cause);
  }
  if (raw.nbformat !== 4 || !Array.isArray(raw.cells)) {
    throw invalidMetadata(
      subject,
      `${subject} is not a notebook of nbformat 4.`,
      "Open it in Jupyter and save it there: that upgrades the format.",
    );
  }
  const taken = new Set<string>();
  return {
    cells: raw.cells.map((cell, index) => cellFromJson(cell as Record<string, unknown>, index, taken)),
    metadata: (raw.metadata ?? {}) as Record<string, unknown>,
    nbformat: 4,
    nbformat_minor: Math.max(5, Number(raw.nbformat_minor) || 0),
  };
}

/** The text of the file as Jupyter itself writes it, one space of indent and sorted keys, so that diffs stay small. */
export function serializeNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => {
    const { source, outputs, ...rest } = cell;
    const json: Record<string, unknown> = { ...rest, source: lines(source) };
    if (cell.cell_type === "code") {
      json.execution_count = cell.execution_count ?? null;
      json.outputs = (outputs ?? []).map(outputToJson);
    }
    return json;
  });
  const { metadata, nbformat_minor } = notebook;
  return `${JSON.stringify(sortedKeys({ cells, metadata, nbformat: 4, nbformat_minor }), null, 1)}\n`;
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortedKeys(item)]));
}
