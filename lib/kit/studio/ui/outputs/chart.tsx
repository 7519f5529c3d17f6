/// <reference lib="dom" />

import { useEffect, useRef, useState } from "preact/hooks";
import type { ChartSpec } from "../../../look/index.js";
import { count } from "../base/figures.js";
import { inWords } from "../base/server.js";
import { theme } from "../base/theme.js";
import { useWatched } from "../base/watched.js";
import { Grid } from "./table.js";

interface ChartProps {
  readonly spec: ChartSpec;
  readonly alt: string;
  readonly title?: string | undefined;
}

const MOST_DATA_ROWS = 200;

/** A Vega-Lite chart as wide as there is room, in the theme of the page, with its data as a table to unfold. */
export function Chart({ spec, alt, title }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const shownTheme = useWatched(theme);
  const [width, setWidth] = useState(0);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    if (!box.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const { current } = box;
    if (!current || width === 0) return undefined;
    let end: (() => void) | undefined;
    let isGone = false;
    // Vega is large, and most notebooks are open for a while before their first chart.
    import("../chart/draw.js")
      .then(({ drawChart }) => drawChart(current, spec, { theme: shownTheme, width, alt }))
      .then((finish) => {
        setTrouble("");
        if (isGone) finish();
        else end = finish;
      })
      .catch((error: unknown) => setTrouble(inWords(error)));
    return () => {
      isGone = true;
      end?.();
    };
  }, [spec, shownTheme, width]);
  const { values } = (spec.data ?? {}) as { values?: unknown };
  const rows = Array.isArray(values)
    ? values.filter((row): row is Record<string, unknown> => row !== null && typeof row === "object")
    : [];
  const keys = Object.keys(rows[0] ?? {});
  return (
    <figure class="output chart">
      {title && <p class="chart-title">{title}</p>}
      <div class="plot" ref={box} />
      {trouble && <p class="trouble">The chart cannot be drawn: {trouble}</p>}
      {keys.length > 0 && (
        <details class="data">
          <summary>Data, {count(rows.length)} rows</summary>
          <Grid
            label={`Data of ${title ?? "the chart"}`}
            columns={keys.map((key) => ({
              label: key,
              align: typeof rows[0]?.[key] === "number" ? "right" : "left",
            }))}
            rows={rows.slice(0, MOST_DATA_ROWS).map((row) => keys.map((key) => row[key] ?? null))}
            foot={
              rows.length > MOST_DATA_ROWS ? `${count(rows.length - MOST_DATA_ROWS)} more rows` : undefined
            }
          />
        </details>
      )}
    </figure>
  );
}
