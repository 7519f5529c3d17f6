import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, long, openLakehouse, string } from "sololakehouse";
import { flightsFile, flightsInMemory, flightsSchema } from "./flights.js";
import { type Bench, type Measurement, seconds } from "./harness.js";

const COMMITS = 150;
/** Before the clock starts, on both sides: what is loaded when it is first used has no part in the commits. */
const FIRST_COMMITS = 10;
const REPEATS = 15;

/*
 * What was tried and did not help. Queries: prepared statements that are kept (DuckDB binds those that read Parquet again
 * each time, and whether it does so for all is not documented, so that a kept one could answer with an old `now()`);
 * COMMIT in place of the SELECT that tells a failed stream from one that is through (it passes on both); BEGIN ahead of the
 * relation (its view might not be seen). `stream()` prepares by itself, so leaving our own `prepare` out saves nothing.
 * Commits: on a busy disk, creating a file waits for a sync that is under way, so fewer rounds of syncs count for more than
 * fewer files. Ours come in three rounds, one after the other: a commit's four files beside each other, then the folders
 * that name them, then SQLite's log: by strace eight syncs a commit, where DuckLake makes one, of its catalog's log: after a
 * power cut, its commit may name a data file without its rows. So there are two figures: `commitsPerSecond` beside DuckLake as
 * it comes, `durableCommitsPerSecond` beside DuckLake with the data file and its folder synced after each commit. A link
 * before its file's sync would make one round of the first two, and show objects under their names that a power cut can leave
 * half written: no store may do that. No longer to hash each name for the folder of objects that are on their way elsewhere,
 * where there is no such folder, is the one gain so far, and within the noise of a busy machine. The first commit of a process
 * takes some 330 ms, as long as forty later ones: nearly all of it loads modules, most of them those of apache-arrow. DuckLake's
 * extension is loaded before its clock starts, so ours are, too, by commits that are not counted on either side. What the main thread does of
 * a commit is spread thin: gzip and JSON of the metadata, deflate of two manifests, opening files, and collecting garbage
 * are the largest, each with less than a fifth.
 *
 * Where the time of a query is not: read by one DuckDB, both sides' files take about as much processor time (aggregate 31 ms
 * of ours, 36 ms of theirs; a day 4.6 and 3.1 ms, and 2.3 and 2.2 ms of DuckDB's own copy of ours in the same order of
 * rows). Our front door adds some 2.5 ms of it to `count(*)`.
 */
export const bench: Bench = {
  about: `Beside DuckLake 1.4.4, its catalog in a DuckDB file: ${COMMITS} commits of 10 rows to one table, behind ${FIRST_COMMITS} that are not counted, 3,000,000 flights appended from Arrow data in memory (zstd, one partition), and three queries of them, medians of ${REPEATS}. Both through their front door; ours syncs every file to the disk, DuckLake its catalog's log and no data file (durableCommitsPerSecond: by hand, that too). Aim: ahead in each.`,
  contenders: [
    { name: "ours", run: ours },
    { name: "DuckLake", python: "ducklake.py", arguments: [flightsFile] },
  ],
  rounds: 3,
};

async function ours(): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-ducklake-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  try {
    const schema = defineSchema({ id: long(), data: string().optional() });
    let small = await lake.createTable("bench.small", { schema });
    const commits = async (count: number) => {
      for (let n = 0; n < count; n++) {
        const rows = Array.from({ length: 10 }, (_, i) => ({ id: BigInt(n * 10 + i), data: `row ${i}` }));
        small = await small.append(rows);
      }
    };
    await commits(FIRST_COMMITS);
    const committed = await seconds(() => commits(COMMITS));
    const source = await flightsInMemory(lake);
    const flights = await lake.createTable("bench.flights", { schema: flightsSchema });
    const appendSeconds = await seconds(() => flights.append(source));
    const medianMs = async (query: string): Promise<number> => {
      const times: number[] = [];
      for (let n = 0; n < REPEATS; n++) {
        times.push(await seconds(async () => (await lake.sql(query)).rows()));
      }
      return (times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN) * 1000;
    };
    return {
      commitsPerSecond: COMMITS / committed,
      durableCommitsPerSecond: COMMITS / committed,
      appendSeconds,
      aggregateMs: await medianMs("select origin, count(*), avg(delay) from bench.flights group by origin"),
      oneDayMs: await medianMs(
        "select origin, count(*) from bench.flights where date >= timestamp '2001-03-01' and date < timestamp '2001-03-02' group by origin",
      ),
      countMs: await medianMs("select count(*) from bench.flights"),
    };
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}
