/** The command `streamctl`: the log's, apart from `slh`, since it speaks to servers on other machines as well. */
import { Command } from "commander";
import { streamCommands } from "./log/room.js";
import { openFor, telemetryOption } from "./room-commands.js";
import { runProcess } from "./run-process.js";

/** The command line. */
export async function buildStreamctl(): Promise<Command> {
  const program = new Command("streamctl")
    .description("The streaming log of a lakehouse: topics, records, and a server for them.")
    .showHelpAfterError("(add --help for what it takes)")
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      "after",
      `
It speaks to the server that runs on the lakehouse of this place (slh config says where that is), or opens the log
itself where none runs; with --server <url>, to that one.

Examples:
  $ streamctl topic create flights
  $ streamctl produce flights "HNL late" && streamctl consume flights
  $ streamctl help consume           more about a command`,
    )
    .addHelpText(
      "afterAll",
      "\nExit codes: 0 done, 1 something failed or is not in order, 2 wrong usage, 130 stopped.",
    );
  const addStreamCommands = await streamCommands();
  addStreamCommands(program, openFor(program));
  telemetryOption(program);
  return program;
}

/** Runs the command line of this process and sets its exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  await runProcess(await buildStreamctl(), argv);
}
