import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, double, long, openLakehouse, string, timestamp } from "sololakehouse";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

const ROWS = 20_000_000;

export const bench: Bench = {
  about:
    "Append 20,000,000 synthetic rows (long, timestamp, double, string) that DuckDB generates and streams: memory must stay flat. Aim: under 350 MiB peak RSS. The peer is DuckDB COPY of the same rows to Parquet.",
  contenders: [
    { name: "ours", run: ours },
    { name: "DuckDB COPY", run: duckdbCopy },
  ],
  rounds: 3,
};

const schema = defineSchema({ id: long(), at: timestamp(), value: double(), key: string() });

const SELECT = `select i as id, timestamp '2024-01-01' + to_seconds(i) as at, (hash(i) % 1000000) / 7.0 as value,
  'key-' || (hash(i) % 100000) as key from range(${ROWS}) t(i)`;

async function ours(): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-memory-"));
  try {
    const lake = await openLakehouse({ root, profile: "embedded", duckdb: { threads: 1 } });
    const table = await lake.createTable("bench.synthetic", { schema });
    const result = await lake.sql(SELECT);
    const elapsed = await seconds(() => table.append(result.batches()));
    await lake.close();
    return { seconds: elapsed, peakRssMiB: peakRssMiB() };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function duckdbCopy(): Promise<Measurement> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const root = await mkdtemp(join(tmpdir(), "bench-memory-"));
  try {
    const connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
    const file = join(root, "synthetic.parquet");
    const elapsed = await seconds(() => connection.run(`copy (${SELECT}) to '${file}' (compression zstd)`));
    return { seconds: elapsed, peakRssMiB: peakRssMiB() };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
