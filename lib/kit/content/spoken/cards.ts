import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parse } from "yaml";
import type { Project } from "../../milestones/index.js";
import { bind, substitute } from "../model/bind.js";
import type { MilestoneContent } from "../model/inputs.js";
import { plainInsertion } from "../pieces/linkedin-text.js";
import { type CheckResult, verdict } from "../pieces/result.js";
import type { Problem } from "../text/insertions.js";
import { parseSource } from "../text/source.js";

/** What an answer rests on. */
export interface Evidence {
  readonly kind: "fact" | "cell" | "decision";
  /** A fact's name, a cell's id, or a decision's number. */
  readonly name: string;
}

/** A question as its milestone's `drills.yaml` has it. */
export interface Card {
  /** `m03/second-partition-key`. */
  readonly id: string;
  readonly own: MilestoneContent;
  readonly file: string;
  readonly ask: string;
  /** With insertions. */
  readonly answer: string;
  readonly evidence: readonly Evidence[];
  /** A question that usually follows, and what to say to it. */
  readonly then: string;
}

/** All questions of all milestones, and what is wrong with the files that hold them. */
export interface Cards {
  readonly cards: readonly Card[];
  readonly results: readonly CheckResult[];
}

const EVIDENCE = /^(fact|cell|decision) (\S+)$/;

/** Reads every `drills.yaml`. A question that breaks a rule is in `results` and not among the cards. */
export function readCards(project: Project, all: readonly MilestoneContent[]): Cards {
  const read = all.map((own) => cardsOf(own, project, all));
  return { cards: read.flatMap(({ cards }) => cards), results: read.flatMap(({ results }) => results) };
}

/** The rules of a milestone's questions. One whose notebook has no outputs is not judged, as in `checkTalk`. */
export function checkCards(
  own: MilestoneContent,
  project: Project,
  all: readonly MilestoneContent[],
): readonly CheckResult[] {
  return own.recorded ? cardsOf(own, project, all).results : [];
}

function cardsOf(own: MilestoneContent, project: Project, all: readonly MilestoneContent[]): Cards {
  const path = join(own.milestone.folder, "drills.yaml");
  if (!existsSync(path)) return { cards: [], results: [] };
  const decisions = decisionsOf(project);
  const file = relative(project.root, path);
  const text = readFileSync(path, "utf8");
  const raw = asList(text);
  const cards: Card[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const [index, entry] of raw.entries()) {
    const name = String(entry.id ?? index + 1);
    const place = { file, line: lineOf(text, name), column: 1 };
    const found = cardOf(entry, own, file);
    const wrong =
      typeof found === "string"
        ? [found]
        : [
            ...(seen.has(name) ? ["there is another one with this id."] : []),
            ...unresolved(found, all, decisions),
          ];
    seen.add(name);
    if (wrong.length === 0 && typeof found !== "string") cards.push(found);
    for (const message of wrong) problems.push({ place, message: `the question "${name}": ${message}` });
  }
  return {
    cards,
    results: verdict("drills/evidence", { file }, problems, `${raw.length} questions with evidence`),
  };
}

function asList(text: string): Record<string, unknown>[] {
  const raw: unknown = parse(text);
  return Array.isArray(raw) ? raw.map((entry) => (entry ?? {}) as Record<string, unknown>) : [];
}

const lineOf = (text: string, id: string): number => {
  const at = text.indexOf(`- id: ${id}\n`);
  return at === -1 ? 1 : text.slice(0, at).split("\n").length;
};

function cardOf(entry: Record<string, unknown>, own: MilestoneContent, file: string): Card | string {
  const { id, ask, answer, evidence, then } = entry;
  const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";
  if (!isText(id) || !isText(ask) || !isText(answer) || !isText(then))
    return "it needs id, ask, answer and then, each a text.";
  if (!Array.isArray(evidence) || evidence.length === 0) return "it has no evidence.";
  const parsed = evidence.map((each) => EVIDENCE.exec(String(each)));
  const odd = parsed.indexOf(null);
  if (odd !== -1) return `"${evidence[odd]}" is no evidence: write "fact name", "cell id" or "decision 08".`;
  return {
    id: `${own.milestone.id}/${id}`,
    own,
    file,
    ask,
    answer,
    then,
    evidence: parsed.map((match) => ({ kind: match?.[1] as Evidence["kind"], name: match?.[2] ?? "" })),
  };
}

function unresolved(card: Card, all: readonly MilestoneContent[], decisions: ReadonlySet<string>): string[] {
  const { recorded, milestone } = card.own;
  if (!recorded) return [`the notebook of ${milestone.id} has not run.`];
  const missing = card.evidence.filter(({ kind, name }) => {
    if (kind === "fact") return !recorded.facts.has(name);
    return kind === "cell" ? recorded.cell(name) === undefined : !decisions.has(name);
  });
  return [
    ...missing.map(({ kind, name }) => `its evidence does not resolve: there is no ${kind} "${name}".`),
    ...[card.ask, card.answer, card.then].flatMap((text) =>
      bind(parseSource(text, card.file), card.own, all).problems.map(({ message }) => message),
    ),
  ];
}

function decisionsOf({ root }: Project): ReadonlySet<string> {
  const folder = join(root, "docs", "decisions");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Set(names.flatMap((name) => /^(\d\d)-/.exec(name)?.[1] ?? []));
}

/** A text of a card with its facts in place. */
export function spoken(text: string, card: Card, all: readonly MilestoneContent[]): string {
  const source = parseSource(text, card.file);
  return substitute(source, bind(source, card.own, all).bound, plainInsertion);
}
