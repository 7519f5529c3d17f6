import type { Command } from "commander";
import type { BackupLocation, RestoreReport, VerifyReport } from "./backup/index.js";
import { invalidArgument } from "./errors.js";
import { byteSize, count, ink, printJson, printLine, stoppable } from "./terminal/index.js";

interface UnpackFlags {
  readonly ref?: string;
  readonly as?: string;
  readonly overwrite?: true;
  readonly verify?: true;
  readonly json?: true;
}

interface RestoreFlags extends UnpackFlags {
  readonly from: string;
  readonly asOf?: string;
}

type Flags = UnpackFlags & { readonly from: BackupLocation; readonly asOf?: string };

/** `slh restore`: it makes a lakehouse where there is none. */
export function restoreCommand(program: Command): void {
  program
    .command("restore")
    .summary("bring a lakehouse, or tables of it, back from a backup")
    .description(
      "Makes a lakehouse from a backup where there is none yet: all branches, tags and history, and the runs of experiments, with every location rewritten for the place where it is now. With names of tables, or from a backup of single tables, it puts those beside the tables that are here. Every object is checked against its checksum.",
    )
    .argument("[tables...]", "tables to restore to this lakehouse; the whole of it where none is given")
    .requiredOption("--from <place>", "where the backups are: a folder, or an s3:// URI")
    .option(
      "--as-of <backup>",
      "the id of a backup, or a time: the newest made until then. Default: the newest",
    )
    .option("--ref <name>", "the branch or tag in the backup that tables are taken from. Default: main")
    .option("--as <name>", "another name for the one table")
    .option("--overwrite", "replace tables of the same name; their commits stay in the history")
    .option("--verify", "only read every object of the backup and check it; restore nothing")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
The exit code of --verify is 1 where something is missing or damaged.

Examples:
  $ slh restore --from /mnt/backups/lake --verify
  $ SLH_LAKE=/data/lake slh restore --from s3://backups/lake
  $ slh restore flights.silver --from /mnt/backups/lake --as-of 2026-11-01 --as flights.silver_then`,
    )
    .action((names: string[], flags: RestoreFlags) => restore(names, flags));
}

/** `slh unpack`. */
export function unpackCommand(program: Command): void {
  program
    .command("unpack")
    .summary("make a lakehouse, or tables, from a file that slh pack wrote")
    .description(
      "Makes a lakehouse from a pack where there is none yet, or puts its tables beside those that are here, as slh restore does.",
    )
    .argument("<file>", "the pack")
    .argument("[tables...]", "tables to restore to this lakehouse; the whole of it where none is given")
    .option("--ref <name>", "the branch or tag in the pack that tables are taken from. Default: main")
    .option("--as <name>", "another name for the one table")
    .option("--overwrite", "replace tables of the same name; their commits stay in the history")
    .option("--verify", "only read every object of the pack and check it; restore nothing")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh unpack lake.tar --verify
  $ SLH_LAKE=/data/lake slh unpack lake.tar
  $ slh unpack silver.tar flights.silver --as flights.silver_then`,
    )
    .action(async (file: string, names: string[], flags: UnpackFlags) => {
      const { fromPack } = await import("./backup/index.js");
      await fromPack(file, (from) => restore(names, { ...flags, from }));
    });
}

async function restore(names: readonly string[], { json, verify, ...flags }: Flags): Promise<void> {
  await stoppable(async (signal) => {
    const tables = names.length > 0 ? names : undefined;
    const report = verify ? await verified(flags, signal) : await restored(tables, flags, signal);
    if (json) printJson(report);
    else printReport(report);
    if ("corrupt" in report && report.corrupt.length > 0) process.exitCode = 1;
  });
}

async function verified({ from, asOf }: Flags, signal: AbortSignal): Promise<VerifyReport> {
  const { openPlace, verifyBackup } = await import("./backup/index.js");
  const place = openPlace(from);
  return verifyBackup(place, await place.find(asOf), { signal });
}

async function restored(
  tables: readonly string[] | undefined,
  { from, asOf, ...how }: Flags,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { openPlace } = await import("./backup/index.js");
  const { hasHistory } = await openPlace(from).find(asOf);
  if (tables === undefined && hasHistory) {
    const [flag] = Object.keys(how);
    if (flag !== undefined)
      throw invalidArgument(`--${flag}`, `--${flag} is for single tables.`, "Name them, or leave it out.");
    const { restoreLakehouse } = await import("./open.js");
    return restoreLakehouse({ from, asOf, signal });
  }
  const { openLakehouse } = await import("./open.js");
  const lake = await openLakehouse();
  try {
    return await lake.backup.restore({ from, asOf, tables, ...how, signal });
  } finally {
    await lake.close();
  }
}

function printReport(report: RestoreReport | VerifyReport): void {
  const { backup, bytes } = report;
  const name = ink(backup, "bold");
  if ("to" in report) {
    const { tables, files, refs, to } = report;
    const what = refs > 0 ? `, ${count(refs, "branch or tag", "branches and tags")}` : "";
    printLine(
      `Restored ${count(tables.length, "table")}${what} from ${name} to ${to}: ${count(files, "file")}, ${byteSize(bytes)}.`,
    );
    if (report.experiments === "kept")
      printLine("Runs of experiments stay as they are here: those of the backup were not restored.");
    return;
  }
  for (const { why } of report.corrupt) printLine(`${ink("corrupt", "red")}  ${why}`);
  const read = `${count(report.objects, "object")} (${byteSize(bytes)}) of ${name}`;
  if (report.corrupt.length === 0) printLine(`Read ${read}: all of them are as they were written.`);
  else printLine(`Read ${read}: ${report.corrupt.length} of them cannot be restored.`);
}
