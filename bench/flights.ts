import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Table as ArrowTable } from "apache-arrow";
import { asc, day, defineSchema, type Lakehouse, long, string, timestamp } from "sololakehouse";

/** 3,000,000 flights (US DOT) as one Parquet file. */
export const flightsFile = join(
  dirname(createRequire(import.meta.url).resolve("vega-datasets")),
  "..",
  "data",
  "flights-3m.parquet",
);

export const flightsSchema = defineSchema({
  date: timestamp().optional(),
  delay: long().optional(),
  distance: long().optional(),
  origin: string().optional(),
  destination: string().optional(),
});

/** How `bronze_flights` is laid out: one partition a day, rows sorted by origin. */
export const byDay = { partitionSpec: [day("date")], sortOrder: [asc("origin")] };

/** The flights as Arrow data in memory: where every contender of an append starts. */
export async function flightsInMemory(lake: Lakehouse): Promise<ArrowTable> {
  return (await lake.sql(`select * from read_parquet('${flightsFile}')`)).toArrow();
}
