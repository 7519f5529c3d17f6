import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { openLakehouse } from "sololakehouse";
import { byDay, flightsFile, flightsInMemory, flightsSchema } from "./flights.js";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

export const bench: Bench = {
  about:
    "Append 3,000,000 flights from Arrow data in memory, as one partition and as 182 days sorted by origin, zstd; commit included. PyIceberg from the same Arrow data; DuckDB COPY (Parquet only, no table) from a DuckDB table.",
  contenders: [
    { name: "ours", run: ours },
    { name: "PyIceberg", python: "append_flights.py" },
    { name: "DuckDB COPY", run: duckdbCopy },
  ],
};

async function ours(): Promise<Measurement> {
  return inFolder(async (root) => {
    const lake = await openLakehouse({ root, profile: "embedded" });
    const flights = await flightsInMemory(lake);
    const plain = await lake.createTable("bench.plain", { schema: flightsSchema });
    const partitioned = await lake.createTable("bench.by_day", { schema: flightsSchema, ...byDay });
    const measured = {
      plainSeconds: await seconds(() => plain.append(flights)),
      byDaySeconds: await seconds(() => partitioned.append(flights)),
      peakRssMiB: peakRssMiB(),
    };
    await lake.close();
    return measured;
  });
}

async function duckdbCopy(): Promise<Measurement> {
  return inFolder(async (root) => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(`create table flights as select * from read_parquet('${flightsFile}')`);
    const copy = (select: string, to: string, options: string) =>
      connection.run(`copy (${select}) to '${join(root, to)}' (format parquet, compression zstd${options})`);
    const sorted = "select *, date::date as day from flights order by day, origin";
    return {
      plainSeconds: await seconds(() => copy("select * from flights", "plain.parquet", "")),
      byDaySeconds: await seconds(() => copy(sorted, "by_day", ", partition_by (day)")),
      peakRssMiB: peakRssMiB(),
    };
  });
}

async function inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "bench-append-"));
  try {
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
