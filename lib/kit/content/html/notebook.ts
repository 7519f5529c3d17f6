import { isFolded, RECORD_MIME, type RecordedCell, type RecordedNotebook } from "../../notebook/index.js";
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
  const ids = new Map<string, number>();
  for (const [index, cell] of recorded.cells.entries()) {
    if (cell.type === "raw") continue;
    const id = escapeHtml(cellAnchor(cell.ref));
    if (cell.type === "markdown") {
      const html = texts.get(index)?.html ?? "";
      if (html.trim()) parts.push(`<section class="cell text" id="${id}">${html}</section>`);
      continue;
    }
    const outputs = await outputsHtml(cell, recorded, tools, ids);
    parts.push(
      `<section class="cell" id="${id}" aria-label="${escapeHtml(cellName(cell))}">${codeHtml(cell, recorded, tools)}` +
        `${outputs ? `<div class="outputs">${outputs}</div>` : ""}</section>`,
    );
  }
  return { html: parts.join("\n"), headings: [...texts.values()].flatMap(({ headings }) => headings) };
}

function cellName(cell: RecordedCell): string {
  return cell.ref.executionCount === null
    ? `Code cell ${cell.ref.index + 1}`
    : `Cell ${cell.ref.executionCount}`;
}

function codeHtml(cell: RecordedCell, recorded: RecordedNotebook, tools: Tools): string {
  const source = cell.source.trimEnd();
  if (source === "") return "";
  const count = cell.ref.executionCount;
  const anchor = escapeHtml(cellAnchor(cell.ref));
  const number = `<a class="count" href="#${anchor}" aria-label="Link to ${cellName(cell).toLowerCase()}">[${count ?? " "}]</a>`;
  const code = `<div class="source">${number}${tools.highlighter.code(source, "typescript")}</div>`;
  if (!isFolded(recorded.notebook.cells[cell.ref.index] ?? { metadata: {} })) return code;
  return `<details class="folded"><summary>${escapeHtml(foldSummary(cell))}</summary>${code}</details>`;
}

/** The one line under which a cell's code is folded: the comment that it begins with, or what it records. */
function foldSummary({ tags, source, outputs }: RecordedCell): string {
  if (tags.some((tag) => tag.startsWith("solution:"))) return "Solution";
  const lines = source.trim().split("\n");
  const said = /^\/\/ (.+)/.exec(lines[0] ?? "")?.[1];
  const kinds = [
    ["fact", "facts"],
    ["table", "tables"],
    ["figure", "charts"],
  ] as const;
  const recorded = kinds.flatMap(([kind, many]) => {
    const count = outputs.filter((output) => "data" in output && RECORD_MIME[kind] in output.data).length;
    return count === 0 ? [] : [count === 1 ? `a ${many.slice(0, -1)}` : `${count} ${many}`];
  });
  const what = said ?? (recorded.length > 0 ? `Code that records ${listed(recorded)}` : "Code");
  return lines.length < 3 ? what : `${what}, ${lines.length} lines`;
}

/** Words as a list that is read aloud: "a, b and c". */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
