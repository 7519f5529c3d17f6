import { stripVTControlCharacters } from "node:util";
import {
  type Output,
  RECORD_MIME,
  type RecordedCell,
  type RecordedNotebook,
  VEGA_LITE_MIME,
} from "../../notebook/index.js";
import { type Cache, contentHash } from "../draw/cache.js";
import { escapeHtml } from "../text/escape.js";
import { formatFact, formatValue } from "../text/format.js";
import { chartHtml, inlineSvg } from "./chart.js";
import type { Highlighter } from "./code.js";
import type { Heading, Rendered, RenderOptions } from "./markdown.js";
import { cellAnchor } from "./provenance.js";
import { tableHtml } from "./table.js";

/** What pages are made with. */
export interface Tools {
  readonly cache: Cache;
  readonly highlighter: Highlighter;
  readonly markdown: (text: string, options?: RenderOptions) => Rendered;
}

/** Text outputs longer than this many lines are folded. */
const FOLD_LINES = 18;

/** An executed notebook as the body of a page: one section a cell, each with its anchor. */
export async function notebookHtml(
  recorded: RecordedNotebook,
  tools: Tools,
  link: (href: string) => string | undefined,
): Promise<Rendered> {
  const headings: Heading[] = [];
  const parts: string[] = [];
  for (const [index, cell] of recorded.cells.entries()) {
    if (cell.type === "raw") continue;
    const id = escapeHtml(cellAnchor(cell.ref));
    if (cell.type === "markdown") {
      // The page has the notebook's title already.
      const source = index === 0 ? cell.source.replace(/^\s*# .*\n?/, "") : cell.source;
      const rendered = tools.markdown(source, { link, idPrefix: headings.length === 0 ? "" : `s${index}-` });
      headings.push(...rendered.headings);
      if (rendered.html.trim())
        parts.push(`<section class="cell text" id="${id}">${rendered.html}</section>`);
      continue;
    }
    const outputs = await outputsHtml(cell, recorded, tools);
    parts.push(
      `<section class="cell" id="${id}" aria-label="${escapeHtml(cellName(cell))}">${codeHtml(cell, recorded, tools)}` +
        `${outputs ? `<div class="outputs">${outputs}</div>` : ""}</section>`,
    );
  }
  return { html: parts.join("\n"), headings };
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

/** A cell's outputs; neighbouring facts share one list, neighbouring text one block. */
export async function outputsHtml(
  cell: RecordedCell,
  recorded: RecordedNotebook,
  tools: Tools,
): Promise<string> {
  const parts: string[] = [];
  let facts: string[] = [];
  let text = "";
  const flush = () => {
    if (facts.length > 0) parts.push(`<dl class="facts">${facts.join("")}</dl>`);
    if (text.trim() !== "") parts.push(textHtml(text));
    facts = [];
    text = "";
  };
  for (const [index, output] of cell.outputs.entries()) {
    const fact = factLine(output);
    if (fact !== undefined) {
      if (text !== "") flush();
      facts.push(fact);
    } else if (output.output_type === "stream") {
      if (facts.length > 0) flush();
      text += output.text;
    } else {
      flush();
      parts.push(await outputHtml(output, `${cell.ref.id}-${index}`, recorded, tools));
    }
  }
  flush();
  return parts.filter(Boolean).join("\n");
}

function factLine(output: Output): string | undefined {
  if (output.output_type !== "display_data") return undefined;
  const fact = output.data[RECORD_MIME.fact] as
    | (Parameters<typeof formatFact>[0] & { name: string; note?: string; volatile?: boolean })
    | undefined;
  if (!fact) return undefined;
  const shown = formatFact(fact);
  const value = "text" in shown ? shown.text : String(fact.value);
  const notes = [fact.note, fact.volatile ? "measured on this run" : undefined].filter(Boolean).join("; ");
  return `<div id="fact-${escapeHtml(fact.name)}"><dt><code>${escapeHtml(fact.name)}</code></dt><dd>${escapeHtml(value)}${notes ? ` <small>${escapeHtml(notes)}</small>` : ""}</dd></div>`;
}

async function outputHtml(
  output: Output,
  id: string,
  recorded: RecordedNotebook,
  tools: Tools,
): Promise<string> {
  if (output.output_type === "stream") return textHtml(output.text);
  if (output.output_type === "error") {
    const trace =
      output.traceback.length > 0 ? output.traceback.join("\n") : `${output.ename}: ${output.evalue}`;
    return `<div class="output error" role="note">${textHtml(trace)}</div>`;
  }
  const { data } = output;
  const figure = data[RECORD_MIME.figure] as { name: string } | undefined;
  const drawn = figure && recorded.figures.get(figure.name);
  if (drawn) return chartHtml(tools.cache, drawn, escapeHtml(drawn.alt));
  const table = data[RECORD_MIME.table] as { name: string } | undefined;
  const rows = table && recorded.tables.get(table.name);
  if (rows) return tableHtml(rows);
  const predict = data[RECORD_MIME.predict];
  if (predict) return `<div class="predict">${asText(data["text/html"])}</div>`;
  const check = data[RECORD_MIME.check] as { state: string } | undefined;
  if (check) return `<div class="check ${escapeHtml(check.state)}">${asText(data["text/html"])}</div>`;
  if ("image/svg+xml" in data) {
    const alt = (data[VEGA_LITE_MIME] as { description?: unknown } | undefined)?.description;
    // Drawn for paper: on the dark page it keeps a light ground.
    return `<div class="output picture">${inlineSvg(asText(data["image/svg+xml"]), asText(alt) || asText(data["text/plain"]) || "Picture made by this cell", id)}</div>`;
  }
  for (const mime of ["image/png", "image/jpeg"]) {
    if (mime in data) {
      const alt = asText(data["text/plain"]) || "Picture made by this cell";
      return `<div class="output picture"><img src="data:${mime};base64,${asText(data[mime]).replace(/\s/g, "")}" alt="${escapeHtml(alt)}"></div>`;
    }
  }
  if ("text/html" in data) return `<div class="output html">${inertHtml(asText(data["text/html"]))}</div>`;
  if ("text/markdown" in data) {
    return `<div class="output html">${tools.markdown(asText(data["text/markdown"]), { demote: 2, idPrefix: `o${contentHash(id).slice(0, 6)}-` }).html}</div>`;
  }
  return "text/plain" in data ? textHtml(asText(data["text/plain"])) : "";
}

/** HTML that a cell displayed, without what would run or load something on the reader's page. */
function inertHtml(html: string): string {
  return html
    .replace(/<(script|iframe|object|embed)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, "")
    .replace(/<(?:link|base|meta)\b[^>]*>/gi, "")
    .replace(/\son[a-z]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi, "");
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : Array.isArray(value) ? value.join("") : "";
}

/** Plain text, without terminal colours; the rest of a long one is folded below its beginning. */
function textHtml(text: string): string {
  const lines = stripVTControlCharacters(text).trimEnd().split("\n");
  const pre = (part: readonly string[]) => `<pre tabindex="0">${escapeHtml(part.join("\n"))}</pre>`;
  if (lines.length <= FOLD_LINES) return `<div class="output">${pre(lines)}</div>`;
  const more = formatValue(lines.length - 8);
  return `<div class="output">${pre(lines.slice(0, 8))}<details><summary>${more} more lines</summary>${pre(lines.slice(8))}</details></div>`;
}
