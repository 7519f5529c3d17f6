import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Table as ArrowTable } from "apache-arrow";
import { openLakehouse } from "sololakehouse";
import { flightsInMemory, flightsSchema } from "./flights.js";
import { type Bench, type Measurement, seconds } from "./harness.js";

export const bench: Bench = {
  about:
    "The same 3,000,000 flights as an Iceberg table and as a file of JSON lines: write from Arrow data, size on disk, memory of all rows held in JavaScript (Arrow buffers; parsed objects), and an aggregate by origin (SQL on the table; parse and sum in JavaScript; DuckDB on the JSON). Aim: 2x write, 3x size, 80% less memory, 5x query.",
  contenders: [
    { name: "Iceberg (Parquet)", run: iceberg },
    { name: "JSON lines in JavaScript", run: jsonLines },
    { name: "JSON lines in DuckDB", run: jsonInDuckDB },
  ],
  rounds: 3,
};

interface Flight {
  readonly date: number;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

async function iceberg(): Promise<Measurement> {
  return inFolder(async (root) => {
    const lake = await openLakehouse({ root, profile: "embedded" });
    const flights = await flightsInMemory(lake);
    const table = await lake.createTable("bench.flights", { schema: flightsSchema });
    const writeSeconds = await seconds(() => table.append(flights));
    const { report } = await (await table.refresh()).scan().planAll();
    const querySeconds = await seconds(async () =>
      (await lake.sql("select origin, count(*), avg(delay) from bench.flights group by origin")).rows(),
    );
    await lake.close();
    return {
      writeSeconds,
      sizeMB: Number(report.totalFileSizeInBytes) / 1e6,
      memoryMB: bufferBytes(flights) / 1e6,
      querySeconds,
    };
  });
}

async function jsonLines(): Promise<Measurement> {
  return inFolder(async (root) => {
    const file = join(root, "flights.jsonl");
    const lake = await openLakehouse({ root, profile: "embedded" });
    const flights = await flightsInMemory(lake);
    const writeSeconds = await seconds(() => writeJsonLines(flights, file));
    await lake.close();
    const querySeconds = await seconds(async () => {
      const sums = new Map<string, { count: number; delay: number }>();
      for await (const rows of readJsonLines(file)) {
        for (const { origin, delay } of rows) {
          const sum = sums.get(origin) ?? { count: 0, delay: 0 };
          sum.count++;
          sum.delay += delay;
          sums.set(origin, sum);
        }
      }
    });
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const rows: Flight[] = [];
    for await (const chunk of readJsonLines(file)) for (const row of chunk) rows.push(row);
    global.gc?.();
    const memoryMB = (process.memoryUsage().heapUsed - before) / 1e6;
    if (rows.length !== flights.numRows) throw new Error("rows were lost");
    return { writeSeconds, sizeMB: (await stat(file)).size / 1e6, memoryMB, querySeconds };
  });
}

async function jsonInDuckDB(): Promise<Measurement> {
  return inFolder(async (root) => {
    const file = join(root, "flights.jsonl");
    const lake = await openLakehouse({ root, profile: "embedded" });
    await writeJsonLines(await flightsInMemory(lake), file);
    await lake.close();
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const query = `select origin, count(*), avg(delay) from read_json('${file}') group by origin`;
    return { querySeconds: await seconds(() => connection.runAndReadAll(query)) };
  });
}

function writeJsonLines(flights: ArrowTable, file: string): Promise<void> {
  return pipeline(Readable.from(lines(flights)), createWriteStream(file));
}

/** Chunks of 10,000 rows each: one write a row would measure the file system's calls. */
function* lines(flights: ArrowTable): Generator<string> {
  let chunk: string[] = [];
  for (const batch of flights.batches) {
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
async function* readJsonLines(file: string): AsyncGenerator<Flight[]> {
  let rest = "";
  for await (const chunk of createReadStream(file, { encoding: "utf8", highWaterMark: 1 << 20 })) {
    const complete = (rest + chunk).split("\n");
    rest = complete.pop() ?? "";
    yield complete.map((line) => JSON.parse(line));
  }
}

/** What the Arrow data holds, every buffer counted once. */
function bufferBytes(table: ArrowTable): number {
  const buffers = new Set<ArrayBufferLike>();
  for (const batch of table.batches) {
    for (const child of batch.data.children) {
      for (const buffer of Object.values(child.buffers))
        if (ArrayBuffer.isView(buffer)) buffers.add(buffer.buffer);
    }
  }
  return [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
}

async function inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "bench-json-"));
  try {
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
