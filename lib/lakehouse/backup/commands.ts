import type { Command } from "commander";
import type { AddCommands } from "../room.js";
import {
  byteSize,
  columns,
  count,
  ink,
  printJson,
  printLine,
  stoppable,
  wholeNumber,
} from "../terminal/index.js";
import { type BackupContext, backupOf } from "./backup.js";
import type { BackupSummary } from "./model.js";
import type { PruneReport } from "./prune.js";

interface BackupsFlags {
  readonly keep?: number;
  readonly dryRun?: true;
  readonly json?: true;
}

/** `slh backup`, `slh pack` and `slh backups`. `slh restore` makes a lakehouse where there is none, so the front door has it. */
export const backupCommands: AddCommands<BackupContext> = (program, withLake) => {
  program
    .command("backup")
    .summary("copy tables, or all of the lakehouse, to a safe place")
    .description(
      "Copies all branches and tags with their history, as they are at one moment, or the tables that are named. What is there from earlier backups is not copied again. Others may write meanwhile. With the whole lakehouse go the runs of its experiments, if they are in a file of this machine. The streaming log and its topics are not taken; tables made of topics are.",
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
    .command("pack")
    .summary("write tables, or all of the lakehouse, to one file")
    .description(
      "Writes a backup to one file, a plain tar, to be carried elsewhere: slh unpack makes a lakehouse of it again.",
    )
    .argument("<file>", "such as lake.tar")
    .argument("[tables...]", "their names in the catalog; the whole lakehouse where none is given")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pack lake.tar
  $ slh pack silver.tar flights.silver
  $ SLH_LAKE=/data/lake slh unpack lake.tar`,
    )
    .action(async (file: string, names: string[], { json }: { json?: true }) => {
      await withLake((context) =>
        stoppable(async (signal) => {
          const { packInto } = await import("./pack.js");
          const tables = names.length > 0 ? names : undefined;
          const report = await packInto(file, (to) => backupOf(context)({ to, tables, signal }));
          if (json) printJson(report);
          else printLine(`Packed ${sizeOf(report)} to ${ink(file, "bold")}.`);
        }),
      );
    });
  backupsCommand(program);
};

function backupsCommand(program: Command): void {
  program
    .command("backups")
    .summary("list the backups at a place, and remove old ones")
    .description(
      "Lists the backups at a place, newest first. With --keep, removes all but the newest, and what only the others had.",
    )
    .argument("<place>", "a folder, or an s3:// URI")
    .option("--keep <count>", "remove all but this many", wholeNumber(1))
    .option("--dry-run", "with --keep: say what would go, and remove nothing")
    .option("--json", "print them as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh backups /mnt/backups/lake
  $ slh backups s3://backups/lake --keep 30 --dry-run
  $ slh restore --from /mnt/backups/lake --verify`,
    )
    .action(async (from: string, { keep, dryRun, json }: BackupsFlags) => {
      const { openPlace } = await import("./place.js");
      const place = openPlace(from);
      if (keep !== undefined) {
        const { prune } = await import("./prune.js");
        const report = await prune(place, { keep, dryRun });
        if (json) printJson(report);
        else printPruned(report);
        return;
      }
      const summaries = await place.summaries();
      if (json) printJson(summaries);
      else if (summaries.length === 0) printLine(`There is no backup at ${from}.`);
      else for (const line of columns(summaries.map(row), "<<<")) printLine(line);
    });
}

function printPruned({ dryRun, kept, removed, objects, bytes }: PruneReport): void {
  const what = `${count(removed.length, "backup")} and ${count(objects, "object")} (${byteSize(bytes)})`;
  printLine(
    dryRun ? `Would remove ${what}, and keep ${kept.length}.` : `Removed ${what}, and kept ${kept.length}.`,
  );
}

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
