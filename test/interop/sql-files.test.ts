import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "./engine.js";
import { type FlightsLake, flightsOf, folderOf, openFlightsLake, statementsOf } from "./flights-lake.js";

/** Spark runs every file of sql/spark on tables that were written here. */
describe("sql/spark", () => {
  let lake: FlightsLake;
  let spark: Engine;
  const ran = new Set<string>();

  beforeAll(async () => {
    lake = await openFlightsLake();
    spark = new Engine("spark_rest.py");
    const { server, directory } = lake;
    await spark.call("start", { uri: server.uri, credential: "ada:lovelace", folder: directory });
  });
  afterAll(async () => {
    await spark?.close();
    await lake?.close();
  });

  /** Runs a file, and gives what each statement answers. */
  async function run(name: string, values?: Readonly<Record<string, string>>): Promise<unknown[][]> {
    ran.add(`${name}.sql`);
    const answers: unknown[][] = [];
    for (const sql of await statementsOf(join(folderOf("spark"), `${name}.sql`), values))
      answers.push(await spark.call("query", { sql }));
    return answers;
  }

  test("aggregate", async () => {
    const [hours, spread] = await run("aggregate");
    expect(hours).toHaveLength(24);
    expect(hours?.[3]).toEqual({ hour: 3, flights: 2, delay: 48 });
    expect(spread).toMatchObject([{ mean: 2, median: 0 }]);
  });

  test("join", async () => {
    expect(await run("join")).toEqual([
      [{ lost: 0 }],
      [{ doubles: 0 }],
      [
        { state: "GA", flights: 24, delay: 2 },
        { state: "HI", flights: 24, delay: 2 },
      ],
    ]);
  });

  test("plan", async () => {
    const filters = (await run("plan")).map(
      (answer) => /\[filters=(.*?), groupedBy/.exec(JSON.stringify(answer))?.[1],
    );
    const [range, zoned, hour] = filters;
    expect(range).toMatch(/date >= \d+, date < \d+/);
    expect(zoned).toBe("");
    expect(hour).not.toContain(">=");
    expect(hour).not.toContain("hour");
  });

  test("metadata", async () => {
    const [snapshots, refs, files] = await run("metadata");
    expect(snapshots).toHaveLength(3);
    expect(refs).toMatchObject([
      { name: "2001-Q1", type: "TAG" },
      { name: "main", type: "BRANCH" },
    ]);
    expect(files).toHaveLength(3);
  });

  test("schema evolution, then a month from here under the new schema", async () => {
    const [, , , all, old] = await run("schema-evolution");
    expect(all).toEqual([{ flights: 72, with_km: 0, delay: 144 }]);
    expect(old).toEqual([{ flights: 72, delay: 144 }]);
    const reports = await lake.reports.refresh();
    expect(reports.schema.fields.map(({ id, name }) => [id, name])).toEqual([
      [1, "date"],
      [2, "arrival_delay"],
      [3, "distance"],
      [4, "origin"],
      [5, "destination"],
      [6, "km"],
    ]);
    await reports.append(
      flightsOf("2001-04-10").map(({ delay, distance, ...flight }) => ({
        ...flight,
        arrival_delay: delay - 160,
        distance: BigInt(distance),
        km: 161,
      })),
    );
  });

  test("time travel", async () => {
    const { snapshotId, moment } = lake.quarter;
    const flights = [[{ flights: 72 }], [{ flights: 72 }], [{ flights: 72 }]];
    expect(await run("time-travel", { since: String(snapshotId), moment })).toEqual(flights);
  });

  test("incremental", async () => {
    const [, changes] = await run("incremental", { since: String(lake.quarter.snapshotId) });
    expect(changes).toEqual([{ change: "INSERT", flights: 24 }]);
  });

  test("write", async () => {
    await run("write");
    // Of April only the flight at 3 is left, the late one; and the rewrite has taken the deletes away.
    const { tasks } = await (await lake.catalog.loadTable("flights.reports")).scan().planAll();
    expect(tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n)).toBe(73n);
    expect(tasks.flatMap(({ deleteFiles }) => deleteFiles)).toEqual([]);
    expect(
      await spark.call("query", { sql: "SELECT name FROM lake.flights.airports WHERE iata = 'ATL'" }),
    ).toEqual([{ name: "Hartsfield-Jackson Atlanta Intl" }]);
  });

  test("and no file is left out", async () => {
    expect([...ran].sort()).toEqual((await readdir(folderOf("spark"))).sort());
  });
});
