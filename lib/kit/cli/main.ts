/** The command `slh`. Each group of commands lives with the room that it serves; here they are put together. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addLakehouseCommands } from "sololakehouse/cli";
import { run } from "sololakehouse/terminal";
import { contentCommands } from "../content/commands.js";
import { notebookCommands } from "../notebook/commands.js";
import { resetCommand } from "./reset.js";
import { statusCommand } from "./status.js";

export async function buildProgram(): Promise<Command> {
  const program = new Command("slh")
    .description("SoloLakehouse: notebooks, what is made from them, and the lakehouse that they run on.")
    .showHelpAfterError("(add --help for what it takes)")
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      "after",
      `
Examples:
  $ slh run                    run the notebooks that are not fresh on this machine
  $ slh status m03             what milestone M3 still lacks
  $ slh sql "select 1"         ask the lakehouse
  $ slh log --graph            what became of its tables, on all branches
  $ slh help run               more about a command

Exit codes: 0 done, 1 something failed or is not in order, 2 wrong usage, 130 stopped.`,
    );
  notebookCommands(program);
  contentCommands(program);
  statusCommand(program);
  await addLakehouseCommands(program);
  resetCommand(program);
  return program;
}

/** The kit's, from above the build. */
function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Runs the command line of this process and sets its exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  // A reader that has seen enough (`| head`) closes the pipe: no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    // A full disk, mostly: what was printed is not whole, and nothing that follows would be.
    console.error(`error  The output cannot be written: ${error.message}.`);
    process.exit(1);
  });
  process.exitCode = await run((await buildProgram()).version(version()), argv);
}
