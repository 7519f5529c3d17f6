import type { Check } from "../checks/types.js";
import type { PastResult } from "../history.js";
import type { CheckReport, CheckResult, JsonRow, Outcome } from "../run/report.js";
import { escapeHtml } from "./escape.js";
import { STYLE } from "./style.js";
import { trend } from "./trend.js";

const ORDER: readonly Outcome[] = ["fail", "warn", "pass"];
const WORDS: Readonly<Record<Outcome, string>> = { fail: "failed", warn: "warned", pass: "passed" };

/**
 * A report as a page of HTML that stands alone: nothing is loaded, and no script runs. What failed comes first.
 *
 * @param past earlier results of the same table, newest first; those of the report's own run are left out.
 */
export function reportPage(report: CheckReport, past: readonly PastResult[]): string {
  const earlier = past.filter(({ run, scope }) => run !== report.run && scope === report.scope);
  const sorted = ORDER.flatMap((outcome) => report.results.filter((result) => result.outcome === outcome));
  const title = titleOf(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(`${report.table}: ${title}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="table">${escapeHtml(report.table)}</p>
<h1>${escapeHtml(title)}</h1>
<p class="facts">${factsOf(report)
    .map((fact) => `<span>${escapeHtml(fact)}</span>`)
    .join("")}</p>
<div class="strip" aria-hidden="true">${sorted.map(({ outcome }) => `<i class="${outcome}"></i>`).join("")}</div>
<ul class="counts">${countsOf(report)}</ul>
${sorted.map((result) => section(result, earlier)).join("\n")}
<footer>Run ${escapeHtml(report.run)}</footer>
</main>
</body>
</html>
`;
}

function titleOf({ results }: CheckReport): string {
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length;
  const [failed, warned] = [count("fail"), count("warn")];
  if (failed === 1 && results.length === 1) return "The one check failed";
  if (failed > 0) return `${failed} of ${results.length} checks failed`;
  if (warned > 0) return `No check failed, ${warned === 1 ? "one warned" : `${warned} warned`}`;
  return results.length === 1 ? "The one check passed" : `All ${results.length} checks passed`;
}

function factsOf({ ref, scope, snapshot, since, at, milliseconds }: CheckReport): string[] {
  const came = since === undefined ? "the first rows" : `rows that came since snapshot ${since}`;
  const rows = { table: "all rows", new: came, batch: "a batch of rows" }[scope];
  return [
    ...(ref === undefined ? [] : [`on ${ref}`]),
    rows,
    ...(snapshot === undefined ? [] : [`snapshot ${snapshot}`]),
    at.replace("T", " ").replace(/\.\d+Z$/, " UTC"),
    `${milliseconds.toLocaleString("en-US")} ms`,
  ];
}

function countsOf({ results }: CheckReport): string {
  return ORDER.map((outcome) => {
    const count = results.filter((result) => result.outcome === outcome).length;
    return count === 0 ? "" : `<li class="${outcome}"><b>${count}</b> ${WORDS[outcome]}</li>`;
  }).join("");
}

function section(result: CheckResult, earlier: readonly PastResult[]): string {
  const { check, outcome, message, samples, failing } = result;
  const about = [
    check.where === undefined ? undefined : `where ${check.where}`,
    check.severity === "warn" ? "warns only" : undefined,
    allowed(result),
  ].filter((each) => each !== undefined);
  return `<section class="check ${outcome}">
<span class="state">${WORDS[outcome]}</span>
<div><h2>${escapeHtml(check.name)}</h2><p class="said">${escapeHtml(message)}</p>${[check.description, about.join("; ")].map(paragraph).join("")}</div>
${trend(result, earlier)}
${samples.length === 0 ? "" : sampleTable(samples, namesIn(check), outcome === "fail", failing)}</section>`;
}

function paragraph(text: string | undefined): string {
  return text === undefined || text === "" ? "" : `<p class="about">${escapeHtml(text)}</p>`;
}

/** The columns that a check is about, without what leads into structs. */
function namesIn(check: Check): readonly string[] {
  if ("column" in check) return [topOf(check.column)];
  return "columns" in check && check.kind !== "types" ? check.columns.map(topOf) : [];
}

function allowed({ check: { allow } }: CheckResult): string | undefined {
  if (allow === undefined) return undefined;
  return "rows" in allow
    ? `${allow.rows} rows are let through`
    : `${Number((allow.fraction * 100).toPrecision(6))} % of rows are let through`;
}

function topOf(column: string): string {
  return column.replace(/\..*/, "");
}

/** The columns of the rows, those that the check is about first: of many, who looks would have to search for them. */
function sampleTable(
  samples: readonly JsonRow[],
  own: readonly string[],
  isOpen: boolean,
  failing: number,
): string {
  const all = [...new Set(samples.flatMap(Object.keys))];
  const columns = [...all.filter((name) => own.includes(name)), ...all.filter((name) => !own.includes(name))];
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join("");
  const body = samples
    .map((row) => `<tr>${columns.map((column) => cell(row[column])).join("")}</tr>`)
    .join("");
  const title = samples.length < failing ? `${samples.length} of what failed` : "What failed";
  return `<details class="more"${isOpen ? " open" : ""}><summary>${title}</summary><div class="rows" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div></details>`;
}

/** Longest text of a value that is shown. */
const LONGEST = 400;

function cell(value: unknown): string {
  if (value === null || value === undefined) return '<td class="null">null</td>';
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  // Text that runs from right to left stays in its cell.
  return `<td><bdi>${escapeHtml(shown)}</bdi></td>`;
}
