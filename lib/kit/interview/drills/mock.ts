import { type Card, type MilestoneContent, spoken } from "../../content/index.js";
import { quits, type Talking } from "./session.js";

/** What a good answer has. Whoever practises says of each whether theirs had it. */
export const RUBRIC = [
  "said what the requirement is before the solution",
  "gave a number, and where it's from",
  "named what it costs, or what was rejected",
  "said what isn't known, or how it would be measured",
] as const;

/** An answer with its points, 0 to 4; undefined where time ran out. */
export interface Scored {
  readonly card: Card;
  readonly had: readonly boolean[];
}

/** Below this, a question is one to revise, and the interviewer changes the subject. */
const ENOUGH = 3;
/** So many questions on one subject, however good the answers are. */
const DEPTH = 3;

/**
 * A mock interview: whoever is asked chooses where it begins; a good answer is followed by a deeper question on the same subject, a
 * weak one by another subject. It ends when the minutes are over, after the answer that is being given.
 *
 * @param clock seconds since the beginning
 */
export async function mockInterview(
  cards: readonly Card[],
  all: readonly MilestoneContent[],
  minutes: number,
  talking: Talking,
  clock: () => number,
): Promise<readonly Scored[]> {
  const bySubject = new Map<string, Card[]>();
  for (const card of cards) {
    const subject = card.own.milestone.id;
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), card]);
  }
  const scored: Scored[] = [];
  let subject = await chosenSubject(bySubject, talking);
  let depth = 0;
  while (subject !== undefined && clock() < minutes * 60) {
    const card = bySubject.get(subject)?.shift();
    if (card) {
      const left = Math.max(0, Math.ceil(minutes - clock() / 60));
      talking.say(`\n${left} min left  ${card.own.milestone.label}\n\n${spoken(card.ask, card, all)}\n`);
      if (quits(await talking.hear("Answer aloud, then press Enter (q ends): "))) break;
      talking.say(`\n${spoken(card.answer, card, all)}\n`);
      const had = await heardScore(talking);
      if (had === undefined) break;
      scored.push({ card, had });
      talking.say(`\nUsually follows: ${spoken(card.then, card, all)}`);
      depth += 1;
      if (points({ card, had }) >= ENOUGH && depth < DEPTH) continue;
    }
    depth = 0;
    subject = nextSubject(bySubject, subject);
  }
  return scored;
}

async function chosenSubject(
  bySubject: ReadonlyMap<string, readonly Card[]>,
  talking: Talking,
): Promise<string | undefined> {
  const subjects = [...bySubject.entries()];
  const first = subjects.at(-1)?.[0];
  talking.say("Where would you like to begin?\n");
  for (const [id, [card]] of subjects) talking.say(`  ${id.padEnd(14)} ${card?.own.milestone.title ?? ""}`);
  for (;;) {
    const heard = await talking.hear(`\nA subject (Enter takes ${first}, q ends): `);
    if (quits(heard)) return undefined;
    const word = heard?.trim().toLowerCase() ?? "";
    if (word === "") return first;
    if (bySubject.has(word)) return word;
    talking.say(`There is no subject "${word}".`);
  }
}

/** The next one in order that has questions left, from the beginning again after the last. */
function nextSubject(bySubject: ReadonlyMap<string, readonly Card[]>, subject: string): string | undefined {
  const ids = [...bySubject.keys()];
  const at = ids.indexOf(subject);
  return [...ids.slice(at + 1), ...ids.slice(0, at + 1)].find((id) => (bySubject.get(id)?.length ?? 0) > 0);
}

async function heardScore(talking: Talking): Promise<readonly boolean[] | undefined> {
  const had: boolean[] = [];
  for (const point of RUBRIC) {
    const heard = await talking.hear(`  ${point}? (y/n) `);
    if (quits(heard)) return undefined;
    had.push(/^y(es)?$/i.test(heard?.trim() ?? ""));
  }
  return had;
}

export const points = ({ had }: Scored): number => had.filter(Boolean).length;

/** The written summary: what was good, what to revise and where, and which part of an answer is usually missing. */
export function summaryOf(scored: readonly Scored[], all: readonly MilestoneContent[], day: string): string {
  const best = scored.length * RUBRIC.length;
  const sum = scored.reduce((total, each) => total + points(each), 0);
  const weak = scored.filter((each) => points(each) < ENOUGH);
  const missing = RUBRIC.map((point, index) => ({
    point,
    times: scored.filter(({ had }) => !had[index]).length,
  }))
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times);
  const lines = [
    `# Mock interview, ${day}`,
    "",
    `${scored.length} questions, ${sum} of ${best} points.`,
    "",
    "## To revise",
    "",
    ...(weak.length === 0
      ? ["Nothing below three points of four."]
      : weak.map(
          ({ card, had }) =>
            `- ${card.own.milestone.label}, ${had.filter(Boolean).length} of 4: ${spoken(card.ask, card, all)} Look at ${card.own.milestone.id}: ${card.evidence.map(({ kind, name }) => `${kind} ${name}`).join(", ")}.`,
        )),
    "",
    "## What was missing most",
    "",
    ...(missing.length === 0
      ? ["Nothing."]
      : missing.map(({ point, times }) => `- ${times} times: ${point}`)),
  ];
  return `${lines.join("\n")}\n`;
}
