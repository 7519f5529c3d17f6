import { createInterface } from "node:readline";
import type { Command } from "commander";
import type { WithLake } from "../../room.js";
import { toRef } from "../../terminal/index.js";
import type { QueryContext } from "../room.js";

/** `slh shell`. */
export function shellCommand(program: Command, withLake: WithLake<QueryContext>): void {
  program
    .command("shell")
    .summary("query the lakehouse at a prompt")
    .description(
      "Reads statements, each up to its semicolon, and prints what they give. On a terminal it has a history, completes tables, columns and branches with Tab, and Ctrl-C ends a statement and not the shell; .help says what else there is. Where its input is no terminal it runs what comes in, goes on after errors, and ends with exit code 1 if there were any.",
    )
    .option("--ref <name>", "branch, tag or commit to begin on", toRef)
    .addHelpText(
      "after",
      `
What was typed is kept in $XDG_STATE_HOME/sololakehouse/shell-history (~/.local/state where that is not set), for you
alone; a line that begins with a space is not.

Examples:
  $ slh shell
  $ slh shell --ref etl
  $ slh shell < report.sql`,
    )
    .action(({ ref }: { ref?: string }) => withLake((context) => shell(context, ref)));
}

async function shell(context: QueryContext, ref: string | undefined): Promise<void> {
  const { Session } = await import("../shell/session.js");
  const session = new Session(context);
  if (ref !== undefined) await session.switchTo(ref);
  if (process.stdin.isTTY && process.stdout.isTTY) {
    const { runAtTerminal } = await import("../shell/terminal.js");
    const { History, historyFile } = await import("../shell/history.js");
    session.timing = true;
    console.log("SQL, up to a semicolon; .help for more.");
    await runAtTerminal(session, new History(historyFile()));
    return;
  }
  for await (const line of createInterface({ input: process.stdin })) await session.line(line);
  await session.end();
  if (session.hasFailed) process.exitCode = 1;
}
