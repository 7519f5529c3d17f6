import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { invalidConfig } from "sololakehouse/errors";
import { findProject } from "../milestones/index.js";

/** `slh reset`. */
export function resetCommand(program: Command): void {
  program
    .command("reset")
    .summary("delete what runs on this machine left behind")
    .description(
      "Deletes .lake: the tables, their catalog, executed notebooks and caches. Sources and committed outputs stay. Asks first.",
    )
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      `
Examples:
  $ slh reset
  $ slh reset --yes && npm start`,
    )
    .action(async ({ yes }: { yes?: boolean }) => {
      const { lake, root } = findProject();
      const elsewhere = process.env.SLH_LAKE && resolve(process.env.SLH_LAKE) !== lake;
      if (elsewhere) console.log(`SLH_LAKE is ${process.env.SLH_LAKE}: that folder is left alone.`);
      if (!existsSync(lake)) {
        console.log("There is nothing to delete.");
        return;
      }
      if (!yes && !(await agreed(`Delete ${relative(process.cwd(), lake) || lake} with all its tables?`))) {
        console.log("Nothing was deleted.");
        return;
      }
      await rm(lake, { recursive: true, force: true });
      console.log(`Deleted ${relative(root, lake)}. npm start makes it anew.`);
    });
}

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw invalidConfig(
      "slh reset",
      "slh reset asks before it deletes, and here nobody can answer.",
      "Add --yes.",
    );
  }
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({ message: question, initialValue: false });
  return !isCancel(answer) && answer;
}
