import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { type Command, InvalidArgumentError, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import type { WithLake } from "../../room.js";
import { interruptible, printJson, printLine, toRef } from "../../terminal/index.js";
import type { QueryResult } from "../result/query-result.js";
import type { QueryContext } from "../room.js";

/** What goes to a terminal or pipe, and into files besides. */
const TEXTS = ["table", "json", "ndjson", "csv"] as const;
const FORMATS = [...TEXTS, "parquet", "arrow"] as const;

interface SqlFlags {
  readonly file?: string;
  readonly output?: string;
  readonly ref?: string;
  readonly format?: (typeof FORMATS)[number];
  readonly json?: true;
  readonly param?: Readonly<Record<string, ParameterValue>>;
}

type ParameterValue = string | number | bigint | boolean | null;

/** `slh sql`. */
export function sqlCommand(program: Command, withLake: WithLake<QueryContext>): void {
  program
    .command("sql")
    .summary("query the lakehouse in SQL")
    .description(
      "Runs statements, with semicolons between them, and prints their rows as they come. Names are namespace.table, with @ref for a branch; FOR VERSION AS OF and FOR TIMESTAMP AS OF read the past. The first statement that fails is the last.",
    )
    .argument("[query]", "what to run; from stdin where neither it nor --file is given")
    .option("-f, --file <path>", "run what is in a file, - for stdin")
    .option("-p, --param <name=value>", "a value for $name, again for others", addParameter)
    .option("--ref <name>", "branch, tag or commit on which names are looked up", toRef)
    .option(
      "-o, --output <file>",
      "write the rows of the one statement into a file, in place of what there was",
    )
    .addOption(
      new Option(
        "--format <name>",
        "what the rows are printed as, a table where not given, or what the file is, by its suffix where not given",
      ).choices(FORMATS),
    )
    .option("--json", "print the rows as JSON, the same as --format json; with --output, what was written")
    .addHelpText(
      "after",
      `
Values of parameters are numbers, true, false, null, or else text; in double quotes they are text.
A file, a path or s3://, ends in .parquet, .arrow, .feather, .csv, .ndjson, .jsonl or .json, unless --format says what it
is. It is there when all of it is: what fails or is stopped leaves the file that there was.
In JSON, longs beyond 2^53 and decimals are strings, bytes are hex, and maps are arrays of [key, value].

Examples:
  $ slh sql "select origin, count(*) from flights.bronze_flights group by 1 order by 2 desc limit 5"
  $ slh sql "select count(*) from flights.bronze_flights for timestamp as of '2026-11-01'"
  $ slh sql "select * from flights.bronze_flights limit 3" --ref main --format json
  $ slh sql "select count(*) from flights.bronze_flights where origin = $origin" -p origin=ATL
  $ slh sql --file report.sql --format csv > report.csv
  $ slh sql "select * from flights.bronze_flights where origin = 'ATL'" -o atlanta.parquet`,
    )
    .action(async (query: string | undefined, flags: SqlFlags) => {
      const text = await readQuery(query, flags.file);
      await withLake((context) => interruptible((signal) => runStatements(context, text, flags, signal)));
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
  flags: SqlFlags,
  signal: AbortSignal,
): Promise<void> {
  const { ref, param = {} } = flags;
  const { splitStatements } = await import("../text/statements.js");
  const put = await destination(flags);
  const { statements, rest } = splitStatements(text.replace(/^\uFEFF/, ""));
  const all = rest.trim() === "" ? statements : [...statements, rest];
  if (all.length === 0)
    throw invalidArgument("slh sql", "There is no statement in it.", 'Write slh sql "select …".');
  if (all.length > 1 && flags.output !== undefined) {
    throw invalidArgument(
      "--output",
      `There are ${all.length} statements, and a file takes the rows of one.`,
      "Run them one by one.",
    );
  }
  const names = Object.keys(param);
  const unused = names.find((name) => !all.some((statement) => hasParameter(statement, name)));
  if (unused !== undefined)
    throw invalidArgument("--param", `There is no parameter $${unused} in it.`, "Leave the value out.");
  for (const statement of all) {
    const own = names.filter((name) => hasParameter(statement, name));
    const params = Object.fromEntries(own.map((name) => [name, param[name] as ParameterValue]));
    await put(await engine.sql(statement, { ref, signal, ...(own.length > 0 && { params }) }), signal);
    signal.throwIfAborted();
  }
}

/** What becomes of a result. Flags that do not go together are refused before anything runs. */
async function destination({
  output,
  json,
  format,
}: SqlFlags): Promise<(result: QueryResult, signal: AbortSignal) => Promise<void>> {
  if (output !== undefined) {
    const { fileFormat, writeResultFile, writtenLine } = await import("../shell/output-file.js");
    const kind = fileFormat(output, format);
    return async (result) => {
      const written = await writeResultFile(result, output, kind);
      if (json) printJson({ ...written, rows: Number(written.rows), bytes: Number(written.bytes) });
      else printLine(writtenLine(output, written));
    };
  }
  if (json && format !== undefined && format !== "json")
    throw invalidArgument("--json", `It says JSON, and --format says ${format}.`, "Give one of them.");
  const { printResult } = await import("../shell/print.js");
  const text = TEXTS.find((each) => each === (format ?? (json ? "json" : "table")));
  if (text === undefined)
    throw invalidArgument("--format", `${format} is for files.`, `Add -o rows.${format}.`);
  return (result, signal) => printResult(result, text, { signal });
}

const hasParameter = (statement: string, name: string): boolean =>
  new RegExp(`\\$${name}(?![\\w$])`).test(statement);

/** Adds `name=value` to those before. */
function addParameter(
  text: string,
  before: Readonly<Record<string, ParameterValue>> = {},
): Readonly<Record<string, ParameterValue>> {
  const [, name, value] = /^\$?([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("Write it as name=value.");
  return { ...before, [name]: parameterValue(value) };
}

function parameterValue(text: string): ParameterValue {
  if (/^-?\d+$/.test(text)) {
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
  }
  if (!/^(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null|".*")$/s.test(text)) return text;
  try {
    return JSON.parse(text) as ParameterValue;
  } catch {
    return text;
  }
}
