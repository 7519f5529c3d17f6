import type { Cell, RecordedNotebook } from "../../notebook/index.js";
import type { Rendered, RenderOptions } from "./markdown.js";

/** Where links of a notebook's text lead, and what its pictures become. */
export type TextOptions = Pick<RenderOptions, "link"> & {
  readonly picture?: ((src: string, alt: string, cell: Cell) => string | undefined) | undefined;
};

/** A notebook's Markdown cells as HTML, by position. Their headings share one page. */
export function notebookTexts(
  { notebook }: RecordedNotebook,
  markdown: (text: string, options?: RenderOptions) => Rendered,
  { link, picture }: TextOptions = {},
): ReadonlyMap<number, Rendered> {
  const ids = new Map<string, number>();
  const texts = new Map<number, Rendered>();
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== "markdown") continue;
    // The page has the notebook's title already.
    const source = index === 0 ? cell.source.replace(/^\s*# .*\n?/, "") : cell.source;
    texts.set(
      index,
      markdown(source, { link, picture: picture && ((src, alt) => picture(src, alt, cell)), ids }),
    );
  }
  return texts;
}
