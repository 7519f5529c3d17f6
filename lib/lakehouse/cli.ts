/** The command `slh`: the lakehouse's commands, and those of `@sololakehouse/kit` where that is installed. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { resetCommand } from "./reset-command.js";
import { addLakehouseCommands } from "./room-commands.js";
import { runProcess } from "./run-process.js";

/** What a package that adds commands to `slh` exports as `./commands`. */
export interface MoreCommands {
  addCommands(program: Command): void;
  /** Lines for the examples of `slh --help`. */
  readonly examples: readonly string[];
  /** Names of what it keeps in a lakehouse's folder, which `slh reset` deletes. */
  keptIn(root: string): readonly string[];
}

const KIT = "@sololakehouse/kit";

/** The command line; with the kit's commands, or a word on where they are to be had. */
export async function buildProgram(kit: MoreCommands | undefined): Promise<Command> {
  const program = new Command("slh")
    .description(
      kit === undefined
        ? "SoloLakehouse: Iceberg tables, their branches, and SQL over them."
        : "SoloLakehouse: notebooks, what is made from them, and the lakehouse that they run on.",
    )
    .showHelpAfterError("(add --help for what it takes)")
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      "after",
      `
Examples:
${[...(kit?.examples ?? []), ...EXAMPLES].map((line) => `  $ ${line}`).join("\n")}
${kit === undefined ? `\nNotebooks and what is made from them (slh run, new, lab, content): npm install ${KIT}\n` : ""}`,
    )
    .addHelpText(
      "afterAll",
      "\nExit codes: 0 done, 1 something failed or is not in order, 2 wrong usage, 130 stopped.",
    );
  kit?.addCommands(program);
  await addLakehouseCommands(program);
  resetCommand(program, kit?.keptIn ?? (() => []));
  return program;
}

const EXAMPLES = [
  'slh sql "select 1"         ask the lakehouse',
  "slh log --graph            what became of its tables, on all branches",
  "slh help sql               more about a command",
];

/**
 * The kit's commands: of the kit beside this package, else of the one that the working folder's packages can import.
 * One that does not load is told of, and leaves the rest at work.
 */
async function findKit(): Promise<MoreCommands | undefined> {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    const path = resolved(from);
    if (path === undefined) continue;
    try {
      return (await import(pathToFileURL(path).href)) as MoreCommands;
    } catch (error) {
      console.error(
        `warning  ${KIT} does not load, and its commands are missing (${(error as Error).message}).`,
      );
      return undefined;
    }
  }
  return undefined;
}

function resolved(from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${KIT}/commands`);
  } catch {
    // Not installed there.
    return undefined;
  }
}

/** Runs the command line of this process and sets its exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  await runProcess(await buildProgram(await findKit()), argv);
}
