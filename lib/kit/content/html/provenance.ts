import type { CellRef, RecordedNotebook } from "../../notebook/index.js";
import { contentHash } from "../draw/cache.js";
import type { MilestoneContent } from "../model/inputs.js";
import { notebookPage } from "../model/site-map.js";
import { escapeHtml, relativeUrl } from "../text/escape.js";

/** The fragment of a cell on its notebook's page. */
export function cellAnchor(cell: CellRef): string {
  return `cell-${cell.id}`;
}

/** `Cell 12 of the M3 notebook · embedded profile · Node 20 · run 3fa9c1e2`: which cell of which run. */
export function provenanceText(owner: MilestoneContent, cell: CellRef): string {
  const number = cell.executionCount === null ? "A cell" : `Cell [${cell.executionCount}]`;
  const run = owner.recorded?.run;
  return [
    `${number} of the ${owner.milestone.label} notebook`,
    ...(run ? [`${run.profile} profile`, `Node ${run.node.replace(/^v/, "")}`] : []),
    ...(owner.recorded?.fingerprint ? [`run ${runId(owner.recorded)}`] : []),
  ].join(" · ");
}

/** Eight hex digits that name what a run was made from: the same code, data and versions give the same. */
export function runId(recorded: RecordedNotebook): string {
  const { environment: _, lake: __, ...made } = recorded.fingerprint ?? {};
  return contentHash(JSON.stringify(made)).slice(0, 8);
}

/** A link to a cell, for captions. */
export function provenanceHtml(owner: MilestoneContent, cell: CellRef, fromPage: string): string {
  const href = relativeUrl(fromPage, `${notebookPage(owner)}#${cellAnchor(cell)}`);
  return `<a class="provenance" href="${escapeHtml(href)}">${escapeHtml(provenanceText(owner, cell))}</a>`;
}

/** A number in a sentence: a link to its cell, with what stands behind it on hover and focus. */
export function factHtml(
  text: string,
  owner: MilestoneContent,
  cell: CellRef,
  fromPage: string,
  id: string,
  note?: string,
): string {
  const href = relativeUrl(fromPage, `${notebookPage(owner)}#${cellAnchor(cell)}`);
  const tip = [note, provenanceText(owner, cell)].filter((part) => part !== undefined).map(escapeHtml);
  return (
    `<span class="fact"><a href="${escapeHtml(href)}" aria-describedby="${id}">${escapeHtml(text)}</a>` +
    `<span class="tip" role="tooltip" id="${id}" data-pagefind-ignore>${tip.join("<br>")}</span></span>`
  );
}
