import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
export const flightsOf = (date: string, origin = "ATL") =>
  Array.from({ length: 24 }, (_, hour) => ({
    date: `${date}T${String(hour).padStart(2, "0")}:30:00`,
    delay: hour === 3 ? 48 : 0,
    distance: 100,
    origin,
    destination: "ORD",
  }));

/** The tables that the statements of sql/ are about, written here, and served to others. */
export interface FlightsLake {
  readonly directory: string;
  readonly catalog: BranchingCatalog;
  readonly server: RestServer;
  /** Three months of reports, and a tag at the end of the quarter. */
  readonly reports: Table;
  readonly quarter: { readonly snapshotId: SnapshotId; readonly moment: string };
  close(): Promise<void>;
}

export const AUTH = { clients: { ada: "lovelace" } };

export async function openFlightsLake(): Promise<FlightsLake> {
  const directory = await mkdtemp(join(tmpdir(), "sql-files-"));
  const store = new LocalStore(join(directory, "warehouse"));
  const catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
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
  let reports = (await catalog.createTable("flights.reports", {
    schema,
    partitionSpec: [month("date")],
  })) as Table;
  for (const date of ["2001-01-10", "2001-02-10", "2001-03-10"])
    reports = await reports.append(flightsOf(date));
  reports = await reports.createRef("2001-Q1", { type: "tag" });
  await catalog.createBranch("etl");
  const server = await serveRestCatalog({ catalog, store, port: 0, auth: AUTH });
  const { snapshotId = 0n, timestampMs = 0 } = reports.currentSnapshot ?? {};
  const moment = new Date(Number(timestampMs)).toISOString().replace("T", " ").replace("Z", "");
  return {
    directory,
    catalog,
    server,
    reports,
    quarter: { snapshotId, moment },
    close: async () => {
      await server.close();
      await catalog.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
