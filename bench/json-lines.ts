/** The flights as a file of JSON lines, by JavaScript alone: no lakehouse is loaded with it. */
import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";

export interface Flight {
  readonly date: number;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** Writes batches as lines, as they come. */
export function writeJsonLines(
  batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>,
  file: string,
): Promise<void> {
  return pipeline(Readable.from(lines(batches)), createWriteStream(file));
}

/** Chunks of 10,000 rows each: one write a row would measure the file system's calls. */
async function* lines(batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>): AsyncGenerator<string> {
  let chunk: string[] = [];
  for await (const batch of batches) {
    const [date, delay, distance, origin, destination] = [
      "date",
      "delay",
      "distance",
      "origin",
      "destination",
    ].map((name) => batch.getChild(name));
    for (let row = 0; row < batch.numRows; row++) {
      const flight = {
        date: Number(date?.get(row)),
        delay: Number(delay?.get(row)),
        distance: Number(distance?.get(row)),
        origin: origin?.get(row),
        destination: destination?.get(row),
      };
      chunk.push(JSON.stringify(flight));
      if (chunk.length === 10_000) {
        yield `${chunk.join("\n")}\n`;
        chunk = [];
      }
    }
  }
  if (chunk.length > 0) yield `${chunk.join("\n")}\n`;
}

/** Parsed rows, a chunk of the file at a time: a line at a time costs JavaScript more than the parsing. */
export async function* readJsonLines(file: string): AsyncGenerator<Flight[]> {
  let rest = "";
  for await (const chunk of createReadStream(file, { encoding: "utf8", highWaterMark: 1 << 20 })) {
    const complete = (rest + chunk).split("\n");
    rest = complete.pop() ?? "";
    yield complete.map((line) => JSON.parse(line));
  }
}

/** Count and sum of the delays by origin, a chunk at a time. */
export async function delaysByOrigin(
  chunks: Iterable<Flight[]> | AsyncIterable<Flight[]>,
): Promise<Map<string, { count: number; delay: number }>> {
  const sums = new Map<string, { count: number; delay: number }>();
  for await (const rows of chunks) {
    for (const { origin, delay } of rows) {
      const sum = sums.get(origin) ?? { count: 0, delay: 0 };
      sum.count++;
      sum.delay += delay;
      sums.set(origin, sum);
    }
  }
  return sums;
}

/** All rows as objects. */
export async function holdRows(file: string): Promise<Flight[]> {
  const rows: Flight[] = [];
  for await (const chunk of readJsonLines(file)) for (const row of chunk) rows.push(row);
  return rows;
}
