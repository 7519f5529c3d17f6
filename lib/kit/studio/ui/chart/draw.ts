/// <reference lib="dom" />
import * as vega from "vega";
import { compile } from "vega-lite";
import { type ChartSpec, type Theme, withTheme } from "../../../look/index.js";
import { interpreter } from "./interpret.js";

interface Drawing {
  readonly theme: Theme;
  /** Room for the drawing, in px. */
  readonly width: number;
  readonly alt: string;
}

/** Wider than that, a chart of a few bars says no more. */
const WIDEST = 680;

const COMPOSED = ["hconcat", "vconcat", "concat", "facet", "repeat", "spec"];

/**
 * Draws a Vega-Lite specification into a box.
 *
 * @returns what ends it
 */
export async function drawChart(
  box: HTMLElement,
  spec: ChartSpec,
  { theme, width, alt }: Drawing,
): Promise<() => void> {
  const { title: _, ...untitled } = spec;
  const fitted = COMPOSED.some((key) => key in spec)
    ? untitled
    : {
        ...untitled,
        width: Math.min(width, WIDEST),
        autosize: { type: "fit-x", contains: "padding", resize: true },
      };
  const logger = vega.logger(vega.None);
  const compiled = compile(withTheme(fitted, theme) as unknown as Parameters<typeof compile>[0], { logger });
  const parsed = vega.parse(compiled.spec, undefined, { ast: true } as never);
  const view = new vega.View(parsed, {
    container: box,
    renderer: "svg",
    hover: true,
    logger,
    expr: interpreter,
  } as unknown as vega.ViewOptions);
  await view.runAsync();
  const svg = box.querySelector("svg");
  svg?.setAttribute("role", "img");
  svg?.setAttribute("aria-label", alt);
  // Vega names each mark for a screen reader: beside a text of the whole that is noise.
  for (const part of svg?.querySelectorAll("[role], [aria-label]") ?? []) {
    for (const name of ["role", "aria-label", "aria-roledescription"]) part.removeAttribute(name);
  }
  return () => {
    view.finalize();
    box.replaceChildren();
  };
}
