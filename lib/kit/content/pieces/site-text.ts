import type { SiteText } from "../model/site-texts.js";
import { typedMeasurements } from "../text/measurements.js";
import { placeAt } from "../text/source.js";
import { checkText } from "./common.js";
import type { Whole } from "./links.js";
import { type CheckResult, verdict } from "./result.js";

/** What a record of a decision has, in order, each as a heading. */
const DECISION_SECTIONS = ["Context", "Options", "Decision", "Consequences", "Evidence", "Look again"];

/**
 * The rules of a text that belongs to no milestone. Figures typed into `docs` are of benches, with command and date, and
 * no run of a notebook could give them; the home page has no such excuse.
 */
export function checkSiteText(text: SiteText, whole: Whole): CheckResult[] {
  const { kind, source, standing } = text;
  const name = kind === "home" ? "home" : "docs";
  return [
    ...checkText(name, source, standing, whole),
    ...(kind === "home"
      ? verdict("home/measurements", source, typedMeasurements(source), "no measurement is typed in")
      : []),
    ...(kind === "decision" ? checkDecision(text) : []),
  ];
}

function checkDecision({ source }: SiteText): CheckResult[] {
  const sections = source.headings.filter(({ level }) => level === 2).map(({ text }) => text);
  const missing = DECISION_SECTIONS.filter((name) => !sections.includes(name));
  const place = placeAt(source, source.bodyStart);
  const problems = missing.map((name) => ({ place, message: `the section "## ${name}" is missing.` }));
  return verdict("docs/decision", source, problems, "context, options, decision, consequences, evidence");
}
