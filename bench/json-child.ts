/** One task of bench/json.ts in a process of its own; prints its peak resident memory in MiB. Loads what the task needs. */
import { join } from "node:path";
import { peakRssMiB } from "./harness.js";

const [task = "", root = ""] = process.argv.slice(2);
const file = join(root, "flights.jsonl");

const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
  "write-table": async () => {
    const { lake, batches, flightsSchema } = await source();
    const table = await lake.createTable("bench.flights", { schema: flightsSchema });
    await table.append(batches);
  },
  "write-lines": async () => {
    const { batches } = await source();
    const { writeJsonLines } = await import("./json-lines.js");
    await writeJsonLines(batches, file);
  },
  "query-table": async () => {
    const { openLakehouse } = await import("sololakehouse");
    const lake = await openLakehouse({ root, profile: "embedded" });
    await (await lake.sql("select origin, count(*), avg(delay) from bench.flights group by origin")).rows();
  },
  "query-lines": async () => {
    const { delaysByOrigin, readJsonLines } = await import("./json-lines.js");
    await delaysByOrigin(readJsonLines(file));
  },
  "hold-lines": async () => {
    const { delaysByOrigin, holdRows } = await import("./json-lines.js");
    await delaysByOrigin([await holdRows(file)]);
  },
  "query-lines-duckdb": async () => {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.runAndReadAll(
      `select origin, count(*), avg(delay) from read_json('${file}') group by origin`,
    );
  },
};

/** The flights as they stream out of the Parquet file, the same for both writers. */
async function source() {
  const { openLakehouse } = await import("sololakehouse");
  const { flightsFile, flightsSchema } = await import("./flights.js");
  const lake = await openLakehouse({ root, profile: "embedded" });
  const flights = await lake.sql(`select * from read_parquet('${flightsFile}')`);
  return { lake, batches: flights.batches(), flightsSchema };
}

const work = tasks[task];
if (work === undefined) throw new Error(`There is no task "${task}".`);
await work();
console.log(peakRssMiB());
process.exit(0);
