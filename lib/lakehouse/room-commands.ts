/**
 * The lakehouse's part of a command line: the commands of all rooms. Nothing heavy is loaded before a command runs, so
 * that a help text is there at once.
 */
import type { Command } from "commander";
import { lakeCommands } from "./lake-commands.js";
import { collectMetrics } from "./observability/index.js";
import type { AddCommands, WithLake } from "./room.js";
import { type LakehouseParts, metrics, rooms } from "./rooms.js";
import { byteSize, columns, ink } from "./terminal/index.js";

/** Adds every command of the lakehouse to a program, and the option `--stats`. */
export async function addLakehouseCommands(program: Command): Promise<void> {
  for (const room of rooms) {
    if (!("commands" in room)) continue;
    const addCommands: AddCommands<LakehouseParts> = await room.commands();
    addCommands(program, withLake);
  }
  lakeCommands(program, withLake);
  statsOption(program);
}

/** Opens the lakehouse of the current profile for a command, where there is one, and closes it whatever happens. */
export const withLake: WithLake<LakehouseParts> = async (work) => {
  const { openParts } = await import("./open.js");
  const parts = await openParts({ create: false });
  try {
    await work(parts);
  } finally {
    await parts.closing.close();
  }
};

/** `--stats`: what a command did, on stderr, when it is done. */
function statsOption(program: Command): void {
  program.option("--stats", "say in the end what the lakehouse did: requests, files, queries, commits");
  program.hook("preAction", () => {
    if (program.opts<{ stats?: true }>().stats !== true) return;
    const collected = collectMetrics(metrics);
    program.hook("postAction", () => {
      for (const line of statsLines(collected.read())) console.error(line);
      collected.stop();
    });
  });
}

function statsLines(readings: ReturnType<ReturnType<typeof collectMetrics>["read"]>): string[] {
  const rows = readings.map(({ name, kind, unit, labels, count, sum, distribution }) => [
    ink(name, "bold", process.stderr),
    Object.values(labels).join(" "),
    kind === "counter" ? amount(sum, unit) : `${count} × ${amount(sum / count, unit)}`,
    distribution === undefined ? "" : `at most ${amount(distribution.max, unit)}`,
  ]);
  return columns(rows, "<<>>");
}

function amount(value: number, unit: string): string {
  if (unit === "By") return byteSize(value);
  return unit === "ms" ? `${value.toFixed(1)} ms` : value.toLocaleString("en-US");
}
