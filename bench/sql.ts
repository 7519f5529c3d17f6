import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { openLakehouse } from "sololakehouse";
import { byDay, flightsFile, flightsSchema } from "./flights.js";
import { type Bench, type Measurement, seconds } from "./harness.js";

export const bench: Bench = {
  about:
    "SQL over the Iceberg table of 3,000,000 flights (182 days), beside DuckDB reading the very same Parquet files directly: a full aggregate, a selective one, and the first query of a session, DuckDB opened in it on both sides. Aim: within 1.5x, the first query within 2x.",
  contenders: [
    { name: "ours", run: () => run(true) },
    { name: "DuckDB, same files", run: () => run(false) },
  ],
};

const REPEATS = 15;

const QUERIES = {
  fullAggregate: (from: string) => `select origin, count(*), avg(delay) from ${from} group by origin`,
  oneDay: (from: string) =>
    `select origin, count(*) from ${from} where date >= timestamp '2001-03-01' and date < timestamp '2001-03-02' group by origin`,
  count: (from: string) => `select count(*) from ${from}`,
};

/** Both contenders write the table first, and are measured on reading it. Milliseconds, the median of the repeats. */
async function run(ours: boolean): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-sql-"));
  try {
    const lake = await openLakehouse({ root, profile: "embedded" });
    const table = await lake.createTable("bench.flights", { schema: flightsSchema, ...byDay });
    const written = await table.append(lake.sql(`select * from read_parquet('${flightsFile}')`).batches());
    const { tasks } = await written.scan().planAll();
    await lake.close();

    const engine = ours ? await openLakehouse({ root, profile: "embedded" }) : direct();
    const from = ours
      ? "bench.flights"
      : `read_parquet([${tasks.map((task) => `'${lake.store.localPath(task.dataFile.filePath)}'`).join(", ")}])`;
    const measured: Record<string, number> = {
      firstQueryMs:
        (await seconds(() => engine.sql(QUERIES.count(from)).then((result) => result.rows()))) * 1000,
    };
    for (const [name, query] of Object.entries(QUERIES)) {
      const times: number[] = [];
      for (let n = 0; n < REPEATS; n++) {
        times.push(await seconds(() => engine.sql(query(from)).then((result) => result.rows())));
      }
      measured[`${name}Ms`] = (times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN) * 1000;
    }
    return measured;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** DuckDB by itself, opened by its first query as ours is. */
function direct(): { sql(text: string): Promise<{ rows(): Promise<unknown> }> } {
  let opened: Promise<DuckDBConnection> | undefined;
  const open = async (): Promise<DuckDBConnection> => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("set parquet_metadata_cache = true");
    return connection;
  };
  return {
    async sql(text) {
      opened ??= open();
      const reader = await (await opened).runAndReadAll(text);
      return { rows: async () => reader.getRowObjects() };
    },
  };
}
