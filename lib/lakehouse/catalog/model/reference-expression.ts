import { invalidArgument } from "../../errors.js";
import type { Hash } from "./hash.js";

/** A step back from a commit. */
export type RelativeStep =
  /** `~n`: the n-th predecessor along first parents. */
  | { readonly kind: "predecessor"; readonly count: number }
  /** `^n`: the n-th parent; `^2` is what a merge brought in. */
  | { readonly kind: "parent"; readonly position: number }
  /** `*t`: the last commit not younger than a time, in milliseconds since 1970 UTC. */
  | { readonly kind: "time"; readonly time: number };

/** A reference expression taken apart. */
export interface ReferenceExpression {
  /** A branch or tag; absent in `@<hash>`. */
  readonly name: string | undefined;
  /** 8 to 64 hex digits, lower case. */
  readonly hash: Hash | undefined;
  readonly steps: readonly RelativeStep[];
}

const NAME = "[A-Za-z](?:(?:(?!\\.\\.)[A-Za-z0-9./_-])*[A-Za-z0-9_-])?";
const HASH = "[0-9a-fA-F]{8,64}";
const STEP = "[~^*](?:\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,9})?Z|\\d+)";
const NAME_PATTERN = new RegExp(`^${NAME}$`);
const EXPRESSION_PATTERN = new RegExp(`^(${NAME})?(?:@(${HASH})?)?((?:${STEP})*)$`);
const STEP_PATTERN = new RegExp(STEP, "g");

/**
 * Reads a reference expression, written as Nessie does: `main`, `main@<hash>`, `@<hash>`, and after any of
 * them steps back: `main~3`, `main^2`, `main*2026-05-01T00:00:00Z`, `main*1746057600000`, `main@<hash>~2^2`.
 * Throws `INVALID_ARGUMENT`.
 */
export function parseReferenceExpression(text: string): ReferenceExpression {
  const match = typeof text === "string" ? EXPRESSION_PATTERN.exec(text) : null;
  const [, name, hash, steps = ""] = match ?? [];
  if (match === null || (name === undefined && hash === undefined)) {
    throw invalidArgument(
      String(text),
      `${typeof text === "string" ? JSON.stringify(text) : String(text)} is not a reference.`,
      couldBeHash(text)
        ? `For a commit write @${text}.`
        : "Write a branch or tag, main@<hash>, @<hash>, main~3, main^2 or main*2026-05-01T00:00:00Z.",
    );
  }
  return {
    name,
    hash: hash?.toLowerCase(),
    steps: (steps.match(STEP_PATTERN) ?? []).map((step) => parseStep(text, step)),
  };
}

/** True for a text that no branch or tag is called, because `@` before it makes it a commit. */
export function couldBeHash(text: string): boolean {
  return new RegExp(`^${HASH}$`).test(text);
}

/** Throws `INVALID_ARGUMENT` for a name that a branch or tag cannot have, by Nessie's rules. */
export function checkReferenceName(name: string): void {
  if (typeof name !== "string") throw invalidArgument("name", "The name of a branch or tag is a text.");
  const reserved = ["HEAD", "DETACHED"].includes(name.toUpperCase()) || couldBeHash(name);
  if (NAME_PATTERN.test(name) && !reserved) return;
  throw invalidArgument(
    name,
    `${JSON.stringify(name)} cannot name a branch or a tag.`,
    "Start with a letter, go on with letters, digits and . / _ -, do not end with . or /, and avoid '..', HEAD, DETACHED and what could be a hash.",
  );
}

function parseStep(text: string, step: string): RelativeStep {
  const value = step.slice(1);
  const isTime = value.includes("T");
  if (step.startsWith("*")) return { kind: "time", time: isTime ? Date.parse(value) : Number(value) };
  if (isTime) {
    throw invalidArgument(
      text,
      `${JSON.stringify(step)} in ${JSON.stringify(text)} needs a number.`,
      "Write * before a time, ~ or ^ before a number.",
    );
  }
  return step.startsWith("~")
    ? { kind: "predecessor", count: Number(value) }
    : { kind: "parent", position: Number(value) };
}
