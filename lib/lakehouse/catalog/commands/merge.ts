import { type Command, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import { columns, count, ink, printJson, printLine, toRef } from "../../terminal/index.js";
import type { BranchingCatalog, Into } from "../model/branching-catalog.js";
import type { Conflict } from "../model/conflicts.js";
import type { CombineOptions, MergeOptions, MergeResult } from "../model/merging.js";
import { diffLines, diffToJson, short } from "./describe.js";
import type { DiffTables, WithBranches } from "./with-branches.js";

interface CombineFlags {
  readonly into?: string;
  readonly take?: readonly string[];
  readonly keep?: readonly string[];
  readonly message?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

interface MergeFlags extends CombineFlags {
  readonly fastForward: NonNullable<MergeOptions["fastForward"]>;
}

/** `slh merge`. */
export function mergeCommand(program: Command, withBranches: WithBranches): void {
  combining(program.command("merge"))
    .summary("bring a branch's changes into another")
    .description(
      "Brings all that a branch, tag or commit has changed into another branch, as one commit. Changes to different tables merge, and so do two to one table that only append; any other two to one table conflict, and then nothing happens.",
    )
    .argument("<source>", "branch, tag or commit", toRef)
    .addOption(
      new Option("--fast-forward <when>", "move the branch without a commit where it has nothing of its own")
        .choices(["never", "allow", "only"] as const)
        .default("never"),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ slh merge etl --dry-run
  $ slh merge etl
  $ slh merge etl --into release --take flights.silver -m "Release the fares"`,
    )
    .action((source: string, { fastForward, ...flags }: MergeFlags) =>
      withBranches((catalog, diff) =>
        combine(catalog, diff, flags, {
          done: "Merged",
          source,
          sides: true,
          run: (options) => catalog.merge(source, { ...options, fastForward }),
        }),
      ),
    );
}

/** `slh cherry-pick`. */
export function cherryPickCommand(program: Command, withBranches: WithBranches): void {
  combining(program.command("cherry-pick"))
    .summary("apply single commits from elsewhere")
    .description(
      "Applies what single commits changed to a branch, oldest first, each as a commit with the same message and author. All of them, or none.",
    )
    .argument("<commit...>", "hashes, or branches for their newest commit")
    .addHelpText(
      "after",
      `
Examples:
  $ slh cherry-pick 3f2a9c1b77e0
  $ slh cherry-pick etl --into release`,
    )
    .action((commits: string[], flags: CombineFlags) =>
      withBranches((catalog, diff) =>
        combine(catalog, diff, flags, {
          done: "Applied",
          source: commits.join(", "),
          sides: false,
          run: (options) => catalog.transplant(commits.map(toRef), options),
        }),
      ),
    );
}

/** `slh revert`. */
export function revertCommand(program: Command, withBranches: WithBranches): void {
  combining(program.command("revert"))
    .summary("undo single commits by new ones")
    .description(
      "Undoes what single commits changed, each by a new commit, so that the history keeps both. All of them, or none. Tables that changed since are conflicts.",
    )
    .argument("<commit...>", "hashes, or branches for their newest commit")
    .addHelpText(
      "after",
      `
Examples:
  $ slh revert 3f2a9c1b77e0
  $ slh revert main`,
    )
    .action((commits: string[], flags: CombineFlags) =>
      withBranches((catalog, diff) =>
        combine(catalog, diff, flags, {
          done: "Reverted",
          source: commits.join(", "),
          sides: false,
          run: (options) => catalog.revert(commits.map(toRef), options),
        }),
      ),
    );
}

/** `slh rollback`. */
export function rollbackCommand(program: Command, withBranches: WithBranches): void {
  program
    .command("rollback")
    .summary("set a branch back to an earlier commit")
    .description(
      "Sets a branch back to a commit of its own history: every table at once. What came after is no longer on it; the reflog knows where it is.",
    )
    .argument("<commit>", "where to: main~1, a hash, a tag, main*2026-11-01T00:00:00Z", toRef)
    .option("--branch <name>", "the branch to set back; main where not given")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh rollback main~1
  $ slh rollback release-2026-11 --branch main`,
    )
    .action((to: string, { branch, json }: { branch?: string; json?: true }) =>
      withBranches(async (catalog, diff) => {
        const name = branch ?? catalog.ref;
        const before = await catalog.on(name).hash();
        const wanted = await catalog.on(to).hash();
        const moved = wanted !== before;
        const { hash } = moved
          ? await catalog.rollback(to, { into: name, expectedHash: before })
          : { hash: before };
        const diffs = await diff(`@${before}`, `@${hash}`);
        if (json) {
          printJson({ branch: name, before, after: hash, changes: diffToJson(diffs) });
          return;
        }
        if (!moved) {
          printLine(`${name} is at ${short(hash)} already.`);
          return;
        }
        printLine(`${ink(name, "bold")} is back at ${ink(short(hash), "amber")}.`);
        for (const line of diffLines(diffs)) printLine(line);
        printLine(
          ink(`It was at ${short(before)}: slh branch <name> --from ${short(before)} keeps that.`, "grey"),
        );
      }),
    );
}

function combining(command: Command): Command {
  return command
    .option("--into <branch>", "the branch to change; main where not given")
    .option("--take <table...>", "where both sides changed these tables, take the source's (FORCE)")
    .option("--keep <table...>", "leave these tables as the branch has them (DROP)")
    .option("-m, --message <text>", "the commit's message")
    .option("--dry-run", "say what would happen, and do nothing")
    .option("--json", "print the result as JSON");
}

interface Combination {
  /** "Merged" */
  readonly done: string;
  readonly source: string;
  /** Whether there is a common commit from which both sides can be compared. */
  readonly sides: boolean;
  readonly run: (options: CombineOptions & Into) => Promise<MergeResult>;
}

async function combine(
  catalog: BranchingCatalog,
  diff: DiffTables,
  flags: CombineFlags,
  how: Combination,
): Promise<void> {
  const { take = [], keep = [], message, dryRun = false, json = false } = flags;
  const both = take.find((name) => keep.includes(name));
  if (both !== undefined) {
    throw invalidArgument(
      both,
      `${both} cannot both be taken and be kept; nothing was changed.`,
      "Name it with --take or with --keep.",
    );
  }
  const into = flags.into ?? catalog.ref;
  const options: CombineOptions & Into = {
    into,
    behaviors: [
      ...take.map((name) => ({ key: name.split("."), behavior: "FORCE" as const })),
      ...keep.map((name) => ({ key: name.split("."), behavior: "DROP" as const })),
    ],
    ...(message === undefined ? {} : { message }),
  };
  const { commitConflict } = await import("../../iceberg/index.js");
  let result: MergeResult;
  try {
    result = await how.run({ ...options, dryRun });
  } catch (error) {
    if (!commitConflict.is(error)) throw error;
    // The dry run meets the same conflicts, and tells from where both sides were compared.
    result = await how.run({ ...options, dryRun: true });
    if (conflictsIn(result).length === 0) throw error;
  }
  const conflicts = conflictsIn(result);
  if (json) {
    const diffs = result.applied ? await diff(`@${result.before}`, `@${result.after}`) : [];
    const { applied, before, after, mergeBase } = result;
    printJson({
      applied,
      into,
      before,
      after,
      mergeBase,
      conflicts: conflicts.map(conflictToJson),
      changes: diffToJson(diffs),
    });
    if (conflicts.length > 0) process.exitCode = 1;
    return;
  }
  if (conflicts.length > 0) throw commitConflict(into, ...reportConflicts(how, into, result, conflicts));
  if (dryRun) return describePlan(diff, how, into, result);
  if (!result.applied) {
    printLine(`There is nothing to do: ${into} has it already.`);
    return;
  }
  printLine(
    `${how.done} ${how.source} ${how.done === "Reverted" ? "in" : "into"} ${ink(into, "bold")}: ${ink(short(result.after), "amber")}`,
  );
  for (const line of diffLines(await diff(`@${result.before}`, `@${result.after}`))) printLine(line);
}

/** What a dry run found: with counts where both sides have a commit in common to count from. */
async function describePlan(
  diff: DiffTables,
  { source, sides }: Combination,
  into: string,
  { keys, mergeBase }: MergeResult,
): Promise<void> {
  const taken = keys.filter(({ behavior }) => behavior !== "DROP").map(({ key }) => key.join("."));
  if (taken.length === 0) {
    printLine(`There is nothing to do: ${into} has it already.`);
    return;
  }
  printLine(`No conflict. ${ink(into, "bold")} would take ${count(taken.length, "change")}:`);
  if (!sides || mergeBase === undefined) {
    for (const name of taken) printLine(`  ${ink("~", "amber")}  ${name}`);
    return;
  }
  const diffs = await diff(`@${mergeBase}`, source);
  for (const line of diffLines(diffs.filter(({ name }) => taken.includes(name)))) printLine(line);
}

const conflictsIn = ({ keys }: MergeResult): Conflict[] => keys.flatMap(({ conflict }) => conflict ?? []);

const conflictToJson = ({ type, key, message }: Conflict) => ({ type, name: key?.join("."), message });

/** Prints the conflicts one by one, and sums them up: a message, and what can be done. */
function reportConflicts(
  { source, sides }: Combination,
  into: string,
  { mergeBase, keys }: MergeResult,
  conflicts: readonly Conflict[],
): [message: string, remedy: string] {
  const rows = conflicts.map(({ type, key, message }) => [
    ink("conflict", "red", process.stderr),
    key?.join(".") ?? "",
    type,
    message,
  ]);
  for (const line of columns(rows, "<<<<")) console.error(line);
  const names = [...new Set(conflicts.map(({ key }) => key?.join(".") ?? ""))].join(" ");
  const look =
    sides && mergeBase !== undefined
      ? `Look at both sides: slh diff ${short(mergeBase)} ${into}, slh diff ${short(mergeBase)} ${source}.\n       `
      : "";
  return [
    `${conflicts.length} of ${count(keys.length, "change")} from ${source} cannot go into ${into}; nothing was changed.`,
    `${look}Take the source's with --take ${names}, or leave the branch's with --keep ${names}.`,
  ];
}
