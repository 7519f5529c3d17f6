import { type ChildProcess, fork } from "node:child_process";
import { notebookFailed } from "../../errors.js";
import { builtModule } from "../kernel/built.js";
import type {
  FromLanguage,
  LanguageAnswer,
  LanguageComplaint,
  LanguageCompletions,
  LanguageHover,
  LanguageQuestion,
  ToLanguage,
} from "../kernel/language.js";

/** What is answered to each kind of question. */
export interface AnswerOf {
  readonly complete: LanguageCompletions;
  readonly hover: LanguageHover | null;
  readonly diagnostics: readonly LanguageComplaint[];
}

/**
 * What an editor asks about the cells of one notebook. Its process starts with the first question, which takes the seconds
 * that TypeScript takes to load, and is begun anew where it has ended.
 */
export class LanguageService {
  readonly #folder: string;
  readonly #waiting = new Map<number, { done(answer: LanguageAnswer): void; fail(why: string): void }>();
  #child: ChildProcess | undefined;
  #last = 0;

  /** @param folder the notebook's */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws LakehouseError `NOTEBOOK_FAILED` where the process has no answer. */
  ask<Kind extends LanguageQuestion["kind"]>(
    question: LanguageQuestion & { readonly kind: Kind },
  ): Promise<AnswerOf[Kind]> {
    const id = ++this.#last;
    const child = this.#child ?? this.#start();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {
        done: (answer) => resolve(answer as AnswerOf[Kind]),
        fail: (why) =>
          reject(
            notebookFailed(
              this.#folder,
              `TypeScript has no answer: ${why}`,
              "Ask again after the next edit.",
            ),
          ),
      });
      child.send({ id, question } satisfies ToLanguage);
    });
  }

  close(): void {
    this.#child?.kill();
    this.#end("it was closed.");
  }

  #start(): ChildProcess {
    const child = fork(builtModule("language"), {
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    child.on("message", (message: FromLanguage) => {
      const asked = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if ("trouble" in message) asked?.fail(message.trouble);
      else asked?.done(message.answer);
    });
    const ended = () => {
      if (this.#child === child) this.#end("its process ended.");
    };
    child.on("error", ended);
    child.on("exit", ended);
    this.#child = child;
    return child;
  }

  #end(why: string): void {
    this.#child = undefined;
    for (const { fail } of this.#waiting.values()) fail(why);
    this.#waiting.clear();
  }
}
