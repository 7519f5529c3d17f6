import { once } from "node:events";
import { type Command, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import { columns, ink, printable, stoppable, wholeNumber } from "../../terminal/index.js";
import type { Isolation } from "../partition/partition.js";
import type { LogRecord } from "../records/read-records.js";
import type { ReadFrom } from "../topic.js";
import { type AnyLog, type LogFlags, logOptions, type WithLog } from "./any-log.js";
import { jsonNumber, place, timeText } from "./arguments.js";

type Format = "pretty" | "json" | "raw";

interface ConsumeFlags extends LogFlags {
  readonly from: ReadFrom;
  readonly until?: ReadFrom;
  readonly follow?: true;
  readonly group?: string;
  readonly partition?: number;
  readonly limit?: number;
  readonly format: Format;
  readonly isolation: Isolation;
}

/** A record, and where it is. */
export interface Placed {
  readonly partition: number;
  readonly record: LogRecord;
}

/** `streamctl consume`. */
export function consumeCommand(program: Command, withLog: WithLog): void {
  const command = program
    .command("consume")
    .summary("print the records of a topic")
    .description(
      "Prints the records of a topic, those of each partition in their order, up to where the topic ends now; with --follow, those that come as well, until Ctrl-C.",
    )
    .argument("<topic>", "its name")
    .option(
      "--from <place>",
      "beginning, end, an offset, or a time such as 2026-11-29T12:00Z",
      place,
      "beginning",
    )
    .option("--until <place>", "ends before this offset or time, or at the end as it is now", place)
    .option("--follow", "wait for new records")
    .option(
      "--group <name>",
      "read as a member of this group, until Ctrl-C, and let it go on behind what was printed",
    )
    .option("--partition <number>", "this one alone", wholeNumber(0))
    .option("--limit <number>", "no more records than that", wholeNumber(0))
    .addOption(
      new Option(
        "--format <name>",
        "for people, as one JSON object a line, or the values as they are, each with a line break",
      )
        .choices(["pretty", "json", "raw"])
        .default("pretty"),
    )
    .addOption(
      new Option("--isolation <level>", "whether records of transactions are read that are not committed")
        .choices(["read_uncommitted", "read_committed"])
        .default("read_uncommitted"),
    );
  logOptions(command)
    .addHelpText(
      "after",
      `
A group begins with --from beginning or end where it has not read before. It goes on behind whole batches: what was cut by
--limit or Ctrl-C is printed again.

In JSON, keys and values are text; those that are no UTF-8 are { "base64": … }.

Examples:
  $ streamctl consume flights --limit 10
  $ streamctl consume flights --from 2026-11-29T12:00Z --until 2026-11-29T13:00Z --format json
  $ streamctl consume flights --from end --follow
  $ streamctl consume flights --group delays`,
    )
    .action((topic: string, flags: ConsumeFlags) =>
      withLog(flags, (log) =>
        stoppable(async (signal) => {
          const print = flags.json ? PRINTERS.json : PRINTERS[flags.format];
          const source = flags.group === undefined ? records : groupRecords;
          for await (const placed of source(log, topic, flags, signal)) {
            // A reader that is slower than the log has to be waited for, or all of it would be in memory.
            if (!process.stdout.write(print(placed))) await once(process.stdout, "drain");
          }
        }),
      ),
    );
}

/** Up to the limit, and to where each partition is to end. */
async function* records(
  log: AnyLog,
  name: string,
  { from, until, follow, partition, limit = Number.POSITIVE_INFINITY, isolation }: ConsumeFlags,
  signal: AbortSignal,
): AsyncGenerator<Placed> {
  const topic = log.topic(name);
  const ends = until === undefined ? undefined : await topic.offsetsAt(until);
  const begins = await topic.offsetsAt(from);
  // What comes later is needed only for an end that is not there yet: the last offsets before it may have no record.
  const now = await topic.offsets();
  const isLater = ends === undefined || ends.some((end, number) => end > (now[number]?.end ?? 0n));
  const open = new Set(begins.keys());
  for (const [number, begin] of begins.entries())
    if ((partition ?? number) !== number || begin >= (ends?.[number] ?? begin + 1n)) open.delete(number);
  // A partition that there is not is the topic's to refuse.
  const isThere = partition === undefined || partition < begins.length;
  let left = limit;
  if (left === 0 || (isThere && open.size === 0)) return;
  for await (const batch of topic.read({
    from,
    partition,
    follow: follow === true && isLater,
    isolation,
    signal,
  })) {
    const end = ends?.[batch.partition];
    for (const record of batch.records) {
      if (end !== undefined && record.offset >= end) break;
      yield { partition: batch.partition, record };
      if (--left === 0) return;
    }
    if (end !== undefined && (batch.records.at(-1)?.offset ?? 0n) + 1n >= end) open.delete(batch.partition);
    if (open.size === 0) return;
  }
}

/** As a member of a group, which goes on behind each batch that was printed. */
async function* groupRecords(
  log: AnyLog,
  name: string,
  { from, until, group = "", partition, limit = Number.POSITIVE_INFINITY, isolation }: ConsumeFlags,
  signal: AbortSignal,
): AsyncGenerator<Placed> {
  if ((from !== "beginning" && from !== "end") || until !== undefined || partition !== undefined)
    throw invalidArgument(
      group,
      "A group reads all of a topic, from where it was.",
      "Leave out --until and --partition, and begin at beginning or end. streamctl group reset lets it go on elsewhere.",
    );
  let left = limit;
  if (left === 0) return;
  for await (const batch of log.consume([name], { group, from, commit: "manual", isolation, signal })) {
    for (const record of batch.records) {
      if (signal.aborted || left === 0) return;
      yield { partition: batch.partition, record };
      left--;
    }
    await batch.commit();
    if (left === 0) return;
  }
}

const PRINTERS: Readonly<Record<Format, (placed: Placed) => string | Uint8Array>> = {
  raw: ({ record }) => {
    const value = record.value ?? new Uint8Array();
    // Bytes could tell a terminal something; a file or program gets them as they are.
    if (process.stdout.isTTY) return `${printable(Buffer.from(value).toString())}\n`;
    return Buffer.concat([value, Buffer.from("\n")]);
  },
  json: ({ partition, record: { offset, timestamp, key, value, headers } }) =>
    // What would tell a terminal something is escaped, which JSON reads as the same.
    `${printable(
      JSON.stringify({
        partition,
        offset: jsonNumber(offset),
        timestamp: timestamp === -1n ? null : jsonNumber(timestamp),
        key: contentJson(key),
        value: contentJson(value),
        headers: headers.map((header) => ({ key: header.key, value: contentJson(header.value) })),
      }),
    )}\n`,
  pretty: ({ partition, record: { offset, timestamp, key, value, headers } }) => {
    const [line = ""] = columns(
      [
        [
          ink(`${partition}/${offset}`, "ice"),
          ink(timestamp === -1n ? "" : timeText(timestamp), "grey"),
          key === null ? "" : ink(contentText(key), "bold"),
          value === null ? ink("null", "grey") : contentText(value),
          ink(
            headers
              .map((header) => `${header.key}=${contentText(header.value ?? new Uint8Array())}`)
              .join(" "),
            "grey",
          ),
        ],
      ],
      "<<<<<",
    );
    return `${line}\n`;
  },
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `undefined` for bytes that are no UTF-8. */
function textOf(content: Uint8Array): string | undefined {
  try {
    return utf8.decode(content);
  } catch {
    return undefined;
  }
}

function contentJson(content: Uint8Array | null): string | null | { readonly base64: string } {
  if (content === null) return null;
  return textOf(content) ?? { base64: Buffer.from(content).toString("base64") };
}

/** What would tell a terminal something is shown, colours too. */
function contentText(content: Uint8Array): string {
  return printable(textOf(content) ?? `0x${Buffer.from(content).toString("hex")}`);
}
