import type { Command } from "commander";
import { LakehouseError } from "../../errors.js";
import type { WithLake } from "../../room.js";
import { ink, printJson, printLine, reportError, stoppable, toRef } from "../../terminal/index.js";
import type { TableUpkeep } from "../maintain.js";
import { Maintenance, type MaintenanceContext } from "../maintenance.js";
import { onRef } from "./on-ref.js";

interface MaintainFlags {
  readonly ref?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** `slh maintain`. */
export function maintainCommand(program: Command, withLake: WithLake<MaintenanceContext>): void {
  program
    .command("maintain")
    .summary("do the upkeep that tables want")
    .description(
      "Compacts, joins position deletes, rewrites manifests and expires snapshots, where a table wants it: by its properties maintenance.… and history.expire.…, or the defaults. What nothing leads to any more is deleted by slh gc.",
    )
    .argument("[table]", "its name in the catalog; every table where not given")
    .option("--ref <name>", "the branch that it is done on; main where not given", toRef)
    .option("--dry-run", "say what tables want, and why, and do nothing")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
The exit code is 1 where a step failed.

Examples:
  $ slh maintain --dry-run
  $ slh maintain flights.bronze_flights`,
    )
    .action(async (name: string | undefined, { ref, dryRun, json }: MaintainFlags) => {
      await withLake((given) =>
        stoppable(async (signal) => {
          const { allTables } = await import("../../catalog/index.js");
          const context = onRef(given, ref);
          const maintenance = new Maintenance(context);
          const tables = name === undefined ? await allTables(context.catalog) : [name];
          const reports: TableUpkeep[] = [];
          const failed: LakehouseError[] = [];
          for (const table of tables) {
            try {
              const report = await maintenance.maintain(table, { dryRun, signal });
              reports.push(report);
              if (!json) print(report);
            } catch (error) {
              // Of many, one that cannot be kept up does not keep the others from it.
              if (name !== undefined || signal.aborted || !(error instanceof LakehouseError)) throw error;
              failed.push(error);
            }
          }
          if (json) printJson(reports);
          else if (tables.length === 0) printLine("There are no tables yet.");
          for (const error of failed) reportError(error, json);
          if (failed.length > 0 || reports.some(({ steps }) => steps.some(({ error }) => error !== null)))
            process.exitCode = 1;
        }),
      );
    });
}

function print({ table, steps }: TableUpkeep): void {
  if (steps.length === 0) {
    printLine(`${ink(table, "bold")}  in order`);
    return;
  }
  printLine(ink(table, "bold"));
  for (const { step, why, done, error } of steps) {
    const outcome = error === null ? (done ?? why) : `failed: ${error}`;
    printLine(`  ${ink(step, error === null ? "green" : "red")}  ${outcome}`);
  }
}
