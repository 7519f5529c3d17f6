import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FormatVersion, isIn, openLakehouse, type Table } from "sololakehouse";
import { flightsFile, flightsSchema } from "./flights.js";
import { type Bench, type Measurement, seconds } from "./harness.js";

export const bench: Bench = {
  about:
    "Read 3,000,000 flights of which 5% are deleted (149,211: three values of `delay`, all over the file): by deletion vector (v3), by position deletes (v2), beside the same table without deletes. The first query of a session, and the median of 15. Aim: within 1.5x.",
  contenders: [
    { name: "undeleted", run: () => run(2, false) },
    { name: "deletion vector (v3)", run: () => run(3, true) },
    { name: "position deletes (v2)", run: () => run(2, true) },
  ],
  rounds: 3,
};

const REPEATS = 15;
const QUERIES = {
  aggregate: "select origin, count(*), avg(delay) from bench.flights group by origin",
  allColumns: "select max(date), sum(delay), sum(distance), max(origin), max(destination) from bench.flights",
};

async function run(formatVersion: FormatVersion, deleted: boolean): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-deleted-"));
  try {
    const writer = await openLakehouse({ root, profile: "embedded" });
    let table = (await writer.createTable("bench.flights", {
      schema: flightsSchema,
      formatVersion,
    })) as unknown as Table;
    table = await table.append(writer.sql(`select * from read_parquet('${flightsFile}')`).batches());
    const measured: Record<string, number> = {};
    if (deleted) {
      const where = isIn("delay", [4, 7, 12]);
      measured.deleteMs = (await seconds(() => table.deleteRows(where, { mode: "merge-on-read" }))) * 1000;
    } else measured.deleteMs = 0;
    await writer.close();

    const lake = await openLakehouse({ root, profile: "embedded" });
    for (const [name, query] of Object.entries(QUERIES)) {
      const once = () => seconds(() => lake.sql(query).then((result) => result.rows()));
      measured[`${name}FirstMs`] = (await once()) * 1000;
      const times: number[] = [];
      for (let n = 0; n < REPEATS; n++) times.push(await once());
      measured[`${name}Ms`] = (times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN) * 1000;
    }
    const [row] = await (await lake.sql("select count(*) as n from bench.flights")).rows();
    measured.rows = Number(row?.n);
    await lake.close();
    return measured;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
