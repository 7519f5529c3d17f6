/**
 * The lakehouse's part of a command line: the commands of all rooms. Nothing heavy is loaded before a command runs, so
 * that a help text is there at once.
 */
import type { Command } from "commander";
import { lakeCommands } from "./lake-commands.js";
import { collectMetrics } from "./observability/index.js";
import type { AddCommands, WithLake } from "./room.js";
import { type LakehouseParts, metrics, rooms } from "./rooms.js";
import { byteSize, columns, ink, portNumber } from "./terminal/index.js";

/** Adds every command of the lakehouse to a program, and the option `--stats`. */
export async function addLakehouseCommands(program: Command): Promise<void> {
  const withLake = openFor(program);
  for (const room of rooms) {
    if (!("commands" in room)) continue;
    const addCommands: AddCommands<LakehouseParts> = await room.commands();
    addCommands(program, withLake);
  }
  lakeCommands(program, withLake);
  statsOption(program);
  telemetryOption(program);
}

/**
 * What opens the lakehouse of the current profile for a command of a program, where there is one, and closes it whatever
 * happens. While it is open it is served to who looks, where the program was asked for that.
 */
export function openFor(program: Command): WithLake<LakehouseParts> {
  return async (work) => {
    const { openParts } = await import("./open.js");
    const parts = await openParts({ create: false });
    try {
      const { telemetry } = program.opts<{ telemetry?: TelemetryAddress }>();
      if (telemetry !== undefined) await serve(parts, telemetry);
      await work(parts);
    } finally {
      await parts.closing.close();
    }
  };
}

interface TelemetryAddress {
  readonly host: string;
  readonly port: number;
}

/** `--telemetry`: for commands that go on, such as servers. */
export function telemetryOption(program: Command): void {
  program.option(
    "--telemetry <host:port>",
    "while the command runs, serve its metrics (/metrics), health (/health) and readiness (/ready)",
    (text): TelemetryAddress => {
      const [, host = "127.0.0.1", port = ""] = /^(?:\[?([^\]]+?)\]?:)?(\d+)$/.exec(text) ?? [];
      return { host, port: portNumber(port) };
    },
  );
}

async function serve({ observed, closing }: LakehouseParts, address: TelemetryAddress): Promise<void> {
  const { serveTelemetry } = await import("./telemetry/index.js");
  const server = await serveTelemetry(observed, { ...address, token: process.env.SLH_TELEMETRY_TOKEN });
  closing.open(
    () => server,
    (opened) => opened.close(),
  );
  // On stderr: what a server says on stdout may be read by a program.
  console.error(`Metrics and health are at ${ink(server.url, "bold", process.stderr)}.`);
}

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
