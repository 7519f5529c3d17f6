import { type Command, InvalidArgumentError } from "commander";
import type { WithLake } from "../../room.js";
import { byteSize, count, ink, oneOf, printJson, printLine, stoppable, toRef } from "../../terminal/index.js";
import type { CompactionReport } from "../compaction/compact.js";
import type { CompactionStrategy } from "../compaction/options.js";
import { Maintenance, type MaintenanceContext } from "../maintenance.js";
import { onRef } from "./on-ref.js";

interface CompactFlags {
  readonly ref?: string;
  readonly strategy?: CompactionStrategy;
  readonly by?: readonly string[];
  readonly targetSize?: number;
  readonly all?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

const UNITS: Readonly<Record<string, number>> = {
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `slh compact`. */
export function compactCommand(program: Command, withLake: WithLake<MaintenanceContext>): void {
  program
    .command("compact")
    .summary("rewrite a table's small files to large ones")
    .description(
      "Rewrites files that are too small, too large, or of which much is deleted. Rows stay the same, and others may write meanwhile. The files that were replaced stay until their snapshots expire (slh maintain) and no commit leads to them (slh gc).",
    )
    .argument("<table>", "its name in the catalog")
    .option(
      "--strategy <name>",
      "bin-pack, sort or z-order; sort where the table has a sort order",
      oneOf<CompactionStrategy>(["bin-pack", "sort", "z-order"]),
    )
    .option("--by <columns>", "what to sort or z-order by, such as date,origin", (text) =>
      text.split(",").map((column) => column.trim()),
    )
    .option("--target-size <size>", "of files, such as 128MiB; the table's, or 512MiB, where not given", size)
    .option("--all", "rewrite every file, whether or not it is worth it")
    .option("--ref <name>", "the branch that it is done on; main where not given", toRef)
    .option("--dry-run", "say what would be rewritten, and write nothing")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh compact flights.bronze_flights --dry-run
  $ slh compact flights.bronze_flights --strategy z-order --by origin,destination`,
    )
    .action(async (name: string, { ref, strategy, by, targetSize, all, dryRun, json }: CompactFlags) => {
      await withLake((context) =>
        stoppable(async (signal) => {
          const report = await new Maintenance(onRef(context, ref)).compact(name, {
            strategy,
            by,
            targetFileSizeBytes: targetSize,
            rewriteAll: all,
            dryRun,
            signal,
          });
          if (json) printJson({ ...report, snapshotIds: report.snapshotIds.map(String) });
          else print(report);
        }),
      );
    });
}

function print(report: CompactionReport): void {
  const { table, dryRun, groups, filesBefore, filesAfter, bytesBefore, bytesAfter, conflicts } = report;
  if (groups === 0) printLine(`The files of ${ink(table, "bold")} are as they should be.`);
  else if (dryRun) {
    printLine(
      `Would rewrite ${count(filesBefore, "file")} (${byteSize(bytesBefore)}) to about ${filesAfter}.`,
    );
  } else {
    const now = `${filesAfter} (${byteSize(bytesAfter)})`;
    const commits = count(report.snapshotIds.length, "commit");
    printLine(`Rewrote ${count(filesBefore, "file")} (${byteSize(bytesBefore)}) to ${now}, in ${commits}.`);
  }
  if (conflicts > 0)
    printLine(`${count(conflicts, "group")} of files stayed: others changed them meanwhile.`);
}

function size(text: string): number {
  const [, number, unit = ""] = /^(\d+)([kMG]B|[KMG]iB)$/.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("Write a number and its unit: kB, MB, GB, KiB, MiB or GiB, such as 128MiB.");
}
