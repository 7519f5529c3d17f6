import { type ChartSpec, palettes, renderChart, type Theme, withTheme } from "../../look/index.js";
import type { RecordedFigure, TableValue } from "../../notebook/index.js";
import { type Cache, contentHash, packageVersion } from "../draw/cache.js";
import { escapeHtml } from "../text/escape.js";
import { formatValue } from "../text/format.js";
import { tableHtml } from "./table.js";

/**
 * Widths in px of whole drawings: for the column of a laptop, and for a phone of 360 px. A drawing that is scaled down
 * cannot be read, so each is made for its width; `.chart` in blog/styles changes from one to the other.
 */
const WIDE = 690;
const NARROW = 328;
/** Of a plot: what Vega-Lite takes where nothing else is said (chartTheme), and the least that shows anything. */
const PLOT = 560;
const LEAST_PLOT = 90;
/** What gives way before the plot does: a legend moves above it, its entries stand below one another. */
const TIGHT = { legend: { orient: "top", direction: "vertical", columns: 1, labelLimit: 280 } };
const MOST_DATA_ROWS = 60;

/** A chart drawn in a theme, through the cache. */
export async function drawChart(cache: Cache, spec: ChartSpec, theme: Theme): Promise<string> {
  const versions = [packageVersion("vega"), packageVersion("vega-lite")].join();
  const key = `chart-${contentHash(JSON.stringify(withTheme(spec, theme)), versions, "utc, Inter's widths")}.svg`;
  return cache.text(key, () => renderChart(spec, theme));
}

/**
 * A recorded figure for a page: title and text as HTML, so that they wrap and can be read aloud; the plot as SVG in
 * both themes, with a narrow drawing for phones; its data as a table to unfold.
 *
 * @param provenance HTML that says where the figure comes from.
 */
export async function chartHtml(cache: Cache, figure: RecordedFigure, provenance: string): Promise<string> {
  const { title, ...untitled } = figure.spec;
  const heading = figure.title ?? titleText(title);
  const [wide, narrow] = [await fitted(cache, untitled, WIDE), await fitted(cache, untitled, NARROW)];
  const drawn = (spec: ChartSpec, suffix: string) =>
    themed(cache, spec, figure.alt, `${figure.name}-${suffix}`);
  const plots =
    JSON.stringify(narrow) === JSON.stringify(wide)
      ? await drawn(wide, "w")
      : `<div class="wide-only">${await drawn(wide, "w")}</div><div class="narrow-only">${await drawn(narrow, "n")}</div>`;
  return (
    `<figure class="chart" id="figure-${escapeHtml(figure.name)}">` +
    (heading ? `<p class="chart-title">${escapeHtml(heading)}</p>` : "") +
    `<div class="plot">${plots}</div><figcaption>${provenance}</figcaption>${dataHtml(figure)}</figure>`
  );
}

/** Vega-Lite titles are a string, a list of lines, or an object with either. */
function titleText(title: unknown): string {
  if (typeof title === "string") return title;
  if (Array.isArray(title)) return title.join(" ");
  return title !== null && typeof title === "object" && "text" in title ? titleText(title.text) : "";
}

/** One drawing whose colours are CSS variables where the palette explains all of them; else one for each theme. */
async function themed(cache: Cache, spec: ChartSpec, alt: string, id: string): Promise<string> {
  const light = readable(await drawChart(cache, spec, "light"));
  const roles = new Map(
    Object.entries(palettes.light).map(([role, hex]) => [
      hex.toLowerCase(),
      `var(--${role.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)})`,
    ]),
  );
  const painted = light.replace(/#[0-9a-f]{6}\b/gi, (hex) => roles.get(hex.toLowerCase()) ?? hex);
  if (!/#[0-9a-f]{3,6}\b|rgba?\(|hsl/i.test(painted.replace(/url\(#[^)]*\)|href="#[^"]*"/g, ""))) {
    return inlineSvg(painted, alt, id);
  }
  const dark = readable(await drawChart(cache, spec, "dark"));
  return `<div class="only-light">${inlineSvg(light, alt, `${id}-l`)}</div><div class="only-dark">${inlineSvg(dark, alt, `${id}-d`)}</div>`;
}

/**
 * Turns the labels that Vega gives its marks into titles: a browser shows them on hover. The drawing as a whole has a
 * text of its own, so what is left of them inside would only be noise.
 */
function readable(svg: string): string {
  return svg
    .replace(/<path aria-label="([^"]*)"([^>]*)\/>/g, "<path$2><title>$1</title></path>")
    .replace(/ (?:role="graphics-[^"]*"|aria-roledescription="[^"]*"|aria-label="[^"]*")/g, "");
}

/** An SVG that may stand in a page beside others: its ids are its own, it has a text, and it shrinks with the page. */
export function inlineSvg(svg: string, alt: string, id: string): string {
  const prefix = `${id.replace(/[^\w-]/g, "-")}-`;
  return svg
    .replace(/^[\s\S]*?(?=<svg)/, "")
    .replace(/\bid="([^"]+)"/g, `id="${prefix}$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${prefix}$1)`)
    .replace(/((?:xlink:)?href)="#([^"]+)"/g, `$1="#${prefix}$2"`)
    .replace("<svg", `<svg role="img" aria-label="${escapeHtml(alt)}"`);
}

/**
 * The same chart in a drawing of at most so many px, where its width is one number that can be another. What labels take
 * beside the plot comes off the plot.
 */
async function fitted(cache: Cache, spec: ChartSpec, most: number): Promise<ChartSpec> {
  if ((await drawnWidth(cache, spec)) <= most) return spec;
  const composed = ["hconcat", "vconcat", "concat", "facet", "repeat"].some((key) => key in spec);
  const { width: wanted = PLOT } = spec;
  if (composed || typeof wanted !== "number") return spec;
  const config = { ...TIGHT, ...((spec.config as object | undefined) ?? {}) };
  let width = Math.min(wanted, most);
  // A narrower plot may leave its labels further out, so this takes some steps.
  for (let over = 1; over > 0 && width > LEAST_PLOT; ) {
    over = Math.ceil((await drawnWidth(cache, { ...spec, config, width })) - most);
    width = Math.max(LEAST_PLOT, width - Math.max(0, over));
  }
  return { ...spec, config, width };
}

async function drawnWidth(cache: Cache, spec: ChartSpec): Promise<number> {
  return Number(/<svg[^>]*? width="([\d.]+)"/.exec(await drawChart(cache, spec, "light"))?.[1] ?? 0);
}

/** The figure's own data, when it has some, as a table to unfold. */
function dataHtml(figure: RecordedFigure): string {
  const data = figure.spec.data as { values?: unknown } | undefined;
  if (!Array.isArray(data?.values)) return "";
  const records = data.values.filter(
    (row): row is Record<string, unknown> => row !== null && typeof row === "object",
  );
  const keys = Object.keys(records[0] ?? {});
  if (keys.length === 0) return "";
  const shown = records.slice(0, MOST_DATA_ROWS);
  const toValue = (value: unknown): TableValue =>
    value === null || ["number", "string", "boolean"].includes(typeof value)
      ? (value as TableValue)
      : JSON.stringify(value);
  const table = tableHtml({
    name: figure.name,
    caption: `Data of ${figure.title ?? figure.name}`,
    columns: keys.map((key) => ({
      key,
      label: key,
      align: typeof records[0]?.[key] === "number" ? "right" : "left",
    })),
    rows: shown.map((row) => keys.map((key) => toValue(row[key] ?? null))),
    totalRows: records.length,
    volatile: figure.volatile,
    cell: figure.cell,
  });
  return `<details class="data"><summary>Data, ${formatValue(records.length)} rows</summary>${table}</details>`;
}
