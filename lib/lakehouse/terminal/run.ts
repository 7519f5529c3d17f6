import type { Command } from "commander";
import { isLakehouseError } from "../errors.js";
import { printable } from "./characters.js";
import { ink } from "./text.js";

/**
 * Runs a command line and gives its exit code. Errors become what a person at a terminal needs: what failed, why, and
 * what to do. A command that is not content without having failed sets `process.exitCode` itself.
 */
export async function run(program: Command, argv: readonly string[]): Promise<number> {
  forEachCommand(program, (command) => command.exitOverride());
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}

function forEachCommand(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) forEachCommand(child, apply);
}

/** Gives the exit code that an error stands for, and prints it. */
function report(error: unknown): number {
  // Commander has printed its message already.
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : 2;
  reportError(error);
  return 1;
}

/** Prints an error as people need it: what failed, why, and what to do. */
export function reportError(error: unknown): void {
  const failed = ink("error", "red", process.stderr);
  if (isLakehouseError(error)) {
    const { message, remedy } = error;
    const what = remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message;
    console.error(`${failed}  ${printable(`${error.code}: ${what}${remedy ? `\n       ${remedy}` : ""}`)}`);
    return;
  }
  // Not foreseen, so the trace is the best there is.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`${failed}  ${printable(text)}`);
}

const isCommanderError = (error: unknown): error is { exitCode: number } =>
  error instanceof Error &&
  "exitCode" in error &&
  "code" in error &&
  String(error.code).startsWith("commander.");
