import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ScanOptions, Table } from "../../iceberg/index.js";
import { oneOf, Spool, wholeNumber } from "../../terminal/index.js";

interface Place {
  readonly moved?: boolean;
}

interface At extends Place {
  readonly snapshot?: bigint;
  readonly ref?: string;
  readonly asOf?: bigint;
}

type Format = "ndjson" | "csv" | "table";

interface ReadOptions extends At {
  readonly select?: readonly string[];
  readonly filter?: string;
  readonly limit?: number;
  readonly format: Format;
}

const WHAT = ["snapshots", "files", "manifests", "partitions", "history", "refs", "schema"] as const;

/** `slh table`: any Iceberg table, by its files alone. */
export function tableCommands(program: Command): void {
  const table = program
    .command("table")
    .summary("read any Iceberg table by its files")
    .description(
      "Reads Iceberg tables of any writer and of format versions 1 to 3, without a catalog: by a metadata file, or by the table's folder.",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ slh table read warehouse/flights --limit 10
  $ slh table inspect warehouse/flights snapshots --format table`,
    );

  at(table.command("read"))
    .summary("print its rows")
    .description("Prints the rows of a table as one snapshot has them, deletes applied.")
    .option("--select <columns>", "columns, by commas; a.b for a field of a struct", names)
    .option("--filter <predicate>", "only rows for which this SQL predicate is true")
    .option("--limit <n>", "print at most this many rows", wholeNumber(0))
    .addOption(format())
    .addHelpText(
      "after",
      `
Rows come all or not at all: nothing is printed before everything was read. In ndjson, longs beyond 2^53 and
decimals are strings, bytes are hex, maps are arrays of [key, value], and NaN and Infinity are strings.
Metadata columns can be selected too: _file, _pos, _spec_id, _partition, _row_id, _last_updated_sequence_number.

Examples:
  $ slh table read warehouse/flights
  $ slh table read v3.metadata.json --select origin,delay --filter "delay > 60 and origin like 'A%'"
  $ slh table read backup/flights --moved --as-of 2026-11-01T12:00:00Z --format csv`,
    )
    .action(async (location: string, options: ReadOptions) => read(location, options));

  at(table.command("inspect"))
    .summary("print its metadata")
    .description(
      "Prints what a table's metadata lists: its snapshots, files, manifests, partitions, schema and the like.",
    )
    .argument("[what]", WHAT.join(", "), oneOf(WHAT), "snapshots")
    .addOption(format())
    .addHelpText(
      "after",
      `
Examples:
  $ slh table inspect warehouse/flights files --format table
  $ slh table inspect v3.metadata.json schema`,
    )
    .action(async (location: string, what: (typeof WHAT)[number], options: At & { format: Format }) => {
      const { inspectTable } = await import("./table-inspect.js");
      const table = await open(location, options);
      await print([await inspectTable(table, what, stateOf(options), options.format)]);
    });

  at(table.command("verify"))
    .summary("read all its files, and say which are damaged or missing")
    .description("Reads every file of a snapshot to its end, and says which are damaged or missing.")
    .addOption(format())
    .addHelpText(
      "after",
      `
Each page of a Parquet file is checked against its checksum, if its writer left one: checked_pages of pages. Files
with a problem say what it is, and the exit code is then 1.

Examples:
  $ slh table verify s3://lakehouse/warehouse/flights --format table`,
    )
    .action(async (location: string, options: At & { format: Format }) => {
      const { verifyTable } = await import("./table-inspect.js");
      const table = await open(location, options);
      const { text, problems } = await verifyTable(table, stateOf(options), options.format);
      await print([text]);
      if (problems > 0) process.exitCode = 1;
    });
}

function at(command: Command): Command {
  return command
    .argument("<location>", "a metadata file or a table's folder: a path, file:// or s3://")
    .option(
      "--moved",
      "look below the table's folder alone, also where its metadata names its old place and that cannot be told",
    )
    .addOption(
      new Option("--snapshot <id>", "the snapshot with this id")
        .argParser(snapshotId)
        .conflicts(["ref", "asOf"]),
    )
    .addOption(new Option("--ref <name>", "the snapshot of a branch or tag").conflicts("asOf"))
    .addOption(
      new Option(
        "--as-of <time>",
        "the snapshot that was current then: ISO 8601, UTC unless it says otherwise",
      ).argParser(time),
    );
}

function format(): Option {
  return new Option("--format <name>", "how to print the rows")
    .choices(["ndjson", "csv", "table"])
    .default("ndjson");
}

async function open(location: string, { moved }: Place): Promise<Table> {
  // Loaded here, so that the other commands start without it.
  const { openTable } = await import("../../iceberg/index.js");
  const { noSuchTable } = await import("../../iceberg/index.js");
  return openTable(location, { moved }).catch((error: unknown) => {
    if (!noSuchTable.is(error) || !isCatalogName(location)) throw error;
    throw noSuchTable(
      location,
      `There is no folder ${location}: slh table reads tables by their files.`,
      `For a table of the lakehouse's catalog: slh sql "select * from ${location}", or slh describe ${location}.`,
      error,
    );
  });
}

const isCatalogName = (text: string): boolean =>
  /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)+$/u.test(text);

function stateOf({ snapshot, ref, asOf }: At): Pick<ScanOptions, "snapshotId" | "ref" | "asOf"> {
  return { snapshotId: snapshot, ref, asOf };
}

async function read(location: string, options: ReadOptions): Promise<void> {
  const { openQueryEngine } = await import("../open.js");
  const folder = await mkdtemp(join(tmpdir(), "slh-"));
  const engine = await openQueryEngine({
    tempDirectory: join(folder, "tmp"),
    cache: { dir: join(folder, "cache"), maxBytes: Number.MAX_SAFE_INTEGER },
    resolve: async () => undefined,
  });
  try {
    const table = await open(location, options);
    const { select, filter: where, limit } = options;
    const result = await engine.scan(table, table.scan({ ...stateOf(options), select }), { where, limit });
    await print(result.text(options.format, limit === undefined ? {} : { maxRows: limit }));
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Prints text when all of it is there. */
async function print(text: AsyncIterable<string> | Iterable<string>): Promise<void> {
  const spool = new Spool();
  try {
    for await (const chunk of text) await spool.write(chunk);
    await spool.emit(process.stdout);
  } finally {
    await spool.close();
  }
}

/** Names by commas; a name with a comma in it stands in double quotes. */
function names(text: string): string[] {
  const parts = text.match(/"(?:[^"]|"")*"|[^,"]+/g) ?? [];
  const all = parts.map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.trim(),
  );
  const selected = all.filter((name) => name !== "");
  if (selected.length > 0) return selected;
  throw new InvalidArgumentError("Name at least one column.");
}

function snapshotId(text: string): bigint {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("A snapshot id is a whole number; slh table inspect lists them.");
}

/** Milliseconds from 1970. A time without a zone is in UTC. */
function time(text: string): bigint {
  if (/^\d{10,}$/.test(text)) return BigInt(text);
  const iso = text.trim().replace(" ", "T");
  const zoned = /T.*(?:Z|[+-]\d\d:?\d\d)$/i.test(iso) || !iso.includes("T") ? iso : `${iso}Z`;
  const milliseconds = Date.parse(zoned);
  // Date takes 30 February for 2 March: a day that there is comes back as it was.
  const [day = ""] = iso.split("T");
  const exists = !/^\d{4}-\d\d-\d\d$/.test(day) || new Date(day).toJSON()?.startsWith(day);
  if (!Number.isNaN(milliseconds) && exists) return BigInt(milliseconds);
  throw new InvalidArgumentError("Write it as 2026-11-01T12:00:00Z, or as milliseconds from 1970.");
}
