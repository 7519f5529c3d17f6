/**
 * The command `slh`. Each group of commands lives with the room that it serves; here they are put together, and
 * errors become what a person at a terminal needs: what failed, why, and what to do.
 */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { isLakehouseError } from "sololakehouse";
import { contentCommands } from "../content/commands.js";
import { ink } from "../look/index.js";
import { notebookCommands } from "../notebook/commands.js";
import { catalogCommands } from "./catalog.js";
import { lakeCommands } from "./lake.js";
import { resetCommand } from "./reset.js";
import { statusCommand } from "./status.js";
import { tableCommands } from "./table.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

export function buildProgram(): Command {
  const program = new Command("slh")
    .description("SoloLakehouse: notebooks, what is made from them, and the lakehouse that they run on.")
    .version(version)
    .showHelpAfterError("(add --help for what it takes)")
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      "after",
      `
Examples:
  $ slh run                    run the notebooks that are not fresh on this machine
  $ slh status m03             what milestone M3 still lacks
  $ slh sql "select 1"         ask the lakehouse
  $ slh help run               more about a command

Exit codes: 0 done, 1 something failed or is not in order, 2 wrong usage, 130 stopped.`,
    );
  notebookCommands(program);
  contentCommands(program);
  statusCommand(program);
  lakeCommands(program);
  tableCommands(program);
  catalogCommands(program);
  resetCommand(program);
  return program;
}

/** Runs the command line and sets the exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  const program = buildProgram();
  forEachCommand(program, (command) => command.exitOverride());
  // A reader that has seen enough (`| head`) closes the pipe: no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function forEachCommand(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) forEachCommand(child, apply);
}

/** Prints an error and gives the exit code that it stands for. */
function report(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : 2;
  const failed = ink("error", "red", process.stderr);
  if (isLakehouseError(error)) {
    const { message, remedy } = error;
    const what = remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message;
    console.error(`${failed}  ${error.code}: ${what}${remedy ? `\n       ${remedy}` : ""}`);
    return 1;
  }
  // Not foreseen, so the trace is the best there is.
  console.error(`${failed}  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return 1;
}

/** Commander has printed its message already. */
const isCommanderError = (error: unknown): error is { exitCode: number } =>
  error instanceof Error &&
  "exitCode" in error &&
  "code" in error &&
  String(error.code).startsWith("commander.");
