import { count } from "../../terminal/index.js";
import type { Finding } from "../checks/plan.js";
import type { Allowance, Check } from "../checks/types.js";
import type { CheckResult, JsonRow, Outcome } from "./report.js";

/** What a finding means, by the check's thresholds. */
export function judged(check: Check, finding: Finding, samples: readonly JsonRow[]): CheckResult {
  const { failing, rows, measured } = finding;
  return {
    check,
    outcome: outcomeOf(check, finding),
    failing,
    rows,
    ...(measured !== undefined && { measured }),
    message: messageOf(check, finding),
    samples,
  };
}

function outcomeOf(check: Check, finding: Finding): Outcome {
  if (isOver(check.allow ?? { rows: 0 }, finding)) return check.severity === "block" ? "fail" : "warn";
  return check.warnOver !== undefined && isOver(check.warnOver, finding) ? "warn" : "pass";
}

/** A fraction of rows that is itself no whole number lets the rows below it through. */
export function isOver(allowance: Allowance, { failing, rows }: Pick<Finding, "failing" | "rows">): boolean {
  if ("rows" in allowance) return failing > allowance.rows;
  // A hundredth of 300 is 3 and a little in floating point, or a little less.
  return failing > allowance.fraction * rows + 1e-12 * rows;
}

function messageOf({ kind }: Check, { failing, rows, measured, detail }: Finding): string {
  switch (kind) {
    case "rowCount":
      return detail === undefined ? count(rows, "row") : `${count(rows, "row")}, ${detail}`;
    case "freshness":
      return measured === undefined ? (detail ?? "") : `${ageText(measured)} old, ${detail}`;
    case "drift":
      return measured === undefined ? (detail ?? "") : `index ${measured.toFixed(3)}`;
    case "types":
      return failing === 0 ? count(rows, "column") : `${failing} of ${count(rows, "column")}`;
    case "sql":
      return failing === 0 ? "no row" : count(failing, "row");
    default:
      return failing === 0
        ? count(rows, "row")
        : `${failing.toLocaleString("en-US")} of ${count(rows, "row")}`;
  }
}

/** An age in the unit that a person would say. */
export function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
