import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BranchingCatalog,
  openCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import {
  day,
  defineSchema,
  double,
  int,
  month,
  type SnapshotId,
  string,
  type Table,
  timestamp,
} from "../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { Engine } from "./engine.js";
import { home } from "./installed.js";

const folderOf = (engine: "spark" | "trino") =>
  fileURLToPath(new URL(`../../sql/${engine}`, import.meta.url));

const schema = defineSchema({
  date: timestamp(),
  delay: int(),
  distance: int(),
  origin: string(),
  destination: string(),
});
const airport = defineSchema({
  iata: string(),
  name: string(),
  city: string(),
  state: string(),
  country: string(),
  latitude: double(),
  longitude: double(),
});

/** A flight an hour on one day, the one at 3 late, the others on time. */
const flightsOf = (date: string, origin = "ATL") =>
  Array.from({ length: 24 }, (_, hour) => ({
    date: `${date}T${String(hour).padStart(2, "0")}:30:00`,
    delay: hour === 3 ? 48 : 0,
    distance: 100,
    origin,
    destination: "ORD",
  }));

/** The statements of a file, with values for its variables. Comments are lines of their own. */
async function statementsOf(path: string, values: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const text = (await readFile(path, "utf8")).replace(/^--.*$/gm, "");
  const filled = text.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
    const value = values[variable];
    if (value === undefined) throw new Error(`${path} wants a value for ${variable}.`);
    return value;
  });
  return filled
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter(Boolean);
}

/** Spark runs every file of sql/spark on tables that were written here. */
describe("sql/spark", () => {
  let directory: string;
  let catalog: BranchingCatalog;
  let server: RestServer;
  let spark: Engine;
  let reports: Table;
  let quarter: SnapshotId;
  const ran = new Set<string>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "sql-files-"));
    const store = new LocalStore(join(directory, "warehouse"));
    catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
    await catalog.createNamespace(["flights"]);
    const bronze = await catalog.createTable("flights.bronze_flights", {
      schema,
      partitionSpec: [day("date")],
    });
    await bronze.append([...flightsOf("2001-02-13"), ...flightsOf("2001-02-14", "HNL")]);
    const airports = await catalog.createTable("flights.airports", { schema: airport });
    const place = { city: "", country: "USA", latitude: 0, longitude: 0 };
    await airports.append([
      { ...place, iata: "ATL", name: "William B Hartsfield-Atlanta Intl", state: "GA" },
      { ...place, iata: "HNL", name: "Honolulu International", state: "HI" },
    ]);
    reports = (await catalog.createTable("flights.reports", {
      schema,
      partitionSpec: [month("date")],
    })) as Table;
    for (const date of ["2001-01-10", "2001-02-10", "2001-03-10"])
      reports = await reports.append(flightsOf(date));
    reports = await reports.createRef("2001-Q1", { type: "tag" });
    quarter = reports.currentSnapshot?.snapshotId ?? 0n;
    await catalog.createBranch("etl");
    const auth = { clients: { ada: "lovelace" } };
    server = await serveRestCatalog({ catalog, store, port: 0, auth });
    spark = new Engine("spark_rest.py");
    await spark.call("start", { uri: server.uri, credential: "ada:lovelace", folder: directory });
  });
  afterAll(async () => {
    await spark?.close();
    await server?.close();
    await catalog?.close();
    await rm(directory, { recursive: true, force: true });
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
    reports = await reports.refresh();
    expect(reports.schema.fields.map(({ id, name }) => [id, name])).toEqual([
      [1, "date"],
      [2, "arrival_delay"],
      [3, "distance"],
      [4, "origin"],
      [5, "destination"],
      [6, "km"],
    ]);
    reports = await reports.append(
      flightsOf("2001-04-10").map(({ delay, distance, ...flight }) => ({
        ...flight,
        arrival_delay: delay - 160,
        distance: BigInt(distance),
        km: 161,
      })),
    );
  });

  test("time travel", async () => {
    const at = reports.metadata.snapshots.find(({ snapshotId }) => snapshotId === quarter)?.timestampMs;
    const moment = new Date(Number(at)).toISOString().replace("T", " ").replace("Z", "");
    const flights = [[{ flights: 72 }], [{ flights: 72 }], [{ flights: 72 }]];
    expect(await run("time-travel", { since: String(quarter), moment })).toEqual(flights);
  });

  test("incremental", async () => {
    const [, changes] = await run("incremental", { since: String(quarter) });
    expect(changes).toEqual([{ change: "INSERT", flights: 24 }]);
  });

  test("write", async () => {
    await run("write");
    // Of April only the flight at 3 is left, the late one; and the rewrite has taken the deletes away.
    const { tasks } = await (await catalog.loadTable("flights.reports")).scan().planAll();
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

/** Trino itself is not installed: its connector for Iceberg comes with the whole server only. Its parser is. */
test("sql/trino is SQL to Trino's own parser", async () => {
  const folder = folderOf("trino");
  const values = { since: "1", until: "2", moment: "2001-04-01 00:00:00" };
  const files = await Promise.all(
    (await readdir(folder)).map((name) => statementsOf(join(folder, name), values)),
  );
  const jars = join(home, "trino", "*");
  const program = fileURLToPath(new URL("java/TrinoSyntax.java", import.meta.url));
  const parse = (...statements: string[]) =>
    spawnSync("java", ["-cp", jars, program, ...statements], { encoding: "utf8" });
  expect(parse(...files.flat())).toMatchObject({ status: 0, stderr: "" });
  expect(parse("select count(*) frm t").stderr).toContain("mismatched input 't'");
});
