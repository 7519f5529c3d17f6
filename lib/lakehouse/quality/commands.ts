import { type Command, InvalidArgumentError } from "commander";
import type { AddCommands, WithLake } from "../room.js";
import { interruptible, toRef, wholeNumber } from "../terminal/index.js";
import type { QualityContext } from "./check.js";

export interface CheckFlags {
  readonly ref?: string;
  readonly suite?: string;
  readonly namespace?: string;
  readonly since?: bigint;
  readonly samples?: number;
  readonly html?: string;
  readonly json?: true;
  readonly record: boolean;
}

/** `slh check`. */
export const qualityCommands: AddCommands<QualityContext> = (program, withLake) => {
  checkCommand(program, withLake);
};

function checkCommand(program: Command, withLake: WithLake<QualityContext>): void {
  program
    .command("check")
    .summary("run the quality checks of tables")
    .description(
      "Runs the checks that a table carries, or those of a file, and says what failed. The exit code is 1 when a check that blocks has failed.",
    )
    .argument("[table]", "namespace.table; every table with checks where not given")
    .option("--ref <name>", "branch, tag or commit to look at", toRef)
    .option("--suite <file>", "checks from the schema.yml of a dbt project, in place of the tables' own")
    .option("--namespace <name>", "where the suite's models are; the table's own where a table is given")
    .option("--since <snapshot>", "only rows that came since this snapshot of the table", snapshotId)
    .option(
      "--samples <n>",
      "rows of what fails to show, here too; without it 5, on the page and in JSON",
      wholeNumber(0),
    )
    .option("--html <file>", "write a page with results, trends and rows")
    .option("--no-record", "leave the run out of the history")
    .option("--json", "print the reports as JSON")
    .addHelpText(
      "after",
      `
A table carries checks once its contract has made it, or lake.quality.setChecks. The history is the table
quality.results on the branch quality-history.

Examples:
  $ slh check
  $ slh check flights.silver --ref etl --html report.html
  $ slh check flights.silver --suite models/schema.yml
  $ slh sql 'select * from quality.results@"quality-history" order by "at" desc limit 20'`,
    )
    .action((table: string | undefined, flags: CheckFlags) =>
      withLake(async (context) => {
        const { runCheckCommand } = await import("./check-command.js");
        await interruptible((signal) => runCheckCommand(context, table, flags, signal));
      }),
    );
}

function snapshotId(text: string): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("It is a snapshot's id, as slh table inspect shows them.");
}
