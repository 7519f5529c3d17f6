import { stripVTControlCharacters } from "node:util";
import {
  type Output,
  RECORD_MIME,
  type RecordedCell,
  type RecordedCheck,
  type RecordedFact,
  type RecordedNotebook,
  type RecordedSample,
  type RecordKind,
} from "../../notebook/index.js";
import { type Cache, contentHash } from "../draw/cache.js";
import { INSIDE_PAGE, sampleAnchor } from "../model/site-map.js";
import { escapeHtml } from "../text/escape.js";
import { formatFact, formatValue } from "../text/format.js";
import { chartHtml } from "./chart.js";
import { inertHtml } from "./clean.js";
import type { Highlighter } from "./code.js";
import type { Rendered, RenderOptions } from "./markdown.js";
import { tableHtml } from "./table.js";

/** What pages are made with. */
export interface Tools {
  readonly cache: Cache;
  readonly highlighter: Highlighter;
  readonly markdown: (text: string, options?: RenderOptions) => Rendered;
}

/** Text outputs longer than this many lines are folded. */
const FOLD_LINES = 18;

type Bundle = Readonly<Record<string, unknown>>;

interface Shown {
  readonly data: Bundle;
  /** Tells the output from all others of the notebook. */
  readonly id: string;
  readonly recorded: RecordedNotebook;
  readonly tools: Tools;
  readonly ids: RenderOptions["ids"];
}

/** How a page shows what was recorded by name. A kind that lacks what it needs is shown by its other forms. */
const RECORDS: Readonly<
  Record<RecordKind, (shown: Shown, record: never) => Promise<string> | string | undefined>
> = {
  fact: (_, fact: RecordedFact) => `<dl class="facts">${factLine(fact)}</dl>`,
  figure: ({ recorded, tools }, { name }: { name: string }) => {
    const figure = recorded.figures.get(name);
    return figure && chartHtml(tools.cache, figure, escapeHtml(figure.alt));
  },
  table: ({ recorded }, { name }: { name: string }) => {
    const table = recorded.tables.get(name);
    return table && tableHtml(table);
  },
  // The pages that show cells lie one folder down.
  sample: (_, { name, title }: RecordedSample) => {
    const href = escapeHtml(`../${INSIDE_PAGE}#${sampleAnchor(name)}`);
    return `<p class="output">${escapeHtml(title)}: <a href="${href}">look inside <code>${escapeHtml(name)}.parquet</code></a></p>`;
  },
  predict: ({ data }) => `<div class="predict">${inertHtml(asText(data["text/html"]))}</div>`,
  check: ({ data }, { state }: RecordedCheck) =>
    `<div class="check ${escapeHtml(state)}">${inertHtml(asText(data["text/html"]))}</div>`,
};

const picture = (mime: string, base64: string, { data }: Shown) =>
  `<div class="output picture"><img src="data:${mime};base64,${base64.replace(/[^A-Za-z0-9+/=]/g, "")}" alt="${escapeHtml(asText(data["text/plain"]) || "Picture made by this cell")}"></div>`;

/** How a page shows the forms of an output, the best first; forms that are not listed are never shown. */
const MIME_TYPES: Readonly<Record<string, (value: string, shown: Shown) => string>> = {
  // As a picture it can neither run nor load anything. Drawn for paper: on the dark page it keeps a light ground.
  "image/svg+xml": (svg, shown) => picture("image/svg+xml", Buffer.from(svg).toString("base64"), shown),
  "image/png": (base64, shown) => picture("image/png", base64, shown),
  "image/jpeg": (base64, shown) => picture("image/jpeg", base64, shown),
  "text/html": (html) => `<div class="output html">${inertHtml(html)}</div>`,
  "text/markdown": (markdown, { id, tools, ids }) => {
    const idPrefix = `o${contentHash(id).slice(0, 6)}-`;
    return `<div class="output html">${inertHtml(tools.markdown(markdown, { top: 3, idPrefix, ids }).html)}</div>`;
  },
  "text/plain": (text) => textHtml(text),
};

/**
 * A cell's outputs; neighbouring facts share one list, neighbouring text one block.
 *
 * @param ids of those that are on the page already.
 */
export async function outputsHtml(
  cell: RecordedCell,
  recorded: RecordedNotebook,
  tools: Tools,
  ids?: RenderOptions["ids"],
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
    const fact = "data" in output ? (output.data[RECORD_MIME.fact] as RecordedFact | undefined) : undefined;
    if (fact) {
      if (text !== "") flush();
      facts.push(factLine(fact));
    } else if (output.output_type === "stream") {
      if (facts.length > 0) flush();
      text += output.text;
    } else {
      flush();
      parts.push(await outputHtml(output, { id: `${cell.ref.id}-${index}`, recorded, tools, ids }));
    }
  }
  flush();
  return parts.filter(Boolean).join("\n");
}

function factLine(fact: RecordedFact): string {
  const shown = formatFact(fact);
  const value = "text" in shown ? shown.text : String(fact.value);
  const notes = [fact.note, fact.volatile ? "measured on this run" : undefined].filter(Boolean).join("; ");
  return `<div id="fact-${escapeHtml(fact.name)}"><dt><code>${escapeHtml(fact.name)}</code></dt><dd>${escapeHtml(value)}${notes ? ` <small>${escapeHtml(notes)}</small>` : ""}</dd></div>`;
}

async function outputHtml(output: Output, at: Omit<Shown, "data">): Promise<string> {
  if (output.output_type === "stream") return textHtml(output.text);
  if (output.output_type === "error") {
    const trace =
      output.traceback.length > 0 ? output.traceback.join("\n") : `${output.ename}: ${output.evalue}`;
    return `<div class="output error" role="note">${textHtml(trace)}</div>`;
  }
  const shown: Shown = { ...at, data: output.data };
  for (const [kind, mime] of Object.entries(RECORD_MIME) as [RecordKind, string][]) {
    const record = output.data[mime];
    const html = record === undefined ? undefined : await RECORDS[kind](shown, record as never);
    if (html) return html;
  }
  const best = Object.keys(MIME_TYPES).find((mime) => mime in output.data);
  return best === undefined ? "" : (MIME_TYPES[best]?.(asText(output.data[best]), shown) ?? "");
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
