import { randomBytes, randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import {
  byteSize,
  columns,
  count,
  ink,
  ProgressLine,
  printJson,
  stoppable,
  wholeNumber,
} from "../../terminal/index.js";
import type { Ack } from "../partition/partition.js";
import { type AnyLog, type LogFlags, logOptions, type WithLog } from "./any-log.js";

interface BenchFlags extends LogFlags {
  readonly records: number;
  readonly size: number;
  readonly batch: number;
  readonly ack: Ack;
}

interface Rate {
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

interface Measured {
  readonly records: number;
  readonly size: number;
  readonly ack: Ack;
  readonly append: Rate;
  /** Of single appends, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly read: Rate;
}

/** Appends that are under way at once. */
const UNDER_WAY = 8;

/** `streamctl bench`. */
export function benchCommand(program: Command, withLog: WithLog): void {
  const command = program
    .command("bench")
    .summary("measure how quickly this log appends and reads")
    .description(
      "Appends records to a topic of its own, reads them again, deletes the topic, and says how quickly that went. Half of each record is random, so that it compresses as data does.",
    )
    .option("--records <number>", "how many", wholeNumber(1), 200_000)
    .option("--size <bytes>", "of each record", wholeNumber(1), 100)
    .option("--batch <number>", "records of one append", wholeNumber(1), 1000)
    .addOption(
      new Option("--ack <level>", "on the disk (wal), or in the object store (stored)")
        .choices(["wal", "stored"])
        .default("wal"),
    );
  logOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl bench\n  $ streamctl bench --size 1000 --ack stored --json",
    )
    .action((flags: BenchFlags) =>
      withLog(flags, (log) =>
        stoppable(async (signal) => {
          const measured = await measure(log, flags, signal);
          if (measured === undefined) return;
          if (flags.json) printJson(measured);
          else for (const line of linesOf(measured)) console.log(line);
        }),
      ),
    );
}

/** @returns `undefined` where it was stopped. */
async function measure(log: AnyLog, flags: BenchFlags, signal: AbortSignal): Promise<Measured | undefined> {
  const { records, size, batch, ack } = flags;
  const name = `bench-${randomUUID()}`;
  const topic = await log.createTopic(name);
  const progress = new ProgressLine();
  try {
    const value = () =>
      Buffer.concat([randomBytes(Math.ceil(size / 2)), Buffer.alloc(Math.floor(size / 2), "a")]);
    // Made before the clock runs, and used again and again.
    const values = Array.from({ length: Math.min(batch, records) }, () => ({ value: value() }));
    const latencies: number[] = [];
    let left = records;
    const appending = performance.now();
    const work = async () => {
      while (left > 0 && !signal.aborted) {
        const some = values.slice(0, Math.min(left, values.length));
        left -= some.length;
        const began = performance.now();
        await topic.append(some, { ack });
        latencies.push(performance.now() - began);
        if (process.stderr.isTTY) progress.update("Appending", count(records - left, "record"));
      }
    };
    await Promise.all(Array.from({ length: UNDER_WAY }, work));
    const append = rate(performance.now() - appending, records, size);
    const reading = performance.now();
    let read = 0;
    for await (const got of topic.read({ signal })) {
      read += got.records.length;
      if (process.stderr.isTTY) progress.update("Reading", count(read, "record"));
    }
    if (signal.aborted) return undefined;
    latencies.sort((a, b) => a - b);
    const at = (part: number) =>
      round(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0);
    return {
      ...{ records, size, ack, append },
      latency: { p50: at(0.5), p99: at(0.99) },
      read: rate(performance.now() - reading, read, size),
    };
  } finally {
    progress.clear();
    await log.deleteTopic(name);
  }
}

function rate(ms: number, records: number, size: number): Rate {
  const seconds = ms / 1000;
  return {
    seconds: round(seconds),
    recordsPerSecond: Math.round(records / seconds),
    bytesPerSecond: Math.round((records * size) / seconds),
  };
}

const round = (number: number): number => Math.round(number * 1000) / 1000;

function linesOf({ records, size, ack, append, latency, read }: Measured): string[] {
  const row = (what: string, { recordsPerSecond, bytesPerSecond }: Rate, more: string) => [
    ink(what, "bold"),
    `${count(recordsPerSecond, "record")}/s`,
    `${byteSize(bytesPerSecond)}/s`,
    more,
  ];
  return [
    `${count(records, "record")} of ${byteSize(size)}, acknowledged as ${ack}:`,
    ...columns(
      [row("append", append, `p50 ${latency.p50} ms, p99 ${latency.p99} ms`), row("read", read, "")],
      "<>><",
    ),
  ];
}
