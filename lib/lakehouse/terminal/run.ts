import type { Command } from "commander";
import { isLakehouseError, type LakehouseError } from "../errors.js";
import { printable } from "./characters.js";
import { ink } from "./text.js";

/**
 * Runs a command line and gives its exit code. Errors become what a person at a terminal needs: what failed, why, and
 * what to do; where the command line asks for JSON, a line of JSON with the same, `{"error": {"code", "subject",
 * "message", "remedy"}}`. A command that is not content without having failed sets `process.exitCode` itself.
 */
export async function run(program: Command, argv: readonly string[]): Promise<number> {
  const asJson = asksForJson(argv.slice(2));
  forEachCommand(program, (command) => {
    command.exitOverride();
    if (asJson) command.configureOutput({ writeErr: () => {} });
  });
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const misuse = isCommanderError(error);
    if (misuse && error.exitCode === 0) return 0;
    // For people commander has printed its message already.
    if (asJson || !misuse) reportError(error, asJson);
    return misuse ? 2 : 1;
  }
}

function forEachCommand(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) forEachCommand(child, apply);
}

/** By the words themselves, since a command line that is wrong is no command's yet. */
function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  const options = end < 0 ? words : words.slice(0, end);
  return options.some(
    (word, index) =>
      word === "--json" ||
      /^--format=(nd)?json$/.test(word) ||
      (options[index - 1] === "--format" && /^(nd)?json$/.test(word)),
  );
}

interface JsonError {
  readonly code: string;
  readonly subject?: string | undefined;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** USAGE is a command line that is none; UNEXPECTED what nobody foresaw, with its trace. */
function errorToJson(error: unknown): JsonError {
  if (isLakehouseError(error)) {
    const { code, subject, remedy } = error;
    return { code, subject, message: withoutRemedy(error), remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (isCommanderError(error)) {
    const [, subject] = /'([^']*)'/.exec(message) ?? [];
    const remedy = "Add --help for what it takes.";
    return { code: "USAGE", subject, message: message.replace(/^error: /, "").trim(), remedy };
  }
  return { code: "UNEXPECTED", message: error instanceof Error ? (error.stack ?? message) : message };
}

/** An error's message ends in its remedy. */
function withoutRemedy({ message, remedy }: LakehouseError): string {
  return remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message;
}

/** Prints an error as people need it: what failed, why, and what to do; or as a line of JSON. */
export function reportError(error: unknown, asJson = false): void {
  if (asJson) {
    console.error(JSON.stringify({ error: errorToJson(error) }));
    return;
  }
  const failed = ink("error", "red", process.stderr);
  if (isLakehouseError(error)) {
    const { code, remedy } = error;
    const shown = `${code}: ${withoutRemedy(error)}${remedy ? `\n       ${remedy}` : ""}`;
    console.error(`${failed}  ${printable(shown)}`);
    return;
  }
  // Not foreseen, so the trace is the best there is.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`${failed}  ${printable(text)}`);
}

const isCommanderError = (error: unknown): error is Error & { exitCode: number } =>
  error instanceof Error &&
  "exitCode" in error &&
  "code" in error &&
  String(error.code).startsWith("commander.");
