import { contentInvalid } from "../errors.js";
import { textWidth } from "./text-width.js";
import { type ColourRole, palettes, type Theme, type } from "./tokens.js";

/** A Vega-Lite specification, as plain JSON. */
export type ChartSpec = Readonly<Record<string, unknown>>;

/**
 * The Vega-Lite theme. One series is ice; `"style": "before"` on a mark makes it grey and `"style": "after"` ice;
 * a colour scale starts ice, grey. Titles sit left, grid lines are hairlines, legends are off unless asked for.
 */
export function chartTheme(theme: Theme): ChartSpec {
  const p = palettes[theme];
  return {
    background: p.paper,
    font: type.text,
    padding: 8,
    view: {
      stroke: null,
      continuousWidth: 560,
      continuousHeight: 280,
      discreteWidth: 560,
      discreteHeight: 280,
    },
    title: {
      anchor: "start",
      frame: "group",
      color: p.ink,
      fontSize: 16,
      fontWeight: 600,
      offset: 16,
      subtitleColor: p.inkSoft,
      subtitleFontSize: 13,
      subtitlePadding: 6,
    },
    axis: {
      domainColor: p.grey,
      gridColor: p.line,
      tickColor: p.grey,
      tickSize: 4,
      labelColor: p.inkSoft,
      labelFontSize: 12,
      labelPadding: 6,
      titleColor: p.inkSoft,
      titleFontSize: 12,
      titleFontWeight: 500,
      titlePadding: 10,
    },
    axisBand: { grid: false, ticks: false },
    axisTemporal: { grid: false },
    axisQuantitative: { domain: false, ticks: false, tickCount: 5 },
    header: {
      labelColor: p.inkSoft,
      labelFontSize: 12,
      titleColor: p.inkSoft,
      titleFontSize: 12,
      titleFontWeight: 500,
    },
    legend: {
      labelColor: p.inkSoft,
      labelFontSize: 12,
      titleColor: p.inkSoft,
      titleFontSize: 12,
      titleFontWeight: 500,
    },
    mark: { color: p.ice },
    bar: { color: p.ice, cornerRadiusEnd: 2 },
    line: { color: p.ice, strokeWidth: 2 },
    area: { color: p.ice, fillOpacity: 0.2, line: { color: p.ice } },
    point: { color: p.ice, filled: true, size: 36 },
    rule: { color: p.grey },
    text: { color: p.ink, fontSize: 13, fontWeight: 500 },
    style: { before: { fill: p.grey, stroke: null }, after: { fill: p.ice, stroke: null } },
    range: {
      category: [p.ice, p.grey, p.teal, p.amber, p.red, p.green],
      ordinal: { scheme: "blues" },
      ramp: [p.wash, p.ice],
      heatmap: [p.wash, p.ice],
      diverging: [p.amber, p.line, p.ice],
    },
  };
}

/**
 * A specification in a theme: `"@ice"`, `"@grey"`, `"@inkSoft"`… become that role's colour, and the theme goes below
 * the specification's own `config`, so a chart may still differ where it must.
 *
 * @example withTheme({ mark: { type: "bar", color: "@teal" }, … }, "dark")
 */
export function withTheme(spec: ChartSpec, theme: Theme): ChartSpec {
  const painted = paint(spec, theme) as Record<string, unknown>;
  return { ...painted, config: merge(chartTheme(theme), (painted.config ?? {}) as ChartSpec) };
}

/** What Vega exports and its types forget. */
interface Untyped {
  resetSVGDefIds(): void;
  readonly textMetrics: { width: typeof textWidth };
}

/**
 * Draws a Vega-Lite specification as SVG, in a theme. The same specification gives the same bytes.
 *
 * @throws CONTENT_INVALID when Vega-Lite rejects the specification.
 */
export async function renderChart(spec: ChartSpec, theme: Theme): Promise<string> {
  // Loaded on first use: the two libraries take about half a second, and most commands draw nothing.
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  try {
    // Our type is plain JSON; compile() is where Vega-Lite itself judges it.
    const compiled = vegaLite.compile(
      withTheme(inUtc(spec) as ChartSpec, theme) as unknown as Parameters<typeof vegaLite.compile>[0],
      {
        logger: vega.logger(vega.None),
      },
    );
    // Vega numbers clip paths and gradients across drawings.
    const { resetSVGDefIds, textMetrics } = vega as unknown as Untyped;
    resetSVGDefIds();
    textMetrics.width = textWidth;
    const view = new vega.View(vega.parse(compiled.spec), {
      renderer: "none",
      logger: vega.logger(vega.None),
    });
    const svg = await view.toSVG();
    view.finalize();
    return svg;
  } catch (cause) {
    throw contentInvalid(
      typeof spec.title === "string" ? spec.title : "chart",
      `Vega-Lite rejects the chart: ${cause instanceof Error ? cause.message : String(cause)}.`,
      "Correct the specification given to figure().",
      cause,
    );
  }
}

/** Channels that may have a scale of their own. */
const SCALED = new Set(["x", "y", "color", "fill", "stroke", "size", "opacity", "xOffset", "yOffset"]);

/**
 * The specification with its times in UTC, so that a chart does not depend on where it is drawn: temporal channels
 * get a UTC scale and unit, and a time without zone is taken as UTC.
 */
function inUtc(value: unknown, channel = ""): unknown {
  if (typeof value === "string") {
    return /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/.test(value)
      ? `${value.replace(" ", "T")}Z`
      : value;
  }
  if (Array.isArray(value)) return value.map((item) => inUtc(item, channel));
  if (!isObject(value)) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inUtc(item, key)]));
  const { timeUnit, scale } = copy;
  if (typeof timeUnit === "string" && !timeUnit.startsWith("utc")) copy.timeUnit = `utc${timeUnit}`;
  if (copy.type === "temporal" && SCALED.has(channel) && scale !== null) {
    copy.scale = { type: "utc", ...(isObject(scale) ? scale : {}) };
  }
  return copy;
}

function paint(value: unknown, theme: Theme): unknown {
  if (typeof value === "string" && value.startsWith("@")) {
    return palettes[theme][value.slice(1) as ColourRole] ?? value;
  }
  if (Array.isArray(value)) return value.map((item) => paint(item, theme));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, paint(item, theme)]));
  }
  return value;
}

function merge(base: ChartSpec, over: ChartSpec): ChartSpec {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    merged[key] = isObject(value) && isObject(base[key]) ? merge(base[key], value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is ChartSpec {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
