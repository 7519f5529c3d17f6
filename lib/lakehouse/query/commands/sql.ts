import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import type { WithLake } from "../../room.js";
import { columns, count, ink, printJson, toRef } from "../../terminal/index.js";
import type { QueryContext } from "../room.js";

/** `slh sql`. */
export function sqlCommand(program: Command, withLake: WithLake<QueryContext>): void {
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
      await withLake(async ({ engine }) => {
        const result = await engine.sql(query, ref === undefined ? {} : { ref });
        await pipeline(result.text(format), process.stdout, { end: false });
      });
    });
}

/** `slh tables`. */
export function tablesCommand(program: Command, withLake: WithLake<QueryContext>): void {
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
      await withLake(async ({ catalog, countRows }) => {
        const { describeTables } = await import("./describe-tables.js");
        const rows = await describeTables(catalog, ref, countRows);
        if (json) {
          printJson(rows);
          return;
        }
        if (rows.length === 0) {
          console.log("There are no tables yet.");
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
}
