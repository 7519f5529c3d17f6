import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { Project } from "../../milestones/index.js";
import { bind, substitute } from "../model/bind.js";
import type { MilestoneContent } from "../model/inputs.js";
import { TALK_PAGE } from "../model/site-map.js";
import { altProblems } from "../pieces/common.js";
import { plainInsertion } from "../pieces/linkedin-text.js";
import { linkProblems, type Whole } from "../pieces/links.js";
import { plannedProblems } from "../pieces/planned.js";
import { type CheckResult, fail, pass, verdict } from "../pieces/result.js";
import { SPEAKING_RATE } from "../pieces/script.js";
import { slideProblems } from "../pieces/slides.js";
import { frontMatter } from "../text/front-matter.js";
import { typedMeasurements } from "../text/measurements.js";
import { parseSource, readSource, type Source } from "../text/source.js";

/** The talk's lengths, in minutes. */
export const LENGTHS = [5, 10] as const;
export type Minutes = (typeof LENGTHS)[number];

/** Seconds in which a new slide is looked at and nothing is said. */
const TURN = 3;
/** The share of its minutes that a talk has to fill: much less of it is another talk. */
const LEAST = 0.75;

/** One slide with what is said beside it. */
export interface TalkSlide {
  /** Requirements, numbers, design, deep dive: the step of the interview. */
  readonly step: string;
  readonly title: string;
  /** What the slide shows, as Markdown with its insertions. */
  readonly body: string;
  /** What is said, likewise. */
  readonly said: string;
  /** The same with facts in place. */
  readonly words: string;
  /** Seconds after the beginning. */
  readonly start: number;
  readonly end: number;
}

export interface Talk {
  readonly minutes: Minutes;
  readonly slides: readonly TalkSlide[];
  readonly seconds: number;
}

/** Whose milestone the talk is. */
export const TALK_OWNER = "m11";

/** The talk's text, and the milestone whose names need no prefix in it. */
export interface TalkSource {
  readonly source: Source;
  readonly own: MilestoneContent;
  readonly title: string;
}

/** Finds the talk; undefined where there is none. */
export function talkSource(project: Project, all: readonly MilestoneContent[]): TalkSource | undefined {
  const own = all.find(({ milestone }) => milestone.id === TALK_OWNER);
  if (!own) return undefined;
  const path = join(own.milestone.folder, "talk.md");
  if (!existsSync(path)) return undefined;
  const source = readSource(path, relative(project.root, path));
  const { title } = frontMatter(source);
  return { source, own, title: typeof title === "string" ? title : "The talk" };
}

/**
 * Reads the talk: `#` is a step, `##` a slide, what stands below it is shown, `### Say` is said at either length and
 * `### Say more` in ten minutes. A slide of which nothing is said at a length is not in it.
 */
export function readTalk(
  source: Source,
  own: MilestoneContent,
  all: readonly MilestoneContent[],
  minutes: Minutes,
): Talk {
  const slides: TalkSlide[] = [];
  let at = 0;
  let step = "";
  for (const [index, heading] of source.headings.entries()) {
    if (heading.level === 1) step = heading.text;
    if (heading.level !== 2) continue;
    const parts = partsOf(source, index);
    const said = [parts.say, minutes === 10 ? parts.more : ""].filter((text) => text !== "").join("\n\n");
    if (said === "") continue;
    const words = plain(said, source.file, own, all);
    const end = at + TURN + (spokenWords(words) / SPEAKING_RATE) * 60;
    const title = plain(heading.text, source.file, own, all);
    slides.push({ step, title, body: parts.body, said, words, start: at, end });
    at = end;
  }
  return { minutes, slides, seconds: at };
}

function partsOf({ headings, text }: Source, index: number): { body: string; say: string; more: string } {
  const parts = { body: "", say: "", more: "" };
  for (let at = index; at < headings.length; at++) {
    const heading = headings[at];
    if (!heading || (at > index && heading.level < 3)) break;
    const lineEnd = text.indexOf("\n", heading.offset);
    const from = lineEnd === -1 ? text.length : lineEnd;
    const to = headings[at + 1]?.offset ?? text.length;
    const below = text
      .slice(from, to)
      .replace(/\n#+\s*$/, "")
      .trim();
    if (at === index) parts.body = below;
    else if (heading.text === "Say") parts.say = below;
    else if (heading.text === "Say more") parts.more = below;
  }
  return parts;
}

function plain(text: string, file: string, own: MilestoneContent, all: readonly MilestoneContent[]): string {
  const source = parseSource(text, file);
  return substitute(source, bind(source, own, all).bound, plainInsertion);
}

/**
 * Words as they are said: a number takes about a word for each of its digits that is no zero, and one more where it is
 * grouped or has a point. "2,900" is four, "2.92" is four.
 */
export function spokenWords(text: string): number {
  const words = text.match(/[\p{L}\p{N}][\p{L}\p{N}'’.,%-]*/gu) ?? [];
  return words.reduce((sum, word) => {
    const digits = word.match(/[1-9]/g)?.length ?? 0;
    return sum + (/\d/.test(word) ? Math.max(1, digits) + (/\d[.,]\d/.test(word) ? 1 : 0) : 1);
  }, 0);
}

/**
 * The rules of the talk: every name resolves, no figure is typed in, what it shows can be read from the last row, and it fits
 * its clock at both lengths. One whose notebook has no outputs is not judged: that the notebook has to run is said already.
 */
export function checkTalk(project: Project, all: readonly MilestoneContent[], whole: Whole): CheckResult[] {
  const found = talkSource(project, all);
  if (!found?.own.recorded) return [];
  const { source, own } = found;
  const { bound, problems } = bind(source, own, all);
  const names = verdict("talk/names", source, problems, `${bound.length} names resolve`);
  if (names.some(({ ok }) => !ok)) return names;
  const steps = source.headings.filter(({ level }) => level === 1);
  const start = steps[0]?.place ?? { file: source.file, line: 1, column: 1 };
  const standing = { own, folder: own.milestone.folder, page: TALK_PAGE };
  const shown = source.headings.filter(({ level }) => level === 2);
  return [
    ...names,
    ...verdict("talk/measurements", source, typedMeasurements(source), "no measurement is typed in"),
    ...verdict("talk/links", source, linkProblems(source, standing, whole), "links lead somewhere"),
    ...verdict("talk/alt-text", source, altProblems(source), "pictures have a text alternative"),
    ...verdict(
      "talk/planned",
      source,
      plannedProblems(source, whole.parts),
      "what is planned is called so, and nothing else",
    ),
    ...verdict(
      "talk/words",
      source,
      shown.flatMap((heading) => slideProblems(source, heading, bound)),
      "each slide says one thing in few words",
    ),
    steps.length === 4
      ? pass("talk/steps", source.file, "four steps")
      : fail("talk/steps", start, `it has ${steps.length} steps: requirements, numbers, design, deep dive.`),
    ...LENGTHS.map((minutes) => {
      const { seconds } = readTalk(source, own, all, minutes);
      const limit = minutes * 60;
      const took = `${Math.round(seconds)} s at ${SPEAKING_RATE} words a minute`;
      return seconds <= limit && seconds >= limit * LEAST
        ? pass(`talk/${minutes}-minutes`, source.file, took)
        : fail(
            `talk/${minutes}-minutes`,
            start,
            `${minutes} minutes take ${took}: ${limit * LEAST} to ${limit}.`,
          );
    }),
  ];
}
