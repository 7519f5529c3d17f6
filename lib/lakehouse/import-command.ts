import { type Command, Option } from "commander";
import { invalidArgument } from "./errors.js";
import type { Source, Table } from "./iceberg/index.js";
import type { Lakehouse } from "./lakehouse.js";
import { ask, count, ink, printJson, printLine, toRef } from "./terminal/index.js";

type Format = "csv" | "json" | "ndjson" | "parquet";

interface ImportFlags {
  readonly table: string;
  readonly format?: Format;
  readonly ref?: string;
  readonly inPlace?: true;
  readonly hivePartitioning: boolean;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** What was imported, or would be. */
interface Imported {
  readonly table: string;
  readonly isNew: boolean;
  readonly isInPlace: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** `null` where nothing was written. */
  readonly rows: number | null;
}

/** `slh import`: files become a table, or rows of one. */
export function importCommand(program: Command): void {
  program
    .command("import")
    .summary("make a table from files, or append them to one")
    .description(
      "Makes a table from Parquet, CSV, JSON or NDJSON files, or appends them to the one of that name. First shows the columns and types that it finds in them, and asks.",
    )
    .argument("<files...>", "paths, file:// or s3:// URIs, or globs of them")
    .requiredOption("--table <name>", "as namespace.table")
    .addOption(
      new Option("--format <name>", "what the files are, where their endings do not tell").choices([
        "csv",
        "json",
        "ndjson",
        "parquet",
      ]),
    )
    .option("--ref <name>", "the branch to write to; main where not given", toRef)
    .option("--in-place", "adopt Parquet files where they are, without writing their rows anew")
    .option("--no-hive-partitioning", "pass over what folders such as day=2024-01-01 tell")
    .option("--dry-run", "show columns and types, and write nothing")
    .option("--yes", "do not ask")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Folders such as day=2024-01-01 in the paths are columns, where the files do not have them, unless
--no-hive-partitioning is given. In place, a column of the table that only folders tell is always taken from them.
A table that adopted files in place needs them where they are; they are never deleted with it.

Examples:
  $ slh import raw/weather.csv --table raw.weather --dry-run
  $ slh import "raw/2024-*.ndjson" --table raw.events --yes
  $ slh import "raw/day=*/*.csv" --table raw.visits
  $ slh import "raw/run=*/*.csv" --table raw.runs --no-hive-partitioning
  $ slh import s3://data/flights.parquet --table raw.flights --in-place`,
    )
    .action(async (files: string[], flags: ImportFlags) => {
      const { openLakehouse } = await import("./open.js");
      const lake = await openLakehouse({ create: false });
      try {
        const imported = await importFiles(flags.ref === undefined ? lake : lake.on(flags.ref), files, flags);
        if (flags.json) printJson(imported);
        else if (imported.rows !== null) printLine(outcome(imported));
        else if (flags.dryRun !== true) printLine("Nothing was written.");
      } finally {
        await lake.close();
      }
    });
}

async function importFiles(
  lake: Lakehouse,
  files: readonly string[],
  { table: name, format, inPlace, hivePartitioning, dryRun, yes, json }: ImportFlags,
): Promise<Imported> {
  const { typeToString } = await import("./iceberg/index.js");
  const source = await sourceOf(files, format, hivePartitioning);
  const schema = await lake.inferSchema(source);
  const isNew = await isMissing(lake, name);
  const columns = schema.fields.map((field) => ({ name: field.name, type: typeToString(field.type) }));
  const found: Imported = { table: name, isNew, isInPlace: inPlace === true, columns, rows: null };
  if (!json) {
    printLine(
      `${isNew ? "A new table" : "Rows for the table"} ${ink(name, "bold")}, of ${count(files.length, "file")}:`,
    );
    for (const line of String(schema).split("\n")) printLine(`  ${line}`);
  }
  if (dryRun || (yes !== true && !(await isAgreed(name)))) return found;
  const rows = inPlace
    ? await adopt(lake, name, files, isNew, hivePartitioning)
    : await write(lake, name, source, isNew);
  return { ...found, rows };
}

async function sourceOf(
  files: readonly string[],
  format: Format | undefined,
  hivePartitioning: boolean,
): Promise<Source> {
  const { kindOfFiles } = await import("./query/index.js");
  const kind = format ?? kindOfFiles(files);
  switch (kind) {
    case "csv":
      return { csv: files, hivePartitioning };
    case "json":
      return { json: files, hivePartitioning };
    case "ndjson":
      return { ndjson: files, hivePartitioning };
    case "parquet":
      return { parquet: files, hivePartitioning };
    case "arrow":
      return { arrow: files, hivePartitioning };
  }
}

async function isMissing(lake: Lakehouse, name: string): Promise<boolean> {
  const { isLakehouseError } = await import("./rooms.js");
  try {
    await lake.table(name);
    return false;
  } catch (error) {
    if (isLakehouseError(error, "NO_SUCH_TABLE")) return true;
    throw error;
  }
}

async function write(lake: Lakehouse, name: string, source: Source, isNew: boolean): Promise<number> {
  const table = isNew
    ? await lake.createTableAs(name, source)
    : await (await lake.table(name)).appendFrom(source as Source);
  return added(table as Table);
}

async function adopt(
  lake: Lakehouse,
  name: string,
  files: readonly string[],
  isNew: boolean,
  hivePartitioning: boolean,
): Promise<number> {
  const { identity } = await import("./iceberg/index.js");
  const schema = await lake.inferSchema({ parquet: files, hivePartitioning });
  const inFiles = await lake.inferSchema({ parquet: files, hivePartitioning: false });
  const own = new Set(inFiles.fields.map(({ name: column }) => column));
  const told = schema.fields.map((field) => field.name).filter((column) => !own.has(column));
  if (!isNew) {
    const table = (await lake.table(name)) as Table;
    refuseUnknown(table, told);
    return added(await table.addFiles(files));
  }
  // What only folders tell is kept by the partitions.
  const partitionSpec = told.map((column) => identity(column));
  const table = (await lake.createTable(name, { schema, partitionSpec })) as Table;
  try {
    return added(await table.addFiles(files));
  } catch (error) {
    await lake.dropTable(name, { purge: true });
    throw error;
  }
}

/** Refuses folders that tell a column which the table does not have: adopted files would lose it. */
function refuseUnknown(table: Table, told: readonly string[]): void {
  const columns = new Set(table.schema.fields.map(({ name }) => name));
  const unknown = told.find((name) => !columns.has(name));
  if (unknown === undefined) return;
  throw invalidArgument(
    table.name,
    `Folders of the files tell the column ${JSON.stringify(unknown)}, which ${table.name} does not have.`,
    `Add ${JSON.stringify(unknown)} to the table and partition it by it, or pass over the folders with --no-hive-partitioning.`,
  );
}

/** The rows that the latest snapshot brought. */
function added({ metadata }: Table): number {
  const { currentSnapshotId, snapshots } = metadata;
  const latest = snapshots.find(({ snapshotId }) => snapshotId === currentSnapshotId);
  return Number(latest?.summary?.["added-records"] ?? 0);
}

function outcome({ table, isNew, isInPlace, rows }: Imported): string {
  const what = count(rows ?? 0, "row");
  const how = isInPlace ? `adopted files with ${what}` : `wrote ${what}`;
  return `${isNew ? "Made" : "Added to"} ${ink(table, "bold")}: ${how}.`;
}

async function isAgreed(name: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw invalidArgument(
      "slh import",
      "slh import asks before it writes, and here nobody can answer.",
      "Look at --dry-run, then add --yes.",
    );
  }
  return /^y(es)?$/i.test(await ask(`Write this to ${name}? yes or no`, "yes"));
}
