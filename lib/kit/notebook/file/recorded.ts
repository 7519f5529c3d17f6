import { readFile } from "node:fs/promises";
import type { ChartSpec } from "../../look/index.js";
import { type CellRef, type Fingerprint, kitMetadata, type RunInfo } from "./metadata.js";
import { type CellType, type ErrorOutput, type Notebook, type Output, parseNotebook } from "./nbformat.js";

/** MIME types under which a cell records what content may pull in by name. */
export const RECORD_MIME = {
  fact: "application/vnd.sololakehouse.fact+json",
  figure: "application/vnd.sololakehouse.figure+json",
  table: "application/vnd.sololakehouse.table+json",
  sample: "application/vnd.sololakehouse.sample+json",
  check: "application/vnd.sololakehouse.check+json",
  predict: "application/vnd.sololakehouse.predict+json",
} as const;

export type RecordKind = keyof typeof RECORD_MIME;

export const VEGA_LITE_MIME = "application/vnd.vegalite.v5+json";

/** A value that a fact may have. 64-bit integers beyond 2^53 arrive as decimal strings. */
export type FactValue = number | string | boolean;

/** One named measurement. */
export interface RecordedFact {
  readonly name: string;
  readonly value: FactValue;
  /** As written after the value: `files`, `ms`, `MB`. */
  readonly unit?: string | undefined;
  /** True for what differs from machine to machine (times, sizes of caches): a new value is no change. */
  readonly volatile: boolean;
  readonly note?: string | undefined;
  readonly cell: CellRef;
}

/** One named chart: the Vega-Lite spec with its data embedded, and the SVG drawn from it. */
export interface RecordedFigure {
  readonly name: string;
  readonly title?: string | undefined;
  /** The text alternative. */
  readonly alt: string;
  /** Without a theme: colours may still be roles such as `@ice`. */
  readonly spec: ChartSpec;
  /** In the light theme. */
  readonly svg: string;
  readonly volatile: boolean;
  readonly cell: CellRef;
}

export interface RecordedColumn {
  readonly key: string;
  readonly label: string;
  readonly unit?: string | undefined;
  readonly align: "left" | "right";
}

export type TableValue = number | string | boolean | null;

/** One named table; `rows` are in the order of `columns`. */
export interface RecordedTable {
  readonly name: string;
  readonly caption?: string | undefined;
  readonly columns: readonly RecordedColumn[];
  readonly rows: readonly (readonly TableValue[])[];
  /** Rows that the table had before it was cut to what is shown. */
  readonly totalRows: number;
  readonly volatile: boolean;
  readonly cell: CellRef;
}

/** One named file that the page "Look inside a file" offers: its bytes lie in the notebook. */
export interface RecordedSample {
  readonly name: string;
  /** What it is a sample of, in a few words. */
  readonly title: string;
  readonly base64: string;
  readonly cell: CellRef;
}

/** What became of an exercise: the learner's starter as committed, and the reference solution. */
export interface RecordedCheck {
  readonly name: string;
  /** `open`: the starter is not solved yet, which is as it should be. */
  readonly state: "open" | "solved" | "reference";
  readonly message: string;
  readonly cell: CellRef;
}

export interface RecordedCell {
  readonly ref: CellRef;
  readonly type: CellType;
  readonly tags: readonly string[];
  readonly source: string;
  readonly outputs: readonly Output[];
}

/** A name that stands for two things. */
export interface RepeatedName {
  readonly kind: "fact" | "figure" | "table" | "sample";
  readonly name: string;
  readonly first: CellRef;
  readonly again: CellRef;
}

/** What an output records under a name that content may use, if it does. */
export function namedIn(output: Output): Pick<RepeatedName, "kind" | "name"> | undefined {
  if (output.output_type !== "display_data") return undefined;
  for (const kind of ["fact", "figure", "table", "sample"] as const) {
    const record = output.data[RECORD_MIME[kind]] as { name: string } | undefined;
    if (record) return { kind, name: record.name };
  }
  return undefined;
}

/** All that an executed notebook holds for those who build from it. */
export interface RecordedNotebook {
  readonly path: string;
  readonly facts: ReadonlyMap<string, RecordedFact>;
  readonly figures: ReadonlyMap<string, RecordedFigure>;
  readonly tables: ReadonlyMap<string, RecordedTable>;
  readonly samples: ReadonlyMap<string, RecordedSample>;
  readonly checks: readonly RecordedCheck[];
  /** Names that were recorded more than once, which is an error: which of the values would a text mean? */
  readonly repeated: readonly RepeatedName[];
  readonly cells: readonly RecordedCell[];
  /** Undefined for a notebook that the kit has never run. */
  readonly run: RunInfo | undefined;
  readonly fingerprint: Fingerprint | undefined;
  readonly notebook: Notebook;
  /** By cell id; else by tag, when exactly one cell carries it. */
  cell(idOrTag: string): RecordedCell | undefined;
}

/**
 * Reads what an executed notebook recorded.
 *
 * A name recorded twice keeps its last value, and is among `repeated`.
 *
 * @throws LakehouseError `INVALID_METADATA` when the file is no notebook; ENOENT as Node gives it when absent.
 */
export async function readRecorded(path: string): Promise<RecordedNotebook> {
  return recordedIn(parseNotebook(await readFile(path, "utf8"), path), path);
}

/** The same for a notebook already in memory. */
export function recordedIn(notebook: Notebook, path: string): RecordedNotebook {
  const facts = new Map<string, RecordedFact>();
  const figures = new Map<string, RecordedFigure>();
  const tables = new Map<string, RecordedTable>();
  const samples = new Map<string, RecordedSample>();
  const checks: RecordedCheck[] = [];
  const repeated: RepeatedName[] = [];
  const places = { fact: facts, figure: figures, table: tables, sample: samples };
  const cells = notebook.cells.map((cell, index): RecordedCell => {
    const ref: CellRef = { id: cell.id, index, executionCount: cell.execution_count ?? null };
    for (const output of cell.outputs ?? []) {
      if (output.output_type !== "display_data") continue;
      const { data } = output;
      const named = namedIn(output);
      const first = named && places[named.kind].get(named.name)?.cell;
      if (named && first) repeated.push({ ...named, first, again: ref });
      const fact = data[RECORD_MIME.fact] as Omit<RecordedFact, "cell"> | undefined;
      if (fact) facts.set(fact.name, { ...fact, volatile: fact.volatile === true, cell: ref });
      const figure = data[RECORD_MIME.figure] as Omit<RecordedFigure, "cell" | "svg"> | undefined;
      if (figure) {
        // The data is stored once, in the themed specification that notebook pages show.
        const themed = (data[VEGA_LITE_MIME] ?? {}) as Record<string, unknown>;
        figures.set(figure.name, {
          ...figure,
          volatile: figure.volatile === true,
          spec: "data" in themed ? { ...figure.spec, data: themed.data } : figure.spec,
          svg: String(data["image/svg+xml"] ?? ""),
          cell: ref,
        });
      }
      const table = data[RECORD_MIME.table] as Omit<RecordedTable, "cell"> | undefined;
      if (table) tables.set(table.name, { ...table, volatile: table.volatile === true, cell: ref });
      const sample = data[RECORD_MIME.sample] as Omit<RecordedSample, "cell"> | undefined;
      if (sample) samples.set(sample.name, { ...sample, cell: ref });
      const check = data[RECORD_MIME.check] as Omit<RecordedCheck, "cell"> | undefined;
      if (check) checks.push({ ...check, cell: ref });
    }
    return {
      ref,
      type: cell.cell_type,
      tags: cell.metadata.tags ?? [],
      source: cell.source,
      outputs: cell.outputs ?? [],
    };
  });
  const { run, fingerprint } = kitMetadata(notebook);
  return {
    path,
    facts,
    figures,
    tables,
    samples,
    checks,
    repeated,
    cells,
    run,
    fingerprint,
    notebook,
    cell(idOrTag) {
      const byId = cells.find((cell) => cell.ref.id === idOrTag);
      if (byId) return byId;
      const tagged = cells.filter((cell) => cell.tags.includes(idOrTag));
      return tagged.length === 1 ? tagged[0] : undefined;
    },
  };
}

/** The error that stopped the notebook, if one is among the cell's outputs. */
export const errorOf = (cell: RecordedCell): ErrorOutput | undefined =>
  cell.outputs.find((output): output is ErrorOutput => output.output_type === "error");
