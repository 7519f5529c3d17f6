import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, type Lakehouse, long, openLakehouse, string, timestamp } from "sololakehouse";
import { flightsFile } from "./flights.js";
import type { Bench, Measurement } from "./harness.js";

const ROWS = 1_000_000;
const CALL = 10_000;

export const bench: Bench = {
  about: `A topic as a table: ${ROWS / 1e6}M flights as JSON events of some 100 bytes, in segments in the object store on this disk, read, decoded, turned to columns, written as Parquet and committed with their offsets. Aim: 300,000 rows a second. Beside it the same texts parsed one by one and appended to a table as rows, without a log; and DuckDB, which reads them from a file of lines and writes one Parquet file, on all cores.`,
  contenders: [
    { name: "ours", run: ours },
    { name: "parse and append", run: parseAndAppend },
    { name: "DuckDB", run: duckdb },
  ],
  rounds: 3,
};

const schema = defineSchema({
  date: timestamp().optional(),
  delay: long().optional(),
  distance: long().optional(),
  origin: string().optional(),
  destination: string().optional(),
});

async function ours(): Promise<Measurement> {
  return inLake(async (lake) => {
    const topic = await lake.log.createTopic("flights", { schema });
    const texts = await events(lake);
    for (let from = 0; from < ROWS; from += CALL)
      await topic.append(texts.slice(from, from + CALL).map((value) => ({ value })));
    await lake.log.flush();
    const began = now();
    const stream = await topic.toTable("raw.flights");
    await stream.flush();
    return rate(began);
  });
}

async function parseAndAppend(): Promise<Measurement> {
  return inLake(async (lake) => {
    const texts = await events(lake);
    const table = await lake.createTable("raw.flights", { schema });
    const began = now();
    await table.append(texts.map((text) => JSON.parse(text)));
    return rate(began);
  });
}

async function duckdb(): Promise<Measurement> {
  return inLake(async (lake, folder) => {
    await lake.sql(`copy (${EVENTS}) to '${folder}/events.ndjson' (format json)`);
    const began = now();
    await lake.sql(`copy (from read_json('${folder}/events.ndjson')) to '${folder}/events.parquet'`);
    return rate(began);
  });
}

const EVENTS = `select strftime(date, '%Y-%m-%dT%H:%M:%S') as date, delay, distance, origin, destination
  from read_parquet('${flightsFile}') limit ${ROWS}`;

async function events(lake: Lakehouse): Promise<string[]> {
  const rows = await (
    await lake.sql<{ event: string }>(`select to_json(e) as event from (${EVENTS}) as e`)
  ).rows();
  return rows.map(({ event }) => event);
}

async function inLake(work: (lake: Lakehouse, folder: string) => Promise<Measurement>): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "bench-topic-table-"));
  try {
    await using lake = await openLakehouse({ root: join(folder, "lake") });
    return await work(lake, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The clock, and the processors' time of this process: a machine that others use has less of them. */
function now() {
  const { user, system } = process.cpuUsage();
  return { clock: performance.now() / 1000, processors: (user + system) / 1e6 };
}

function rate(began: ReturnType<typeof now>): Measurement {
  const { clock, processors } = now();
  return {
    rowsPerSecond: ROWS / (clock - began.clock),
    rowsPerProcessorSecond: ROWS / (processors - began.processors),
  };
}
