import type { Command } from "commander";
import { invalidArgument } from "./errors.js";
import { ask, count, ink, printJson, printLine } from "./terminal/index.js";

interface ResetFlags {
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/**
 * `slh reset`.
 *
 * @param othersIn names of what packages beside this one keep in a lakehouse's folder.
 */
export function resetCommand(program: Command, othersIn: (root: string) => readonly string[]): void {
  program
    .command("reset")
    .summary("delete the lakehouse of this place, with all its tables")
    .description(
      "Deletes the lakehouse that the settings in force name: its catalog with all branches, the tables in its folder, and caches. What else lies in the folder stays, and so do tables that are kept outside of it. Asks first; refuses while another process has it open.",
    )
    .option("--yes", "do not ask")
    .option("--dry-run", "say what would go, and delete nothing")
    .option("--json", "print what was deleted as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh reset --dry-run
  $ slh reset --yes && slh init`,
    )
    .action(async ({ yes, dryRun, json }: ResetFlags) => {
      const { resolveProfile } = await import("./profile.js");
      const { planReset, reset } = await import("./reset.js");
      const profile = resolveProfile();
      const { root } = profile;
      const plan = await planReset(profile, othersIn(root));
      if (plan.deletes.length > 0 && dryRun !== true) {
        if (yes !== true && !(await isAgreed(root))) {
          printLine("Nothing was deleted.");
          return;
        }
        await reset(profile, plan);
      }
      if (json) printJson({ dryRun: dryRun === true, ...plan });
      else for (const line of linesOf(plan, dryRun === true)) printLine(line);
    });
}

function linesOf(
  { root, deletes, leaves, warehouseLeft }: Awaited<ReturnType<typeof import("./reset.js").planReset>>,
  isDry: boolean,
): string[] {
  if (deletes.length === 0) return [`There is nothing to delete in ${root}.`];
  return [
    `${isDry ? "Would delete" : "Deleted"} the lakehouse in ${ink(root, "bold")}.`,
    ...(isDry ? deletes.map((path) => `  ${path}`) : []),
    ...(leaves.length > 0
      ? [`${count(leaves.length, "other entry", "other entries")} stay there: ${leaves.join(", ")}.`]
      : []),
    ...(warehouseLeft === undefined ? [] : [`Files of tables stay in ${warehouseLeft}.`]),
  ];
}

async function isAgreed(root: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw invalidArgument(
      "slh reset",
      "slh reset asks before it deletes, and here nobody can answer.",
      "Look at slh reset --dry-run, then add --yes.",
    );
  }
  return /^y(es)?$/i.test(await ask(`Delete the lakehouse in ${root} with all its tables? yes or no`, "no"));
}
