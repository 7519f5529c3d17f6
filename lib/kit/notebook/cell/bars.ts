import type { ChartSpec } from "../../look/index.js";
import { type FigureOptions, figure } from "./record.js";
import { keepPending } from "./recorder.js";
import { type RowsInput, rowsOf, type TableRow } from "./rows.js";
import { formatValue } from "./values.js";

export interface BarsOptions {
  /** The column that names the bars. */
  readonly name: string;
  /** The column with their lengths. */
  readonly value: string;
  /** Of the lengths; at the axis and in the labels. */
  readonly unit?: string | undefined;
  /** The column that tells the bars of one name apart, as before from after. */
  readonly group?: string | undefined;
  /** Names, or groups, that are the point: these are ice and the rest grey. All are ice when left out. */
  readonly accent?: readonly string[] | undefined;
  /** What stands at the end of a bar; its length with the unit when left out. */
  readonly label?: ((row: TableRow) => string) | undefined;
  /** States the finding, with its number; made from the rows where it quotes them. */
  readonly title: string | ((rows: readonly TableRow[]) => string);
  /** The text alternative; the title and each bar's label when left out. */
  readonly alt?: string | undefined;
  readonly volatile?: FigureOptions["volatile"];
}

/**
 * Draws rows, or what a query gives, as bars with their values at the end, from zero, and records the chart.
 *
 * @example await bars("scan", rows, { name: "layout", value: "ms", unit: "ms", accent: ["day"], title: "…" });
 */
export function bars(name: string, source: RowsInput, options: BarsOptions): Promise<void> {
  return keepPending(drawBars(name, source, options));
}

async function drawBars(name: string, source: RowsInput, options: BarsOptions): Promise<void> {
  const { unit, group, accent, label, volatile } = options;
  const rows = await rowsOf(source);
  const shown = rows.map((row) => {
    const value = Number(row[options.value]);
    const marked = group === undefined ? row[options.name] : row[group];
    const text = label?.(row) ?? formatValue(value, unit);
    return {
      name: String(row[options.name]),
      group: group === undefined ? undefined : String(row[group]),
      value,
      label: group === undefined || label ? text : `${row[group]}: ${text}`,
      accent: accent === undefined || accent.includes(String(marked)),
    };
  });
  const title = typeof options.title === "string" ? options.title : options.title(rows);
  const said = shown.map((bar) => `${bar.name} ${bar.label}`).join("; ");
  await figure(name, specOf(shown, unit, group !== undefined), {
    title,
    alt: options.alt ?? `${title.replace(/[.:]$/, "")}. ${said}.`,
    volatile,
  });
}

/** Room to the right of the longest bar, for its label: a share of the bar. */
const LABEL_ROOM = 1.3;

function specOf(
  bars: readonly { value: number; name: string }[],
  unit: string | undefined,
  grouped: boolean,
): ChartSpec {
  const names = new Set(bars.map(({ name }) => name)).size;
  const longest = Math.max(...bars.map(({ value }) => value), 0);
  return {
    data: { values: bars },
    height: grouped ? names * 30 + bars.length * 22 : bars.length * 46,
    encoding: {
      y: {
        field: "name",
        type: "nominal",
        title: null,
        sort: null,
        scale: grouped ? { paddingInner: 0.3 } : undefined,
      },
      yOffset: grouped ? { field: "group", type: "nominal", sort: null } : undefined,
      x: {
        field: "value",
        type: "quantitative",
        title: unit ?? null,
        scale: { domain: [0, longest * LABEL_ROOM || 1], nice: false },
      },
    },
    layer: [
      {
        mark: grouped ? { type: "bar" } : { type: "bar", height: 26 },
        encoding: { color: { condition: { test: "datum.accent", value: "@ice" }, value: "@grey" } },
      },
      { mark: { type: "text", align: "left", dx: 6 }, encoding: { text: { field: "label" } } },
    ],
  };
}
