import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { createEmptyCard, fsrs, type Grade, type Card as Memory, Rating } from "ts-fsrs";
import type { Card } from "../../content/index.js";
import type { Project } from "../../milestones/index.js";

/** How well an answer was known, as the learner says. */
export const GRADES = {
  again: Rating.Again,
  hard: Rating.Hard,
  good: Rating.Good,
  easy: Rating.Easy,
} as const;
export type GradeName = keyof typeof GRADES;

/** What is remembered of each question, by its id. */
type State = Record<string, Memory>;

const scheduler = fsrs({ enable_fuzz: false });

/**
 * When which question comes again, by FSRS. The state lies in the project's `.lake` and is written whole after every answer, so
 * a session that is killed loses the answer that was being given and no other.
 */
export class Schedule {
  readonly #path: string;
  readonly #state: State;

  private constructor(path: string, state: State) {
    this.#path = path;
    this.#state = state;
  }

  /** @throws INVALID_CONFIG for a file that is not what this class has written. */
  static open({ lake }: Project): Schedule {
    const path = join(lake, "interview.json");
    if (!existsSync(path)) return new Schedule(path, {});
    try {
      const raw = JSON.parse(readFileSync(path, "utf8")) as Record<string, Memory>;
      const dated = Object.entries(raw).map(([id, memory]) => {
        const due = new Date(memory.due);
        if (Number.isNaN(due.getTime())) throw new Error(`${id} has no due date`);
        return [
          id,
          { ...memory, due, ...(memory.last_review && { last_review: new Date(memory.last_review) }) },
        ];
      });
      return new Schedule(path, Object.fromEntries(dated) as State);
    } catch (cause) {
      throw invalidConfig(
        path,
        `${path} does not say when questions are due: ${(cause as Error).message}.`,
        "Move it away, and the questions begin anew.",
        cause,
      );
    }
  }

  /** Questions that are due, the longest first, then new ones in their order. */
  due(cards: readonly Card[], now: Date): Card[] {
    const dueAt = (card: Card) => this.#state[card.id]?.due.getTime();
    const known = cards.filter((card) => (dueAt(card) ?? Number.POSITIVE_INFINITY) <= now.getTime());
    known.sort((a, b) => (dueAt(a) ?? 0) - (dueAt(b) ?? 0));
    return [...known, ...cards.filter((card) => dueAt(card) === undefined)];
  }

  /** How many of these were answered at least once. */
  seen(cards: readonly Card[]): number {
    return cards.filter(({ id }) => this.#state[id] !== undefined).length;
  }

  /** Notes an answer; gives the day on which the question comes again. */
  answered({ id }: Card, grade: GradeName, now: Date): Date {
    const before: Memory = this.#state[id] ?? createEmptyCard<Memory>(now);
    const { card } = scheduler.next(before, now, GRADES[grade] as Grade);
    this.#state[id] = card;
    mkdirSync(dirname(this.#path), { recursive: true });
    const partial = `${this.#path}.${process.pid}.partial`;
    writeFileSync(partial, JSON.stringify(this.#state));
    renameSync(partial, this.#path);
    return card.due;
  }
}
