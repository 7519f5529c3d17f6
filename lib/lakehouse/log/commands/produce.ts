import { type Command, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import {
  count,
  ink,
  ProgressLine,
  printJson,
  printLine,
  stoppable,
  wholeNumber,
} from "../../terminal/index.js";
import type { AppendedTo } from "../into-batches.js";
import type { Ack } from "../partition/partition.js";
import type { NewRecord } from "../records/batch-builder.js";
import { type AnyLog, type LogFlags, logOptions, type WithLog } from "./any-log.js";
import { jsonNumber, pair } from "./arguments.js";
import { type InputFormat, ofArguments, recordParser, textOf } from "./read-records.js";

interface ProduceFlags extends LogFlags {
  readonly file?: string;
  readonly format: InputFormat;
  readonly key?: string;
  readonly keySeparator?: string;
  readonly keyField?: string;
  readonly header?: readonly (readonly [string, string])[];
  readonly partition?: number;
  readonly ack: Ack;
}

/** Of one append, at most. */
const MOST_RECORDS = 10_000;
const PROGRESS_MS = 1000;

/** `streamctl produce`. */
export function produceCommand(program: Command, withLog: WithLog): void {
  const command = program
    .command("produce")
    .summary("append records to a topic")
    .description(
      "Appends each value that is given, or each line of a file or of stdin, to a topic. What was read is appended at once, so that lines can be typed or piped as they come. Ctrl-C ends it after what was read.",
    )
    .argument("<topic>", "where they go")
    .argument("[values...]", "each a record. Without any, lines are read")
    .option("--file <path>", "read this file instead of stdin")
    .addOption(
      new Option(
        "--format <name>",
        "what a record is: a line, a line of JSON, or a row of CSV below one of names",
      )
        .choices(["lines", "ndjson", "csv"])
        .default("lines"),
    )
    .option("--key <text>", "the key of every record")
    .option("--key-separator <text>", "the key stands before it in each line or value")
    .option("--key-field <name>", "the field of the JSON, or the column, that is the key")
    .option("--header <name=value>", "a header of every record; as often as needed", pair)
    .option("--partition <number>", "where they all go; by key where not given", wholeNumber(0))
    .addOption(
      new Option("--ack <level>", "wait until records are on the disk (wal), or in the object store (stored)")
        .choices(["wal", "stored"])
        .default("wal"),
    );
  logOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  $ streamctl produce flights "HNL late" "KOA on time"
  $ streamctl produce flights --key-separator : < lines.txt
  $ tail -f events.ndjson | streamctl produce events --format ndjson --key-field user --ack stored
  $ streamctl produce airports --file airports.csv --format csv`,
    )
    .action((topic: string, values: string[], flags: ProduceFlags) =>
      withLog(flags, (log) => stoppable((signal) => produce(log, topic, values, flags, signal))),
    );
}

async function produce(
  log: AnyLog,
  name: string,
  values: readonly string[],
  flags: ProduceFlags,
  signal: AbortSignal,
): Promise<void> {
  const { file, format, key, keySeparator, keyField, header = [], partition, ack, json } = flags;
  if (values.length > 0 && file !== undefined)
    throw invalidArgument("--file", "Records are given as values and as a file.", "Give one of them.");
  if (key !== undefined && (keySeparator ?? keyField) !== undefined)
    throw invalidArgument(
      "--key",
      "Each record has a key of its own, and one is given for all of them.",
      "Leave out --key, or --key-separator and --key-field.",
    );
  const topic = log.topic(name);
  // Before anything is read: a topic that is not there is no reason to wait for input.
  await topic.describe();
  const headers = header.map(([key, value]) => ({ key, value }));
  const options = { format, keySeparator, keyField, headers };
  const parse = await recordParser(options);
  const ends = new Map<number, AppendedTo>();
  let total = 0;
  const progress = new ProgressLine();
  const began = Date.now();
  const send = async (records: readonly NewRecord[]) => {
    for (const one of await topic.append(records, { ack, partition })) {
      const before = ends.get(one.partition);
      ends.set(one.partition, before === undefined ? one : { ...before, lastOffset: one.lastOffset });
    }
    total += records.length;
    if (process.stderr.isTTY && Date.now() - began > PROGRESS_MS)
      progress.update(
        count(total, "record"),
        `${Math.round((total / (Date.now() - began)) * 1000)} a second`,
      );
  };
  const append = async (records: Iterable<NewRecord>) => {
    let some: NewRecord[] = [];
    try {
      for (const record of records) {
        some.push(key === undefined ? record : { ...record, key });
        if (some.length < MOST_RECORDS) continue;
        const full = some;
        some = [];
        await send(full);
      }
    } finally {
      // Also those before a line that is no record: who mends it goes on from there.
      if (some.length > 0) await send(some);
    }
  };
  const report = () => {
    progress.clear();
    const partitions = [...ends.values()].sort((a, b) => a.partition - b.partition);
    if (json) return printJson({ topic: name, records: total, partitions: partitions.map(endsJson) });
    const where = partitions.map(
      ({ partition, baseOffset, lastOffset }) => `partition ${partition} from ${baseOffset} to ${lastOffset}`,
    );
    const places = where.length > 0 ? `: ${where.join(", ")}` : "";
    printLine(`Appended ${count(total, "record")} to ${ink(name, "bold")}${places}.`);
  };
  try {
    if (values.length > 0) await append(ofArguments(values, options, parse));
    else {
      for await (const text of textOf(file, signal)) await append(parse(text, false));
      if (!signal.aborted) await append(parse("", true));
    }
  } catch (error) {
    // Who mends it and goes on has to know from where.
    if (total > 0) report();
    throw error;
  }
  report();
}

function endsJson({ partition, baseOffset, lastOffset }: AppendedTo) {
  return { partition, baseOffset: jsonNumber(baseOffset), lastOffset: jsonNumber(lastOffset) };
}
