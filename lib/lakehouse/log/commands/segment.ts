import type { Command } from "commander";
import { byteSize, columns, count, ink, printJson, printLine } from "../../terminal/index.js";
import { jsonNumber, timeText } from "./arguments.js";

interface InspectFlags {
  readonly batches?: true;
  readonly json?: true;
}

/** `streamctl segment`. */
export function segmentCommand(program: Command): void {
  const group = program
    .command("segment")
    .summary("look into a segment, the object that has records")
    .description("Looks into segments, the objects in which a log's records are.")
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl segment inspect s3://lake/_log/…/0/00000000000000000000.segment",
    );
  group
    .command("inspect")
    .summary("show what a segment holds, and whether it is whole")
    .description(
      "Reads a segment and verifies every checksum in it: header, blocks, batches, index, footer. Shows which offsets it holds and where they are. The exit code is 1 where something is damaged.",
    )
    .argument("<object>", "its path or URI, in any store that can be reached")
    .option("--batches", "show each record batch, too")
    .option("--json", "print it as JSON, batches too")
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl segment inspect .lake/warehouse/_log/…/0/00000000000000000000.segment --batches\n  $ streamctl segment inspect s3://lake/_log/…/0/00000000000000000000.segment --json",
    )
    .action(async (object: string, { batches, json }: InspectFlags) => {
      const { inspectSegment } = await import("../segment/inspect.js");
      const { openAnywhere } = await import("../../storage/index.js");
      const inspected = inspectSegment(await openAnywhere().read(object), object);
      if (inspected.problems.length > 0) process.exitCode = 1;
      if (json) printJson(withNumbers(inspected));
      else for (const line of linesOf(inspected, batches === true)) printLine(line);
    });
}

type Inspected = ReturnType<typeof import("../segment/inspect.js").inspectSegment>;

function linesOf({ header, footer, blocks, problems }: Inspected, withBatches: boolean): string[] {
  const lines: string[] = [];
  if (header !== undefined)
    lines.push(
      `Partition ${header.partition} of topic ${header.topicId}, segment ${header.sequence} of epoch ${header.epoch}, format version ${header.version}.`,
    );
  if (footer !== undefined) {
    const time = footer.maxTimestamp < 0n ? "" : `, the latest of ${timeText(footer.maxTimestamp)}`;
    lines.push(
      `Offsets ${footer.baseOffset} to ${footer.nextOffset - 1n}: ${count(footer.records, "record")} in ${count(blocks.length, "block")} and ${byteSize(footer.bytes)}${time}.`,
    );
  }
  const rows = blocks.flatMap(({ entry, batches }) => [
    [
      ink(`byte ${entry.position}`, "bold"),
      `${entry.baseOffset}–${entry.lastOffset}`,
      byteSize(entry.bytes),
      batches === undefined ? ink("damaged", "red") : count(batches.length, "batch", "batches"),
      ink(`CRC ${entry.crc.toString(16).padStart(8, "0")}`, "grey"),
    ],
    ...(withBatches ? (batches ?? []) : []).map((batch) => [
      "",
      `  ${batch.baseOffset}–${batch.lastOffset}`,
      byteSize(batch.bytes),
      batch.isWhole
        ? `${count(batch.records, "record")}, ${batch.codec}${batch.producer}`
        : ink("damaged", "red"),
      ink(`CRC ${batch.crc.toString(16).padStart(8, "0")}`, "grey"),
    ]),
  ]);
  lines.push(...columns(rows, "<<><<"));
  lines.push(
    problems.length === 0
      ? ink("All checksums hold.", "green")
      : `${ink(count(problems.length, "problem"), "red")}:`,
    ...problems.map((problem) => `  ${problem}`),
  );
  return lines;
}

function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return jsonNumber(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withNumbers(one)]));
}
