import { invalidArgument } from "sololakehouse/errors";
import { type ChartSpec, renderChart, withTheme } from "../../look/index.js";
import {
  type FactValue,
  RECORD_MIME,
  type RecordedColumn,
  type TableValue,
  VEGA_LITE_MIME,
} from "../file/recorded.js";
import { keepPending, show } from "./recorder.js";
import { type RowsInput, rowsOf, type TableRow } from "./rows.js";
import { checkName, escapeHtml, factValue, formatValue, plain, tableValue } from "./values.js";

export interface FactOptions {
  /** Written after the value: `files`, `ms`, `MB`, `%`, `x`. */
  readonly unit?: string | undefined;
  /** Decimals that the recorded value keeps: what no text should quote is not recorded. */
  readonly digits?: number | undefined;
  /** For what differs from one machine to the next, times above all: a new value then is no change. */
  readonly volatile?: boolean | undefined;
  /** A few words that the value needs to be understood. */
  readonly note?: string | undefined;
}

/**
 * Records one named measurement and shows it on a line. Prose pulls it in with `{{ fact "name" }}`.
 *
 * @throws LakehouseError `INVALID_ARGUMENT` for a name with other signs than letters, digits and `. _ -`, and for
 *   a value that is no finite number, text or boolean.
 * @example fact("bronze.files", files.length, { unit: "files" });
 */
export function fact(name: string, value: unknown, options: FactOptions = {}): void {
  checkName(name, "fact");
  const { unit, note, digits, volatile = false } = options;
  const exact = factValue(name, value);
  const recorded: FactValue =
    digits === undefined || typeof exact !== "number" ? exact : Number(exact.toFixed(digits));
  const shown = formatValue(recorded, unit);
  show({
    [RECORD_MIME.fact]: {
      name,
      value: recorded,
      unit,
      volatile,
      note,
    },
    "text/html": `<code>${name}</code> <strong>${escapeHtml(shown)}</strong>${note ? ` <em>${escapeHtml(note)}</em>` : ""}`,
    "text/plain": `${name}  ${shown}${note ? `  (${note})` : ""}`,
  });
}

/** Bytes that a sample may have: it lies in the notebook, as text. */
const MOST_SAMPLE = 500_000;

/**
 * Keeps a small file for the site's page that looks inside files, where readers open it.
 *
 * @param name of the file there, without its ending
 * @param title what it is a sample of, in a few words
 * @throws LakehouseError `INVALID_ARGUMENT` for more than 500 kB, which is too much for a notebook.
 * @example sample("day", "A day's flights, sorted", await lake.store.read(file.filePath));
 */
export function sample(name: string, title: string, bytes: Uint8Array): void {
  checkName(name, "sample");
  if (bytes.length > MOST_SAMPLE) {
    const why = `The sample ${name} has ${formatValue(bytes.length)} bytes, and ${formatValue(MOST_SAMPLE)} are the most.`;
    throw invalidArgument(name, why, "Choose a smaller file.");
  }
  const text = `${title}: ${formatValue(bytes.length)} bytes`;
  show({
    // Two runs may write the same rows in other bytes.
    [RECORD_MIME.sample]: { name, title, volatile: true, base64: Buffer.from(bytes).toString("base64") },
    "text/html": `<p>${escapeHtml(text)}</p>`,
    "text/plain": text,
  });
}

export interface FigureOptions {
  /** What the chart shows, for who cannot see it: the finding, with its numbers. */
  readonly alt: string;
  /** States the finding: "Compaction: 2,000 files become 12". Replaces the specification's own. */
  readonly title?: string | undefined;
  readonly volatile?: boolean | undefined;
}

/**
 * Draws a Vega-Lite chart in the kit's theme and records it. Colours may be roles of the palette (`"@teal"`).
 * The data goes into the notebook, so give the chart rows that are already aggregated.
 *
 * @param spec the specification; its data as `data: { values: rows }`.
 * @throws LakehouseError `INVALID_ARGUMENT` without a text alternative or for data that lies elsewhere;
 *   `CONTENT_INVALID` when Vega-Lite rejects the specification.
 * @example await figure("delay.by_hour", { data: { values: rows }, mark: "bar", encoding: … }, { alt: "…" });
 */
export function figure(name: string, spec: ChartSpec, options: FigureOptions): Promise<void> {
  return keepPending(drawFigure(name, spec, options));
}

async function drawFigure(name: string, given: ChartSpec, options: FigureOptions): Promise<void> {
  checkName(name, "figure");
  const { title, volatile = false } = options;
  const alt = options.alt?.trim();
  if (!alt) {
    throw invalidArgument(
      name,
      `The figure ${name} has no text alternative.`,
      "Say in `alt` what the chart shows.",
    );
  }
  const spec = plain({ ...given, title }) as Record<string, unknown>;
  if (spec.data !== null && typeof spec.data === "object" && "url" in spec.data) {
    throw invalidArgument(
      name,
      `The figure ${name} reads its data from a URL.`,
      "Give the rows: data: { values: rows }.",
    );
  }
  const drawn = await renderChart(spec, "light");
  // The renderer's own role and label say only that it is a visualisation.
  const svg = drawn.replace(/^<svg\b([^>]*)>/, (_, attributes: string) => {
    const kept = attributes.replace(/\s(?:role|aria-label)="[^"]*"/g, "");
    return `<svg${kept} role="img" aria-label="${escapeHtml(alt)}">`;
  });
  const { data, ...withoutData } = spec;
  const caption = typeof spec.title === "string" ? spec.title : undefined;
  show({
    [RECORD_MIME.figure]: {
      name,
      title: caption,
      alt,
      volatile,
      spec: withoutData,
    },
    [VEGA_LITE_MIME]: { ...withTheme(spec, "light"), data },
    "image/svg+xml": svg,
    "text/plain": `Figure ${name}${caption ? `: ${caption}` : ""}\n${alt}`,
  });
}

export interface ColumnOptions {
  readonly label?: string | undefined;
  readonly unit?: string | undefined;
}

export interface TableOptions {
  readonly caption?: string | undefined;
  /** Which columns, in this order, and what heads them. All, under their own names, when left out. */
  readonly columns?: readonly string[] | Readonly<Record<string, string | ColumnOptions>> | undefined;
  /** Rows shown and recorded; 20 when left out. */
  readonly limit?: number | undefined;
  readonly volatile?: boolean | undefined;
}

/**
 * Shows rows as a table and records them. Numbers stand to the right.
 *
 * @example await table("snapshots", lake.sql("select … limit 5"), { caption: "Snapshots so far" });
 */
export function table(name: string, source: RowsInput, options: TableOptions = {}): Promise<void> {
  return keepPending(showTable(name, source, options));
}

async function showTable(name: string, source: RowsInput, options: TableOptions): Promise<void> {
  checkName(name, "table");
  const input = await rowsOf(source);
  const shown = input.slice(0, options.limit ?? 20);
  const columns = columnsOf(shown, options.columns);
  const rows = shown.map((row) => columns.map(({ key }) => tableValue(row[key])));
  const left = input.length - rows.length;
  const cut = left > 0 ? `${formatValue(left)} more ${left === 1 ? "row" : "rows"}` : undefined;
  const { caption, volatile = false } = options;
  const heading = columns.map(({ label, unit }) => (unit ? `${label} (${unit})` : label));
  const texts = rows.map((row) => row.map((value) => formatValue(value)));
  show({
    [RECORD_MIME.table]: {
      name,
      caption,
      columns,
      rows,
      totalRows: input.length,
      volatile,
    },
    "text/html": html(columns, heading, texts, caption, cut),
    "text/plain": [caption, text(columns, heading, texts), cut].filter(Boolean).join("\n"),
  });
}

function columnsOf(rows: readonly TableRow[], given: TableOptions["columns"]): RecordedColumn[] {
  const keys = given
    ? Array.isArray(given)
      ? (given as readonly string[])
      : Object.keys(given)
    : [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return keys.map((key) => {
    const option =
      given && !Array.isArray(given) ? (given as Record<string, string | ColumnOptions>)[key] : {};
    const { label, unit } = typeof option === "string" ? { label: option, unit: undefined } : (option ?? {});
    const values = rows.map((row) => row[key]).filter((value) => value !== null && value !== undefined);
    const numeric = values.length > 0 && values.every((value) => isNumber(value));
    return {
      key,
      label: label ?? key,
      unit,
      align: numeric ? "right" : "left",
    };
  });
}

const isNumber = (value: unknown): boolean => typeof value === "number" || typeof value === "bigint";

function html(
  columns: readonly RecordedColumn[],
  heading: readonly string[],
  texts: readonly (readonly string[])[],
  caption: string | undefined,
  cut: string | undefined,
): string {
  const cell = (tag: string, value: string, index: number) =>
    `<${tag} align="${columns[index]?.align ?? "left"}">${escapeHtml(value)}</${tag}>`;
  return [
    "<table>",
    ...(caption ? [`<caption>${escapeHtml(caption)}</caption>`] : []),
    `<thead><tr>${heading.map((value, index) => cell("th", value, index)).join("")}</tr></thead>`,
    "<tbody>",
    ...texts.map((row) => `<tr>${row.map((value, index) => cell("td", value, index)).join("")}</tr>`),
    "</tbody>",
    "</table>",
    ...(cut ? [`<p>${cut}</p>`] : []),
  ].join("\n");
}

function text(
  columns: readonly RecordedColumn[],
  heading: readonly string[],
  texts: readonly (readonly TableValue[])[],
): string {
  const all = [heading, ...texts].map((row) => row.map(String));
  const widths = columns.map((_, index) => Math.max(...all.map((row) => (row[index] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((value, index) =>
          columns[index]?.align === "right"
            ? value.padStart(widths[index] ?? 0)
            : value.padEnd(widths[index] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
