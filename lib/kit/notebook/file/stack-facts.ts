import { existsSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { invalidConfig } from "sololakehouse/errors";
import type { FactValue, RecordedNotebook } from "./recorded.js";

export interface StackFact {
  readonly value: FactValue;
  readonly unit?: string | undefined;
  /** Absent for what is the same each time. */
  readonly volatile?: true | undefined;
}

/** Hashes of what a run was made from, short enough to be committed beside each notebook. */
export interface MadeFrom {
  readonly cells: string;
  readonly library: string;
  readonly lock: string;
  readonly data: string;
  readonly tslab: string;
}

/** What a notebook recorded when it ran on the stack: `notebook.stack.json`, beside the notebook with what it recorded embedded. */
export interface StackFacts {
  /** Versions of services, by their names. */
  readonly services: Readonly<Record<string, string>>;
  readonly made: MadeFrom;
  /** Names of data sets and paths of files that cells have read, which `made.data` is a hash of. */
  readonly datasets: readonly string[];
  readonly files: readonly string[];
  readonly facts: Readonly<Record<string, StackFact>>;
}

export const stackFactsPath = (notebook: string): string => notebook.replace(/\.ipynb$/, ".stack.json");

/**
 * Those of a notebook; undefined where it has none.
 *
 * @throws LakehouseError INVALID_CONFIG where the file is no JSON.
 */
export function readStackFacts(notebook: string): StackFacts | undefined {
  const path = stackFactsPath(notebook);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as StackFacts;
  } catch (cause) {
    const why = `${path} is not JSON: ${(cause as Error).message}`;
    throw invalidConfig(path, why, "Make it anew: slh run --profile stack --save.", cause);
  }
}

/** Written beside and renamed: a fact a line, so that a diff tells which has changed. */
export async function writeStackFacts(notebook: string, stack: StackFacts): Promise<void> {
  const { facts, ...rest } = stack;
  const head = Object.entries(rest).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  const lines = Object.entries(facts).map(
    ([name, fact]) => `    ${JSON.stringify(name)}: ${JSON.stringify(fact)}`,
  );
  const path = stackFactsPath(notebook);
  const text = `{\n${head.join(",\n")},\n  "facts": {\n${lines.join(",\n")}\n  }\n}\n`;
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** @param before those of an earlier run, whose volatile values stay. */
export function stackFactsOf(
  { facts }: Pick<RecordedNotebook, "facts">,
  before: StackFacts["facts"] = {},
): StackFacts["facts"] {
  const one = (name: string, value: FactValue, unit: string | undefined, isVolatile: boolean): StackFact => {
    const old = before[name];
    const kept = isVolatile && old?.volatile === true && old.unit === unit ? old.value : value;
    return { value: kept, unit, ...(isVolatile ? { volatile: true } : {}) };
  };
  return Object.fromEntries(
    [...facts.values()].map(({ name, value, unit, volatile }) => [name, one(name, value, unit, volatile)]),
  );
}
