import { type Command, InvalidArgumentError } from "commander";
import { count, ink, printJson, printLine } from "../../terminal/index.js";
import type { GarbageReport } from "../model/garbage.js";
import { short } from "./describe.js";
import type { WithBranches } from "./with-branches.js";

interface GcFlags {
  readonly gracePeriod?: number;
  readonly dryRun?: boolean;
  readonly json?: true;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Names of commits and files that are shown at most. */
const SHOWN = 8;

/** `slh gc`. */
export function gcCommand(program: Command, withBranches: WithBranches): void {
  program
    .command("gc")
    .summary("delete what no branch or tag leads to")
    .description(
      "Finds commits that no branch, tag or recent reflog entry leads to, the files that only they refer to, and files in the tables' folders that killed writers left, and deletes all of them. What is younger than the grace period stays: work under way, and mistakes that can still be undone.",
    )
    .option("--dry-run", "say what would go, and delete nothing")
    .option("--grace-period <time>", "such as 36h; 7d where not given: longer than the longest write", period)
    .option("--json", "print all of it as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh gc --dry-run
  $ slh gc --grace-period 30d`,
    )
    .action(({ gracePeriod, dryRun = false, json }: GcFlags) =>
      withBranches(async (catalog) => {
        const report = await catalog.collectGarbage({ gracePeriodMs: gracePeriod, dryRun });
        if (json) printJson(report);
        else print(report);
      }),
    );
}

function print({ dryRun, commits, files, objects, objectBytes }: GarbageReport): void {
  if (objects === 0 && files.length === 0) {
    printLine("There is no garbage that is old enough.");
    return;
  }
  const catalog = `${count(objects, "object")} of the catalog (${(objectBytes / 1000).toFixed(1)} kB)`;
  const verb = dryRun ? "Would delete" : "Deleted";
  printLine(`${verb} ${count(commits.length, "commit")}, ${count(files.length, "file")}, ${catalog}.`);
  for (const line of [...some("commit", commits.map(short)), ...some("file", files)]) printLine(line);
}

function some(label: string, names: readonly string[]): string[] {
  const shown = names.slice(0, SHOWN).map((name) => `  ${ink(label.padEnd(6), "grey")}  ${name}`);
  const left = names.length - SHOWN;
  return left > 0 ? [...shown, ink(`  … and ${left} more; --json shows all`, "grey")] : shown;
}

function period(text: string): number {
  const [, number, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (Number.isSafeInteger(milliseconds)) return milliseconds;
  throw new InvalidArgumentError("Write a number and s, m, h or d, such as 36h.");
}
