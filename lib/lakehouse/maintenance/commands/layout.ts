import type { Command } from "commander";
import type { WithLake } from "../../room.js";
import {
  byteSize,
  columns,
  count,
  ink,
  printable,
  printJson,
  printLine,
  toRef,
} from "../../terminal/index.js";
import type { TableLayout } from "../layout.js";
import { Maintenance, type MaintenanceContext } from "../maintenance.js";
import { onRef } from "./on-ref.js";

/** `slh layout`. */
export function layoutCommand(program: Command, withLake: WithLake<MaintenanceContext>): void {
  program
    .command("layout")
    .summary("show how a table's files lie")
    .description(
      "Shows the sizes of a table's files, how many each partition has, its deletes, manifests and snapshots, and what a compaction would save. Only metadata is read.",
    )
    .argument("<table>", "its name in the catalog")
    .option("--ref <name>", "branch, tag or commit to look at", toRef)
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh layout flights.bronze_flights`,
    )
    .action(async (name: string, { ref, json }: { ref?: string; json?: true }) => {
      await withLake(async (context) => {
        const layout = await new Maintenance(onRef(context, ref)).layout(name);
        if (json) printJson(layout);
        else for (const line of layoutLines(layout)) printLine(line);
      });
    });
}

function layoutLines(layout: TableLayout): string[] {
  const { filesPerPartition: per, deletes, manifests, waste } = layout;
  const sizes = layout.histogram
    .filter(({ files }) => files > 0)
    .map(({ below, files, bytes }) => [
      below === null ? "larger" : `below ${byteSize(below)}`,
      count(files, "file"),
      byteSize(bytes),
    ]);
  const crowded = layout.partitions > 1 ? layout.crowded.slice(0, 5) : [];
  const facts = [
    [
      "files",
      `${count(layout.files, "file")}, ${byteSize(layout.bytes)}, ${count(layout.rows, "row")} stored`,
    ],
    [
      "partitions",
      `${layout.partitions}, of ${per.min} to ${per.max} files, half of them up to ${per.median}`,
    ],
    [
      "deletes",
      `${deletes.positionFiles} position files, ${count(deletes.vectors, "vector")}, ${deletes.equalityFiles} equality files`,
    ],
    ["manifests", `${manifests.files}, ${byteSize(manifests.bytes)}`],
    ["snapshots", `${layout.snapshots}, in metadata of ${byteSize(layout.metadataBytes)}`],
    [
      "waste",
      `${count(waste.files, "file")} too many, ${count(waste.deletedRows, "deleted row")}, ${count(waste.deleteFiles, "delete file")} to apply`,
    ],
  ];
  return [
    ink(layout.table, "bold"),
    ...columns(
      facts.map(([name = "", value = ""]) => [ink(name, "grey"), value]),
      "<<",
    ),
    ...(sizes.length > 0
      ? ["", ink("sizes", "grey"), ...columns(sizes, "<>>").map((line) => `  ${line}`)]
      : []),
    ...(crowded.length > 0 ? ["", ink("partitions with the most files", "grey")] : []),
    ...columns(
      crowded.map(({ partition, files, bytes }) => [
        printable(partition),
        count(files, "file"),
        byteSize(bytes),
      ]),
      "<>>",
    ).map((line) => `  ${line}`),
  ];
}
