import { type Command, Option } from "commander";
import type { Lakehouse } from "sololakehouse";
import { columns, count, ink } from "../look/index.js";
import { toRef } from "./branches/describe.js";
import { withLake } from "./with-lake.js";

/** `slh sql`, `slh tables` and `slh lake`: the lakehouse of the current profile, from the command line. */
export function lakeCommands(program: Command): void {
  program
    .command("sql")
    .summary("ask the lakehouse in SQL")
    .description(
      "Runs a query over the tables. Names are namespace.table, with @ref for a branch; FOR VERSION AS OF and FOR TIMESTAMP AS OF read the past.",
    )
    .argument("<query>")
    .option("--ref <name>", "branch, tag or commit on which names are looked up", toRef)
    .addOption(
      new Option("--format <name>", "how to print the rows")
        .choices(["table", "json", "csv"] as const)
        .default("table"),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ slh sql "select origin, count(*) from flights.bronze_flights group by 1 order by 2 desc limit 5"
  $ slh sql "select count(*) from flights.bronze_flights for timestamp as of '2026-11-01'"
  $ slh sql "select * from flights.bronze_flights limit 3" --ref main --format json`,
    )
    .action(async (query: string, { ref, format }: { ref?: string; format: "table" | "json" | "csv" }) => {
      await withLake(async (lake) => {
        const result = await lake.sql(query, ref === undefined ? {} : { ref });
        const text = await result.format(format);
        process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
      });
    });

  program
    .command("tables")
    .summary("list the tables")
    .description("Lists every table with its rows, deletes applied, and its data files and bytes.")
    .option("--ref <name>", "branch, tag or commit", toRef)
    .option("--json", "print them as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh tables
  $ slh tables --json`,
    )
    .action(async ({ ref, json }: { ref?: string; json?: boolean }) => {
      await withLake(async (lake) => {
        const rows = await describeTables(ref === undefined ? lake : lake.on(ref));
        if (json) {
          console.log(JSON.stringify(rows, null, 2));
          return;
        }
        if (rows.length === 0) {
          console.log("There are no tables yet. npm start runs the notebooks that make some.");
          return;
        }
        const shown = rows.map(({ table, rows: inside, files, bytes, snapshots }) => [
          ink(table, "bold"),
          inside === null ? "" : count(inside, "row"),
          files === null ? "" : count(files, "file"),
          bytes === null ? "" : `${(bytes / 1e6).toFixed(1)} MB`,
          count(snapshots, "snapshot"),
        ]);
        for (const line of columns(shown, "<>>>>")) console.log(line);
      });
    });

  relocateCommand(program);
}

function relocateCommand(program: Command): void {
  program
    .command("lake")
    .summary("the lakehouse as a whole")
    .command("relocate")
    .summary("write its locations anew, after it was moved or copied")
    .description(
      "The locations in Iceberg tables are absolute. A lakehouse that was moved or copied opens where it lies, but other engines follow the locations by themselves: to the old place. This writes them anew for where it lies now, on all branches and in all of their history, in one atomic step. What it replaces is garbage, which slh gc deletes later.",
    )
    .option(
      "--from <root>",
      "the root that the locations have: a path, file:// or s3://; what the catalog remembers where not given",
    )
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Processes that have the lakehouse open are to be started again afterwards.

Examples:
  $ cp -r ~/project ~/copy && cd ~/copy && slh lake relocate && slh catalog serve
  $ SLH_WAREHOUSE=s3://new/lake slh lake relocate --from s3://old/lake`,
    )
    .action(async ({ from, json }: { from?: string; json?: boolean }) => {
      const { relocateLakehouse } = await import("sololakehouse");
      const { fileUri } = await import("sololakehouse/storage");
      const root = from === undefined || /^[a-z][a-z0-9+.-]+:/i.test(from) ? from : fileUri(from);
      const report = await relocateLakehouse({ from: root });
      if (json) console.log(JSON.stringify(report, null, 2));
      else if (report.files === 0) console.log(`All locations are below ${ink(report.to, "bold")} already.`);
      else {
        const metadata = `${count(report.metadataFiles, "metadata file")}, ${count(report.files, "file")} in all`;
        console.log(`Relocated from ${report.from} to ${ink(report.to, "bold")}: wrote ${metadata}.`);
      }
    });
}

interface TableRow {
  readonly table: string;
  /** Null where the table has no snapshot. */
  readonly rows: number | null;
  /** Null where its writer left the count out, too. */
  readonly files: number | null;
  readonly bytes: number | null;
  readonly snapshots: number;
}

async function describeTables(lake: Lakehouse): Promise<TableRow[]> {
  const identifiers = await lake.tables();
  const rows = await Promise.all(
    identifiers.map(async (identifier): Promise<TableRow> => {
      const table = await lake.table(identifier);
      const { metadata } = table;
      const { snapshots, currentSnapshotId } = metadata;
      const summary = snapshots.find(({ snapshotId }) => snapshotId === currentSnapshotId)?.summary;
      const total = (key: string) => (summary?.[key] === undefined ? null : Number(summary[key]));
      return {
        table: [...identifier.namespace, identifier.name].join("."),
        rows: summary === undefined ? null : Number(await lake.countRows(table)),
        files: total("total-data-files"),
        bytes: total("total-files-size"),
        snapshots: snapshots.length,
      };
    }),
  );
  return rows.sort((a, b) => (a.table < b.table ? -1 : 1));
}
