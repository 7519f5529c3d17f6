import { RECORD_MIME, type RecordedCell, type RecordedNotebook } from "../../notebook/index.js";
import { escapeHtml } from "../text/escape.js";
import type { Rendered } from "./markdown.js";
import { notebookTexts, type TextOptions } from "./notebook-text.js";
import { outputsHtml, type Tools } from "./outputs.js";
import { cellAnchor } from "./provenance.js";

/** An executed notebook as the body of a page: one section a cell, each with its anchor. */
export async function notebookHtml(
  recorded: RecordedNotebook,
  tools: Tools,
  options: TextOptions,
): Promise<Rendered> {
  const texts = notebookTexts(recorded, tools.markdown, options);
  const parts: string[] = [];
  for (const [index, cell] of recorded.cells.entries()) {
    if (cell.type === "raw") continue;
    const id = escapeHtml(cellAnchor(cell.ref));
    if (cell.type === "markdown") {
      const html = texts.get(index)?.html ?? "";
      if (html.trim()) parts.push(`<section class="cell text" id="${id}">${html}</section>`);
      continue;
    }
    const outputs = await outputsHtml(cell, recorded, tools);
    parts.push(
      `<section class="cell" id="${id}" aria-label="${escapeHtml(cellName(cell))}">${codeHtml(cell, recorded, tools)}` +
        `${outputs ? `<div class="outputs">${outputs}</div>` : ""}</section>`,
    );
  }
  return { html: parts.join("\n"), headings: [...texts.values()].flatMap(({ headings }) => headings) };
}

function cellName(cell: RecordedCell): string {
  return cell.ref.executionCount === null ? "Code cell" : `Cell ${cell.ref.executionCount}`;
}

function codeHtml(cell: RecordedCell, recorded: RecordedNotebook, tools: Tools): string {
  const source = cell.source.trimEnd();
  if (source === "") return "";
  const count = cell.ref.executionCount;
  const anchor = escapeHtml(cellAnchor(cell.ref));
  const number = `<a class="count" href="#${anchor}" aria-label="Link to ${cellName(cell).toLowerCase()}">[${count ?? " "}]</a>`;
  const code = `<div class="source">${number}${tools.highlighter.code(source, "typescript")}</div>`;
  const fold = foldedAs(cell, recorded);
  return fold === undefined ? code : `<details class="folded"><summary>${fold}</summary>${code}</details>`;
}

/** What a cell's code is folded under: the code of a prediction has its answer in it, a solution gives the game away. */
function foldedAs(cell: RecordedCell, recorded: RecordedNotebook): string | undefined {
  if (cell.tags.some((tag) => tag.startsWith("solution:"))) return "Solution";
  const predicts = cell.outputs.some(
    (output) => output.output_type === "display_data" && RECORD_MIME.predict in output.data,
  );
  const jupyter = recorded.notebook.cells[cell.ref.index]?.metadata.jupyter as
    | { source_hidden?: unknown }
    | undefined;
  return predicts || jupyter?.source_hidden === true ? "Code" : undefined;
}
