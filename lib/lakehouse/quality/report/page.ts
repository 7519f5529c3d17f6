import type { PastResult } from "../history.js";
import type { CheckReport } from "../run/report.js";
export function reportPage(report: CheckReport, _past: readonly PastResult[]): string { return report.table; }
