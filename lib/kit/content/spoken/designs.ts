import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parse } from "yaml";
import {
  ASSUMPTIONS,
  type AssumptionId,
  DERIVED,
  type DerivedId,
  type Estimate,
  estimates,
  type Moved,
  withUnit,
} from "../../estimate/index.js";
import type { Project } from "../../milestones/index.js";
import { bind, substitute } from "../model/bind.js";
import type { MilestoneContent } from "../model/inputs.js";
import { plainInsertion } from "../pieces/linkedin-text.js";
import { type CheckResult, verdict } from "../pieces/result.js";
import type { Problem } from "../text/insertions.js";
import { parseSource } from "../text/source.js";

/** A design to make, as `designs.yaml` of the interview's milestone has it. What is to be estimated is reckoned by formula. */
export interface Design {
  readonly id: string;
  readonly title: string;
  /** What somebody wants, without numbers. */
  readonly ask: string;
  /** The numbers: what is given takes the place of the calculator's own assumption. */
  readonly given: Moved;
  /** What to estimate. */
  readonly estimate: readonly DerivedId[];
  /** What a good design says, with insertions. */
  readonly good: readonly string[];
  readonly own: MilestoneContent;
  readonly file: string;
}

/** All designs, and what is wrong with the file that holds them. */
export interface Designs {
  readonly designs: readonly Design[];
  readonly results: readonly CheckResult[];
}

const FILE = "designs.yaml";
/** Fewer estimates than this are a question, not a design. */
const LEAST = 3;

/** Reads the designs of every milestone that has some, or of these. One that breaks a rule is in `results` and not among the designs. */
export function readDesigns(
  { root }: Project,
  all: readonly MilestoneContent[],
  of: readonly MilestoneContent[] = all,
): Designs {
  const designs: Design[] = [];
  const results: CheckResult[] = [];
  for (const own of of) {
    const path = join(own.milestone.folder, FILE);
    if (!own.recorded || !existsSync(path)) continue;
    const file = relative(root, path);
    const text = readFileSync(path, "utf8");
    const raw: unknown = parse(text);
    const problems: Problem[] = [];
    const seen = new Set<string>();
    for (const entry of Array.isArray(raw) ? (raw as Record<string, unknown>[]) : []) {
      const name = String(entry?.id);
      const at = text.indexOf(`- id: ${name}\n`);
      const place = { file, line: at === -1 ? 1 : text.slice(0, at).split("\n").length, column: 1 };
      const found = designOf(entry ?? {}, own, file);
      const wrong = typeof found === "string" ? [found] : unresolved(found, all);
      if (seen.has(name)) wrong.push("there is another one with this id.");
      seen.add(name);
      if (wrong.length === 0 && typeof found !== "string") designs.push(found);
      for (const message of wrong) problems.push({ place, message: `the design "${name}": ${message}` });
    }
    results.push(
      ...verdict("designs/formulas", { file }, problems, `${seen.size} designs with their formulas`),
    );
  }
  return { designs, results };
}

function designOf(entry: Record<string, unknown>, own: MilestoneContent, file: string): Design | string {
  const { id, title, ask, given, estimate, good } = entry;
  const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";
  const areTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
  if (!isText(id) || !isText(title) || !isText(ask)) return "it needs id, title and ask, each a text.";
  if (!areTexts(good) || good.length === 0) return "it needs good: a list of what a good design says.";
  if (!areTexts(estimate) || estimate.length < LEAST) return `it needs estimate: ${LEAST} results or more.`;
  const strange = estimate.find((name) => !DERIVED.some((one) => one.id === name));
  if (strange !== undefined) return `nothing that is reckoned is called "${strange}".`;
  const moved: [AssumptionId, number][] = [];
  for (const [name, value] of Object.entries((given ?? {}) as Record<string, unknown>)) {
    const assumption = ASSUMPTIONS.find((one) => one.id === name);
    if (!assumption) return `there is no assumption "${name}".`;
    const { least, most, unit } = assumption;
    if (typeof value !== "number" || !(value >= least && value <= most))
      return `"${name}" takes a number from ${withUnit(least, "")} to ${withUnit(most, unit)}.`;
    moved.push([assumption.id, value]);
  }
  if (moved.length === 0) return "it needs given: the numbers that are asked for.";
  const ids = estimate as DerivedId[];
  return { id, title, ask, good, given: Object.fromEntries(moved), estimate: ids, own, file };
}

const unresolved = (design: Design, all: readonly MilestoneContent[]): string[] =>
  [design.ask, ...design.good].flatMap((text) =>
    bind(parseSource(text, design.file), design.own, all).problems.map(({ message }) => message),
  );

/** A text of a design with its facts in place. */
export function designText(text: string, design: Design, all: readonly MilestoneContent[]): string {
  const source = parseSource(text, design.file);
  return substitute(source, bind(source, design.own, all).bound, plainInsertion).trim();
}

/** What is given, in words: `rows a day: 2 billion rows/day`. */
export const givenTexts = ({ given }: Design): readonly string[] =>
  ASSUMPTIONS.flatMap(({ id, label, unit }) => {
    const value = given[id];
    return value === undefined ? [] : [`${label}: ${withUnit(value, unit)}`];
  });

/** What is asked for, in its order, and all of the estimates that it was reckoned with. */
export function solved({ given, estimate }: Design): {
  readonly asked: readonly Estimate[];
  readonly found: readonly Estimate[];
} {
  const found = estimates(given);
  return { found, asked: estimate.flatMap((id) => found.filter((one) => one.id === id)) };
}
