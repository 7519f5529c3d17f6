import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

const ROWS = 10_000_000;

export const bench: Bench = {
  about:
    "Take a result of 10,000,000 rows (long, timestamp, double, string) out: as CSV and as Parquet, and the time until its first row. Memory must stay flat. The peer is DuckDB's COPY of the same rows to the same formats.",
  contenders: [
    { name: "ours: CSV", run: () => ours("toCsv") },
    { name: "DuckDB COPY: CSV", run: () => duckdbCopy("format csv") },
    { name: "ours: Parquet", run: () => ours("toParquet") },
    { name: "DuckDB COPY: Parquet", run: () => duckdbCopy("format parquet, compression zstd") },
  ],
  rounds: 1,
};

const SELECT = `select i as id, timestamp '2024-01-01' + to_seconds(i) as at, (hash(i) % 1000000) / 7.0 as value,
  'key-' || (hash(i) % 100000) as key from range(${ROWS}) t(i)`;

async function ours(write: "toCsv" | "toParquet"): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-results-"));
  try {
    await using lake = await openLakehouse({ root, profile: "embedded", duckdb: { threads: 1 } });
    await lake.sql("select 1").rows();
    const firstRow = await seconds(async () => {
      for await (const _ of lake.sql(SELECT)) break;
    });
    const elapsed = await seconds(() => lake.sql(SELECT)[write](join(root, "rows")));
    return { seconds: elapsed, secondsToFirstRow: firstRow, peakRssMiB: peakRssMiB() };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function duckdbCopy(options: string): Promise<Measurement> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const root = await mkdtemp(join(tmpdir(), "bench-results-"));
  try {
    const connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
    const copy = `copy (${SELECT}) to '${join(root, "rows")}' (${options})`;
    return { seconds: await seconds(() => connection.run(copy)), peakRssMiB: peakRssMiB() };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
