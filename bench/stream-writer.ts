import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  day,
  defineSchema,
  double,
  type Lakehouse,
  long,
  openLakehouse,
  string,
  timestamp,
} from "sololakehouse";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

const ROWS = 2_000_000;
/** Of the contender that commits each of them. */
const FEW = 300;
const PER_DAY = 100_000;

export const bench: Bench = {
  about: `Rows that come one by one, ${ROWS / 1e6}M of a long, a timestamp, a double and a text: written to a stream with offsets, each call awaited, a commit a second. Aim: 500,000 rows a second, and as much memory for four times the rows. Beside it the same by day, in files of ${ROWS / PER_DAY} days; the same rows in one append; DuckDB's appender, one value a call, into a table that is then copied to one Parquet file; and an append of ours for each row, of ${FEW}.`,
  contenders: [
    { name: "ours", run: () => streamed(false) },
    { name: "ours, 4 times the rows", run: () => streamed(false, 4 * ROWS) },
    { name: "ours, by day", run: () => streamed(true) },
    { name: "one append", run: () => inLake(false, (table) => table.append(rows(ROWS)), ROWS) },
    { name: "DuckDB's appender", run: duckdb },
    { name: "an append a row", run: () => inLake(false, appendEach, FEW) },
  ],
  rounds: 3,
};

const schema = defineSchema({ id: long(), at: timestamp(), value: double(), key: string() });

const rowOf = (i: number) => ({
  id: BigInt(i),
  at: new Date(1_704_067_200_000 + Math.floor((i * 86_400_000) / PER_DAY)),
  value: ((i * 7919) % 1000) / 7,
  key: `key-${(i * 104_729) % 100_000}`,
});

function* rows(count: number) {
  for (let i = 0; i < count; i++) yield rowOf(i);
}

type BenchTable = Awaited<ReturnType<typeof makeTable>>;

function makeTable(lake: Lakehouse, byDay: boolean) {
  return lake.createTable("bench.stream", {
    schema,
    properties: { "write.target-file-age-ms": "1000", "history.expire.max-snapshots": "0" },
    ...(byDay ? { partitionSpec: [day("at")] } : {}),
  });
}

function streamed(byDay: boolean, count: number = ROWS): Promise<Measurement> {
  const work = async (table: BenchTable) => {
    const writer = await table.stream({ source: "bench" });
    for (let i = 0; i < count; i++) await writer.write(rowOf(i), { offset: BigInt(i) });
    await writer.close();
  };
  return inLake(byDay, work, count);
}

async function appendEach(table: BenchTable): Promise<void> {
  let now = table;
  for (let i = 0; i < FEW; i++) now = await now.append([rowOf(i)]);
}

async function inLake(
  byDay: boolean,
  work: (table: BenchTable) => Promise<unknown>,
  count: number,
): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "bench-stream-"));
  try {
    await using lake = await openLakehouse({ root: join(folder, "lake") });
    const table = await makeTable(lake, byDay);
    const elapsed = await seconds(() => work(table));
    const peak = peakRssMiB();
    const now = await table.refresh();
    if ((await lake.countRows(await lake.table("bench.stream"))) !== BigInt(count))
      throw new Error("rows are missing");
    return {
      rowsPerSecond: count / elapsed,
      files: (await now.scan().planAll()).tasks.length,
      commits: now.metadata.snapshots.length,
      peakRssMiB: peak,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function duckdb(): Promise<Measurement> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const folder = await mkdtemp(join(tmpdir(), "bench-stream-"));
  try {
    const connection = await (await DuckDBInstance.create(join(folder, "db"))).connect();
    await connection.run("create table t (id bigint, moment timestamp, value double, key varchar)");
    const { DuckDBTimestampValue } = await import("@duckdb/node-api");
    const elapsed = await seconds(async () => {
      const appender = await connection.createAppender("t");
      for (let i = 0; i < ROWS; i++) {
        const { id, at, value, key } = rowOf(i);
        appender.appendBigInt(id);
        appender.appendTimestamp(new DuckDBTimestampValue(BigInt(at.getTime()) * 1000n));
        appender.appendDouble(value);
        appender.appendVarchar(key);
        appender.endRow();
      }
      appender.closeSync();
      await connection.run(`copy t to '${join(folder, "t.parquet")}' (compression zstd)`);
    });
    return { rowsPerSecond: ROWS / elapsed, files: 1, commits: 1, peakRssMiB: peakRssMiB() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
