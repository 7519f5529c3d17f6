import type { PastResult } from "../history.js";
import { ageText } from "../run/judge.js";
import type { CheckResult, Outcome } from "../run/report.js";
import { escapeHtml } from "./escape.js";

/** A check in one run. */
interface Point {
  readonly value: number;
  readonly outcome: Outcome;
}

const WIDTH = 208;
const HEIGHT = 40;
const GAP = 2;
/** The least height of a bar: a run that found nothing was a run. */
const STUB = 3;
const SHOWN = 30;
const COLOURS: Readonly<Record<Outcome, string>> = {
  pass: "var(--grey)",
  warn: "var(--amber)",
  fail: "var(--red)",
};

/** A bar for each run, oldest first, the report's own last: what was measured, else the rows that failed. */
export function trend(result: CheckResult, past: readonly PastResult[]): string {
  const isMeasured = result.measured !== undefined;
  const earlier = past
    .filter(({ check }) => check === result.check.name)
    .slice(0, SHOWN - 1)
    .reverse()
    .map(
      ({ measured, failing, outcome }): Point => ({
        value: isMeasured ? (measured ?? 0) : failing,
        outcome: outcome as Outcome,
      }),
    );
  const points: Point[] = [...earlier, { value: result.measured ?? result.failing, outcome: result.outcome }];
  const most = Math.max(...points.map(({ value }) => value), 0);
  // Few runs do not fill the width: a bar keeps its size from page to page.
  const slot = WIDTH / Math.max(points.length, 12);
  const left = WIDTH - slot * points.length;
  const bars = points.map(({ value, outcome }, i) => {
    const height = most === 0 ? STUB : Math.max(STUB, (value / most) * HEIGHT);
    const at = `x="${round(left + i * slot + GAP / 2)}" y="${round(HEIGHT - height)}" width="${round(slot - GAP)}" height="${round(height)}"`;
    return `<rect ${at} rx="1" fill="${COLOURS[outcome]}"/>`;
  });
  const values = points.map(({ value }) => valueText(result, value)).join(", ");
  const runs = points.length === 1 ? "one run" : `${points.length} runs`;
  const caption = `${runs}, ${mostText(result, most, points.length)}`;
  const said = points.length === 1 ? caption : `${runs}, oldest first: ${values}`;
  return `<figure class="trend"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(said)}">${bars.join("")}</svg><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

function mostText(result: CheckResult, most: number, runs: number): string {
  if (result.measured === undefined && most === 0) return "nothing failed";
  return `${runs === 1 ? "" : "up to "}${valueText(result, most)}`;
}

function valueText({ check, measured }: CheckResult, value: number): string {
  if (measured === undefined) return `${value.toLocaleString("en-US")} failed`;
  if (check.kind === "freshness") return ageText(value);
  return check.kind === "rowCount" ? `${value.toLocaleString("en-US")} rows` : value.toFixed(3);
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
