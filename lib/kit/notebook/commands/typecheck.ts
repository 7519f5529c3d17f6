import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { count, ink, printJson } from "sololakehouse/terminal";
import type { Project } from "../../milestones/index.js";
import { typecheckNotebooks } from "../run/typecheck.js";
import { openCheckedNotebooks } from "../run/typecheck-cache.js";

/**
 * Type-checks the cells of the given files and prints what is off. Those that have compiled before, with all that
 * they see as it is now, are not checked again.
 *
 * @param named whether a file that is not there is an error
 * @returns the exit code
 */
export async function checkNotebooks(
  project: Project,
  paths: readonly string[],
  named: boolean,
  json: boolean,
): Promise<number> {
  const there = paths.filter((path) => existsSync(path));
  const absent = paths.find((path) => !there.includes(path));
  if (named && absent !== undefined) {
    throw invalidConfig(
      absent,
      `There is no file ${absent}.`,
      "Name a milestone that has a notebook: `slh status` lists them.",
    );
  }
  const checked = await openCheckedNotebooks(project);
  const known = await Promise.all(there.map((path) => checked.has(path)));
  const unknown = there.filter((_, i) => !known[i]);
  const found = await typecheckNotebooks(unknown);
  for (const path of unknown)
    if (!found.some((diagnostic) => diagnostic.path === resolve(path))) await checked.add(path);
  await checked.save();
  if (json) {
    printJson({ checked: there.length, diagnostics: found });
    return found.length > 0 ? 1 : 0;
  }
  for (const { path, cell, executionCount, line, column, message, code } of found) {
    const where = `${relative(project.root, path)}, cell [${executionCount}] (${cell}), line ${line}:${column}`;
    const number = code === undefined ? "" : ` (TS${code})`;
    console.error(`${where}  ${ink(message, "red", process.stderr)}${number}`);
  }
  const broken = new Set(found.map(({ path }) => path)).size;
  if (broken === 0) console.log(`${count(there.length, "notebook")}: every cell compiles`);
  return broken > 0 ? 1 : 0;
}
