import { createInterface } from "node:readline";
import { type Card, type MilestoneContent, spoken } from "../../content/index.js";
import { GRADES, type GradeName, type Schedule } from "./schedule.js";

/** Where a session's words go, and where its answers come from: one line each, undefined at the end. */
export interface Talking {
  say(text: string): void;
  hear(prompt: string): Promise<string | undefined>;
}

/** The terminal, or whatever stands in its place. */
export function onTerminal(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Talking & { close(): void } {
  const lines = createInterface({ input, terminal: false });
  const iterator = lines[Symbol.asyncIterator]();
  return {
    say: (text) => void output.write(`${text}\n`),
    async hear(prompt) {
      output.write(prompt);
      const next = await iterator.next();
      return next.done ? undefined : next.value;
    },
    close: () => lines.close(),
  };
}

/** What a session came to. */
export interface DrillReport {
  readonly answered: number;
  readonly again: readonly string[];
}

/** A grade by its first letter or its place. */
const KEYS: Readonly<Record<string, GradeName>> = Object.fromEntries(
  (Object.keys(GRADES) as GradeName[]).flatMap((name, index) => [
    [String(index + 1), name],
    [name.slice(0, 1), name],
    [name, name],
  ]),
);

/** Asks questions one after the other: say the answer aloud, look, and grade yourself. */
export async function drill(
  cards: readonly Card[],
  all: readonly MilestoneContent[],
  schedule: Schedule,
  talking: Talking,
  now: () => Date = () => new Date(),
): Promise<DrillReport> {
  const again: string[] = [];
  let answered = 0;
  for (const [index, card] of cards.entries()) {
    talking.say(
      `\n${index + 1} of ${cards.length}  ${card.own.milestone.label}\n\n${spoken(card.ask, card, all)}\n`,
    );
    if (quits(await talking.hear("Say it aloud, then press Enter (q ends): "))) break;
    talking.say(`\n${answerText(card, all)}\n`);
    const grade = await heardGrade(talking);
    if (grade === undefined) break;
    const due = schedule.answered(card, grade, now());
    answered += 1;
    if (grade === "again") again.push(card.id);
    talking.say(`comes again ${inDays(due, now())}`);
  }
  return { answered, again };
}

async function heardGrade(talking: Talking): Promise<GradeName | undefined> {
  for (;;) {
    const heard = await talking.hear("1 again, 2 hard, 3 good, 4 easy (q ends): ");
    if (quits(heard)) return undefined;
    const grade = KEYS[heard?.trim().toLowerCase() ?? ""];
    if (grade !== undefined) return grade;
  }
}

/** True for who wants no more, or has gone. */
export const quits = (heard: string | undefined): boolean =>
  heard === undefined || /^q(uit)?$/i.test(heard.trim());

/** The answer, what it rests on, and what usually follows. */
export function answerText(card: Card, all: readonly MilestoneContent[]): string {
  const evidence = card.evidence.map(({ kind, name }) => `${kind} ${name}`).join(", ");
  return `${spoken(card.answer, card, all)}\n\nEvidence: ${card.own.milestone.id}: ${evidence}\nThen: ${spoken(card.then, card, all)}`;
}

function inDays(due: Date, now: Date): string {
  const minutes = Math.round((due.getTime() - now.getTime()) / 60_000);
  if (minutes < 60 * 24)
    return minutes < 60 ? `in ${minutes} minutes` : `in ${Math.round(minutes / 60)} hours`;
  const days = Math.round(minutes / 60 / 24);
  return days === 1 ? "tomorrow" : `in ${days} days`;
}
