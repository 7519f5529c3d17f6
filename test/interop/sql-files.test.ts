import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "./engine.js";
import { type FlightsLake, flightsOf, openFlightsLake } from "./flights-lake.js";
import { SqlFiles, testsOfAll } from "./sql-files.js";

/** Spark runs every file of sql/spark on tables that were written here. */
describe("sql/spark", () => {
  let lake: FlightsLake;
  let spark: Engine;
  const files = new SqlFiles("spark", (sql) => spark.call("query", { sql }));

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

  testsOfAll(files);

  test("plan", async () => {
    const filters = (await files.run("plan")).map(
      (answer) => /\[filters=(.*?), groupedBy/.exec(JSON.stringify(answer))?.[1],
    );
    const [range, zoned, hour] = filters;
    expect(range).toMatch(/date >= \d+, date < \d+/);
    expect(zoned).toBe("");
    expect(hour).not.toContain(">=");
    expect(hour).not.toContain("hour");
  });

  test("schema evolution, then a month from here under the new schema", async () => {
    const [, , , all, old] = await files.run("schema-evolution");
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
    expect(await files.run("time-travel", { since: String(snapshotId), moment })).toEqual(flights);
  });

  test("incremental", async () => {
    const [, changes] = await files.run("incremental", { since: String(lake.quarter.snapshotId) });
    expect(changes).toEqual([{ change: "INSERT", flights: 24 }]);
  });

  test("write", async () => {
    await files.run("write");
    // Of April only the flight at 3 is left, the late one; and the rewrite has taken the deletes away.
    const { tasks } = await (await lake.catalog.loadTable("flights.reports")).scan().planAll();
    expect(tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n)).toBe(73n);
    expect(tasks.flatMap(({ deleteFiles }) => deleteFiles)).toEqual([]);
    expect(
      await spark.call("query", { sql: "SELECT name FROM lake.flights.airports WHERE iata = 'ATL'" }),
    ).toEqual([{ name: "Hartsfield-Jackson Atlanta Intl" }]);
  });

  test("and no file is left out", async () => {
    expect(await files.left()).toEqual([]);
  });
});
