import { inspect, isDeepStrictEqual } from "node:util";
import { invalidArgument } from "sololakehouse/errors";
import { RECORD_MIME, type RecordedCheck } from "../file/recorded.js";
import { type CheckFunction, type CheckTools, keepPending, recorder, show } from "./recorder.js";
import { checkName, escapeHtml, inlineHtml } from "./values.js";

export interface PredictOptions {
  /** Answers to choose from, where the question offers some. */
  readonly options?: readonly string[] | undefined;
  /** What the next cell will show, and why. */
  readonly answer: string;
}

/**
 * Asks the reader to predict what the next cell shows. The answer is folded until it is opened.
 *
 * @example predict("How many files does one append of 182 days write?", { answer: "182: one for each day." });
 */
export function predict(question: string, { options = [], answer }: PredictOptions): void {
  if (!question.trim() || !answer?.trim()) {
    throw invalidArgument("predict", "A prediction needs a question and an answer.", "Give both.");
  }
  const letter = (index: number) => String.fromCharCode(65 + index);
  const list = options.map((option) => `<li>${inlineHtml(option)}</li>`).join("");
  show({
    [RECORD_MIME.predict]: { question, options, answer },
    "text/html": [
      `<p><strong>Predict, then run.</strong> ${inlineHtml(question)}</p>`,
      ...(list ? [`<ol type="A">${list}</ol>`] : []),
      `<details><summary>Answer</summary><p>${inlineHtml(answer)}</p></details>`,
    ].join("\n"),
    "text/plain": [
      `Predict, then run. ${question}`,
      ...options.map((option, index) => `  ${letter(index)}. ${option}`),
    ].join("\n"),
  });
}

/**
 * Checks an exercise, and says what is off. An exercise is three cells:
 *
 * 1. a starter that the learner completes (it must compile, and may be wrong);
 * 2. this check, in a cell of its own. What it finds never fails the run: a starter is meant to be unsolved;
 * 3. the reference solution: a cell with the tag `solution:<name>`, folded (`jupyter.source_hidden`), which
 *    declares the starter's names anew. The runner then holds the same check against it, and *that* must pass.
 *
 * @example
 * await check("km", (t) => t.close(toKm(100), 160.9, 0.01, "100 miles in km"));
 */
export function check(name: string, fn: CheckFunction): Promise<void> {
  checkName(name, "check");
  recorder().checks.set(name, fn);
  return keepPending(showCheck(name, fn));
}

async function showCheck(name: string, fn: CheckFunction): Promise<void> {
  const off = await whatIsOff(fn);
  if (off === undefined) showState(name, "solved", "solved");
  else showState(name, "open", off);
}

/**
 * Holds the check of an exercise against the reference solution that has just been run.
 *
 * @throws Error when no check has that name or the solution does not pass it.
 */
export async function verifySolution(name: string): Promise<void> {
  const fn = recorder().checks.get(name);
  if (!fn) throw new Error(`The solution "${name}" has no check("${name}", …) in a cell before it.`);
  const off = await whatIsOff(fn);
  if (off !== undefined) throw new Error(`The reference solution does not pass check("${name}"): ${off}`);
  showState(name, "reference", "the reference solution passes");
}

function showState(name: string, state: RecordedCheck["state"], message: string): void {
  const mark = state === "open" ? "○" : "✔";
  const words = state === "open" ? `not solved yet: ${message}` : message;
  show({
    [RECORD_MIME.check]: { name, state, message },
    "text/html": `<p>${mark} <strong>${name}</strong> ${escapeHtml(words)}</p>`,
    "text/plain": `${mark} ${name}  ${words}`,
  });
}

async function whatIsOff(fn: CheckFunction): Promise<string | undefined> {
  try {
    const outcome = await fn(tools);
    if (outcome === false) return "the check does not hold";
    return typeof outcome === "string" && outcome !== "" ? outcome : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const shown = (value: unknown): string => inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY });

const tools: CheckTools = {
  equal(actual, expected, what = "the result") {
    if (isDeepStrictEqual(actual, expected)) return;
    throw new Error(`${what} should be ${shown(expected)}, and is ${shown(actual)}`);
  },
  close(actual, expected, tolerance = 0.01, what = "the result") {
    if (Math.abs(actual - expected) <= Math.abs(expected) * tolerance) return;
    throw new Error(`${what} should be about ${shown(expected)}, and is ${shown(actual)}`);
  },
  ok(condition, message) {
    if (!condition) throw new Error(message);
  },
};
