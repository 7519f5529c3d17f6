import type { AddCommands } from "../room.js";
import { byteSize, columns, count, ink, printJson, printLine, stoppable } from "../terminal/index.js";
import { type BackupContext, backupOf } from "./backup.js";
import type { BackupSummary } from "./model.js";

/** `slh backup` and `slh backups`. `slh restore` makes a lakehouse where there is none, so the front door has it. */
export const backupCommands: AddCommands<BackupContext> = (program, withLake) => {
  program
    .command("backup")
    .summary("copy tables, or all of the lakehouse, to a safe place")
    .description(
      "Copies all branches and tags with their history, as they are at one moment, or the tables that are named. What is there from earlier backups is not copied again. Others may write meanwhile. The streaming log and its topics are not taken; tables made of topics are.",
    )
    .argument("[tables...]", "their names in the catalog; the whole lakehouse where none is given")
    .requiredOption("--to <place>", "a folder, or an s3:// URI; best on another disk or service")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh backup --to /mnt/backups/lake
  $ slh backup flights.silver flights.gold --to s3://backups/flights
  $ slh restore --from /mnt/backups/lake`,
    )
    .action(async (tables: string[], { to, json }: { to: string; json?: true }) => {
      await withLake((context) =>
        stoppable(async (signal) => {
          const report = await backupOf(context)({
            to,
            tables: tables.length > 0 ? tables : undefined,
            signal,
          });
          if (json) printJson(report);
          else
            printLine(
              `Backup ${ink(report.id, "bold")}: ${sizeOf(report)}, of which ${copied(report.copied)}.`,
            );
        }),
      );
    });
  program
    .command("backups")
    .summary("list the backups at a place")
    .description("Lists the backups at a place, newest first.")
    .argument("<place>", "a folder, or an s3:// URI")
    .option("--json", "print them as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh backups /mnt/backups/lake
  $ slh restore --from /mnt/backups/lake --verify`,
    )
    .action(async (from: string, { json }: { json?: true }) => {
      const { openPlace } = await import("./place.js");
      const summaries = await openPlace(from).summaries();
      if (json) printJson(summaries);
      else if (summaries.length === 0) printLine(`There is no backup at ${from}.`);
      else for (const line of columns(summaries.map(row), "<<<")) printLine(line);
    });
};

function row(summary: BackupSummary): string[] {
  const { id, tables, refs } = summary;
  const what =
    tables === null
      ? `the lakehouse, ${count(refs.length, "branch or tag", "branches and tags")}`
      : tables.join(", ");
  return [ink(id, "bold"), sizeOf(summary), what];
}

function sizeOf({ files, bytes }: Pick<BackupSummary, "files" | "bytes">): string {
  return `${count(files, "file")}, ${byteSize(bytes)}`;
}

function copied({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  return files === 0
    ? "nothing had to be copied"
    : `${count(files, "file")} (${byteSize(bytes)}) had to be copied`;
}
