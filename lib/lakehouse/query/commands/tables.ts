import type { Command } from "commander";
import type { WithLake } from "../../room.js";
import { byteSize, columns, count, ink, printJson, toRef } from "../../terminal/index.js";
import type { QueryContext } from "../room.js";

/** `slh tables`. */
export function tablesCommand(program: Command, withLake: WithLake<QueryContext>): void {
  program
    .command("tables")
    .summary("list the tables")
    .description(
      "Lists every table with its rows, deletes applied, its data files and bytes, and the upkeep that it wants.",
    )
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
      await withLake(async (context) => {
        const { describeTables } = await import("../describe/describe-tables.js");
        const rows = await describeTables(context, ref);
        if (json) {
          printJson(rows);
          return;
        }
        if (rows.length === 0) {
          console.log("There are no tables yet.");
          return;
        }
        const shown = rows.map(({ table, rows: inside, files, bytes, snapshots, wants }) => [
          ink(table, "bold"),
          inside === null ? "" : count(inside, "row"),
          files === null ? "" : count(files, "file"),
          bytes === null ? "" : byteSize(bytes),
          count(snapshots, "snapshot"),
          wants.length === 0 ? "" : ink(`wants ${wants.join(", ")}`, "amber"),
        ]);
        for (const line of columns(shown, "<>>>><")) console.log(line);
        if (rows.some(({ wants }) => wants.length > 0)) console.log(ink("slh maintain does it", "grey"));
      });
    });
}

/** `slh describe`. */
export function describeCommand(program: Command, withLake: WithLake<QueryContext>): void {
  program
    .command("describe")
    .summary("show what a table is")
    .description(
      "Shows a table's columns, partitioning, sort order, properties and current snapshot, and how many rows and files it has.",
    )
    .argument("<table>", "its name in the catalog")
    .option("--ref <name>", "branch, tag or commit", toRef)
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
What its metadata lists one by one is in SQL: select * from flights.bronze_flights.files (or .snapshots, .partitions).

Examples:
  $ slh describe flights.bronze_flights
  $ slh describe flights.bronze_flights --ref etl --json`,
    )
    .action(async (name: string, { ref, json }: { ref?: string; json?: boolean }) => {
      await withLake(async ({ catalog, countRows }) => {
        const { describeTable, descriptionLines } = await import("../describe/describe-table.js");
        const { onRef } = await import("../shell/names.js");
        const table = await onRef(catalog, ref).loadTable(name);
        const rows = table.currentSnapshot === undefined ? undefined : await countRows(table);
        const description = describeTable(table, rows);
        if (json) printJson(description);
        else for (const line of descriptionLines(description)) console.log(line);
      });
    });
}
