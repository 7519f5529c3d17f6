import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import type { WithLake } from "../../room.js";
import { toRef } from "../../terminal/index.js";
import type { QueryContext } from "../room.js";

const FORMATS = ["table", "json", "ndjson", "csv"] as const;

interface SqlFlags {
  readonly file?: string;
  readonly ref?: string;
  readonly format?: (typeof FORMATS)[number];
  readonly json?: true;
}

/** `slh sql`. */
export function sqlCommand(program: Command, withLake: WithLake<QueryContext>): void {
  program
    .command("sql")
    .summary("ask the lakehouse in SQL")
    .description(
      "Runs statements, with semicolons between them, and prints their rows as they come. Names are namespace.table, with @ref for a branch; FOR VERSION AS OF and FOR TIMESTAMP AS OF read the past. The first statement that fails is the last.",
    )
    .argument("[query]", "what to run; from stdin where neither it nor --file is given")
    .option("-f, --file <path>", "run what is in a file, - for stdin")
    .option("--ref <name>", "branch, tag or commit on which names are looked up", toRef)
    .addOption(
      new Option("--format <name>", "how to print the rows; a table where not given").choices(FORMATS),
    )
    .addOption(new Option("--json", "the same as --format json").conflicts("format"))
    .addHelpText(
      "after",
      `
In JSON, longs beyond 2^53 and decimals are strings, bytes are hex, and maps are arrays of [key, value].

Examples:
  $ slh sql "select origin, count(*) from flights.bronze_flights group by 1 order by 2 desc limit 5"
  $ slh sql "select count(*) from flights.bronze_flights for timestamp as of '2026-11-01'"
  $ slh sql "select * from flights.bronze_flights limit 3" --ref main --format json
  $ slh sql --file report.sql --format csv > report.csv`,
    )
    .action(async (query: string | undefined, flags: SqlFlags) => {
      const text = await readQuery(query, flags.file);
      await withLake((context) => runStatements(context, text, flags));
    });
}

async function readQuery(query: string | undefined, file: string | undefined): Promise<string> {
  if (query !== undefined && file !== undefined)
    throw invalidArgument("--file", "There is a query, and a file with another.", "Give one of them.");
  if (query !== undefined && query !== "-") return query;
  if (file !== undefined && file !== "-") {
    return readFile(file, "utf8").catch((cause: Error) => {
      throw invalidArgument(file, `${file} cannot be read: ${cause.message}.`, "Name a file of SQL.", cause);
    });
  }
  if (process.stdin.isTTY && query === undefined && file === undefined) {
    throw invalidArgument(
      "slh sql",
      "There is no query.",
      'Write slh sql "select …", or slh shell for several.',
    );
  }
  return textOf(process.stdin);
}

async function runStatements(
  { engine }: QueryContext,
  text: string,
  { ref, json, format = json ? "json" : "table" }: SqlFlags,
): Promise<void> {
  const { splitStatements } = await import("../text/statements.js");
  const { printResult } = await import("../shell/print.js");
  const { statements, rest } = splitStatements(text.replace(/^\uFEFF/, ""));
  const all = rest.trim() === "" ? statements : [...statements, rest];
  if (all.length === 0)
    throw invalidArgument("slh sql", "There is no statement in it.", 'Write slh sql "select …".');
  for (const statement of all) await printResult(await engine.sql(statement, { ref }), format);
}
