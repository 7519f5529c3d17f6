import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { invalidArgument, nearNames } from "sololakehouse/errors";
import { columns } from "sololakehouse/terminal";
import {
  type Card,
  type Design,
  designText,
  givenTexts,
  LENGTHS,
  type Minutes,
  readCards,
  readDesigns,
  readTalk,
  spoken,
  type Talk,
  talkSource,
} from "../content/index.js";
import { contentInvalid } from "../errors.js";
import { ASSUMPTIONS, type Estimate, estimates, withUnit } from "../estimate/index.js";
import { listMilestones, type Project, selectMilestones } from "../milestones/index.js";
import { designNow } from "./design.js";
import { mockInterview, RUBRIC, summaryOf } from "./drills/mock.js";
import { Schedule } from "./drills/schedule.js";
import { drill, onTerminal } from "./drills/session.js";
import { type Loaded, loadForPractice } from "./load.js";
import { talkText } from "./print.js";

/** The talk at a length, and as a text. */
export async function talkFor(
  project: Project,
  minutes: number,
): Promise<{ talk: Talk; text: string; older: readonly string[] }> {
  if (!isLength(minutes)) {
    throw invalidArgument(
      "--minutes",
      `There is no talk of ${minutes} minutes.`,
      `Take ${LENGTHS.join(" or ")}.`,
    );
  }
  const { all, older } = await loadForPractice(project);
  const found = talkSource(project, all);
  if (!found) {
    throw contentInvalid(
      "talk.md",
      "There is no talk: milestones/m11-interview has no talk.md.",
      "Write it.",
    );
  }
  const talk = readTalk(found.source, found.own, all, minutes);
  return { talk, text: talkText(talk), older };
}

const isLength = (minutes: number): minutes is Minutes => LENGTHS.some((one) => one === minutes);

/** Questions that are due, of the milestones that are named. */
async function dueCards(
  project: Project,
  words: readonly string[],
): Promise<Loaded & { due: Card[]; schedule: Schedule; cards: readonly Card[] }> {
  const loaded = await loadForPractice(project);
  const only =
    words.length === 0
      ? undefined
      : selectMilestones(await listMilestones(project), words).map(({ id }) => id);
  const { cards } = readCards(project, loaded.all);
  const chosen = cards.filter(({ own }) => !only || only.includes(own.milestone.id));
  const schedule = Schedule.open(project);
  return { ...loaded, due: schedule.due(chosen, new Date()), schedule, cards: chosen };
}

export async function dueNow(
  project: Project,
  words: readonly string[],
  limit: number,
): Promise<readonly { readonly id: string; readonly milestone: string; readonly ask: string }[]> {
  const { due, all } = await dueCards(project, words);
  return due.slice(0, limit).map((card) => ({
    id: card.id,
    milestone: card.own.milestone.id,
    ask: spoken(card.ask, card, all),
  }));
}

export async function drillNow(
  project: Project,
  words: readonly string[],
  limit: number,
): Promise<{ text: string; older: readonly string[] }> {
  const { due, all, older, schedule, cards } = await dueCards(project, words);
  const talking = onTerminal(process.stdin, process.stdout);
  try {
    const { answered, again } = await drill(due.slice(0, limit), all, schedule, talking);
    const left = schedule.due(cards, new Date()).length;
    const repeat = again.length > 0 ? ` To look at again: ${again.join(", ")}.` : "";
    return { text: `${answered} answered, ${left} of ${cards.length} left for today.${repeat}`, older };
  } finally {
    talking.close();
  }
}

export async function mockPlan(project: Project): Promise<unknown> {
  const { all } = await loadForPractice(project);
  const { cards } = readCards(project, all);
  const subjects = [...new Set(cards.map(({ own }) => own.milestone.id))];
  return {
    subjects: subjects.map((id) => ({
      id,
      questions: cards.filter(({ own }) => own.milestone.id === id).length,
    })),
    rubric: RUBRIC,
  };
}

export async function mockNow(
  project: Project,
  minutes: number,
): Promise<{ text: string; older: readonly string[] }> {
  const { all, older } = await loadForPractice(project);
  const { cards } = readCards(project, all);
  const talking = onTerminal(process.stdin, process.stdout);
  const began = performance.now();
  try {
    const scored = await mockInterview(
      cards,
      all,
      minutes,
      talking,
      () => (performance.now() - began) / 1000,
    );
    if (scored.length === 0) return { text: "Nothing was answered.\n", older };
    const moment = new Date().toISOString();
    const summary = summaryOf(scored, all, moment.slice(0, 10));
    const folder = join(project.lake, "interview");
    const path = join(folder, `mock-${moment.slice(0, 19).replaceAll(":", "")}.md`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, summary);
    return { text: `${summary}\nWritten to ${relative(process.cwd(), path)}\n`, older };
  } finally {
    talking.close();
  }
}

/** The designs: what is asked, and what is given. */
export async function designPlan(project: Project): Promise<unknown> {
  const { all } = await loadForPractice(project);
  return readDesigns(project, all).designs.map((design) => ({
    id: design.id,
    title: design.title,
    ask: designText(design.ask, design, all),
    given: givenTexts(design),
    estimate: design.estimate,
  }));
}

/** One of them, or the first, made at the terminal. */
export async function designFor(
  project: Project,
  id: string | undefined,
): Promise<{ text: string; older: readonly string[] }> {
  const { all, older } = await loadForPractice(project);
  const { designs } = readDesigns(project, all);
  const design = designOf(designs, id);
  const talking = onTerminal(process.stdin, process.stdout);
  try {
    const { asked, right } = await designNow(design, all, talking);
    return { text: `${right} of ${asked} right.`, older };
  } finally {
    talking.close();
  }
}

function designOf(designs: readonly Design[], id: string | undefined): Design {
  const ids = designs.map((one) => one.id);
  const design = id === undefined ? designs[0] : designs.find((one) => one.id === id);
  if (design) return design;
  if (id === undefined) {
    throw contentInvalid(
      "designs.yaml",
      "There are no designs to make.",
      "Write milestones/m11-interview/designs.yaml.",
    );
  }
  const near = nearNames(id, ids, 3);
  throw invalidArgument(
    id,
    `There is no design "${id}".`,
    `Take one of: ${(near.length > 0 ? near : ids).join(", ")}.`,
  );
}

/** The estimates for assumptions given as `name=value`. */
export function estimateFor(words: readonly string[]): { estimates: readonly Estimate[]; text: string } {
  const moved = words.map((word): [string, number] => {
    const [id = "", value = ""] = word.split("=", 2);
    const number = value.trim() === "" ? Number.NaN : Number(value);
    if (Number.isNaN(number)) {
      throw invalidArgument(word, `"${word}" moves no assumption.`, "Write it as rows_a_day=1e9.");
    }
    return [id, number];
  });
  const found = estimates(Object.fromEntries(moved));
  const movedIds = new Map(moved);
  const given = ASSUMPTIONS.map(({ id, value, unit }) => [
    id,
    withUnit(movedIds.get(id) ?? value, unit) + (movedIds.has(id) ? "  (moved)" : ""),
  ]);
  const derived = found.map(({ label, value, unit, arithmetic }) => [
    label,
    withUnit(value, unit),
    arithmetic,
  ]);
  return {
    estimates: found,
    text: `${columns(given, "<<").join("\n")}\n\n${columns(derived, "<<<").join("\n")}\n`,
  };
}
