import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Table as ArrowTable } from "apache-arrow";
import { openLakehouse } from "sololakehouse";
import { flightsInMemory, flightsSchema } from "./flights.js";
import { type Bench, type Measurement, seconds } from "./harness.js";
import { delaysByOrigin, holdRows, readJsonLines, writeJsonLines } from "./json-lines.js";

export const bench: Bench = {
  about:
    "The same 3,000,000 flights as an Iceberg table and as a file of JSON lines: write from Arrow data, size on disk, memory of all rows held in JavaScript (Arrow buffers; parsed objects), and an aggregate by origin (SQL on the table; parse and sum in JavaScript; DuckDB on the JSON). 'Peak' is the resident memory that a process of its own needs at most: to write the rows as they stream in, to answer the query, and, of JSON, to answer it from all rows held as objects. Aim: 2x write, 3x size, 80% less memory, 5x query.",
  contenders: [
    { name: "Iceberg (Parquet)", run: iceberg },
    { name: "JSON lines in JavaScript", run: jsonLines },
    { name: "JSON lines in DuckDB", run: jsonInDuckDB },
  ],
  rounds: 3,
};

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
      writePeakRssMiB: await peakOf("write-table", join(root, "again")),
      queryPeakRssMiB: await peakOf("query-table", root),
    };
  });
}

async function jsonLines(): Promise<Measurement> {
  return inFolder(async (root) => {
    const file = join(root, "flights.jsonl");
    const lake = await openLakehouse({ root, profile: "embedded" });
    const flights = await flightsInMemory(lake);
    const writeSeconds = await seconds(() => writeJsonLines(flights.batches, file));
    await lake.close();
    const querySeconds = await seconds(() => delaysByOrigin(readJsonLines(file)));
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const rows = await holdRows(file);
    global.gc?.();
    const memoryMB = (process.memoryUsage().heapUsed - before) / 1e6;
    if (rows.length !== flights.numRows) throw new Error("rows were lost");
    return {
      writeSeconds,
      sizeMB: (await stat(file)).size / 1e6,
      memoryMB,
      querySeconds,
      writePeakRssMiB: await peakOf("write-lines", root),
      queryPeakRssMiB: await peakOf("query-lines", root),
      heldPeakRssMiB: await peakOf("hold-lines", root),
    };
  });
}

async function jsonInDuckDB(): Promise<Measurement> {
  return inFolder(async (root) => {
    const file = join(root, "flights.jsonl");
    const lake = await openLakehouse({ root, profile: "embedded" });
    await writeJsonLines((await flightsInMemory(lake)).batches, file);
    await lake.close();
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const query = `select origin, count(*), avg(delay) from read_json('${file}') group by origin`;
    return {
      querySeconds: await seconds(() => connection.runAndReadAll(query)),
      queryPeakRssMiB: await peakOf("query-lines-duckdb", root),
    };
  });
}

const child = fileURLToPath(new URL("./json-child.js", import.meta.url));

/** Peak resident memory, in MiB, of a process of its own that does one task of `json-child.ts`. */
async function peakOf(task: string, root: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, task, root]);
  return Number(stdout);
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
