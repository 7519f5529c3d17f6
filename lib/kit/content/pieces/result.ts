import type { Place, Source } from "../text/source.js";

/** What one rule found. A rule that holds says so too: the Definition of Done lists both. */
export interface CheckResult {
  /** `doc/sections`, `linkedin/hook`: the piece and the rule. */
  readonly rule: string;
  readonly ok: boolean;
  readonly file: string;
  /** From 1; the start of the file where no line is to blame. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Rules about what is still to be done: a piece that is not written. */
const TO_DO = /\/present$/;

/** True for what stops a build, and makes a check fail. What is still to be done does neither. */
export const breaks = ({ ok, rule }: CheckResult): boolean => !ok && !TO_DO.test(rule);

export function pass(rule: string, file: string, message: string): CheckResult {
  return { rule, ok: true, file, line: 1, column: 1, message };
}

export function fail(rule: string, place: Place, message: string): CheckResult {
  return { rule, ok: false, file: place.file, line: place.line, column: place.column, message };
}

/** One result a problem, or one that says the rule holds. */
export function verdict(
  rule: string,
  source: Pick<Source, "file">,
  problems: readonly { place: Place; message: string }[],
  holds: string,
): CheckResult[] {
  if (problems.length === 0) return [pass(rule, source.file, holds)];
  return problems.map(({ place, message }) => fail(rule, place, message));
}
