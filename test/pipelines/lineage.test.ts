import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse, type Schema } from "sololakehouse";
import {
  lineageDiagram,
  openLineageEvent,
  origins,
  type TaskLineage,
  task,
  upsert,
} from "sololakehouse/pipeline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conformingBatches } from "../../lib/lakehouse/iceberg/index.js";
import { type NamedRows, openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import {
  ingestAirports,
  ingestEvents,
  readFlights,
  replay,
  silverFlights,
  tasks,
} from "../../pipelines/flights/index.js";

let root: string;
let lake: Lakehouse;
let engine: QueryEngine;
let lineage: readonly TaskLineage[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lineage-"));
  lake = await openLakehouse({ root });
  engine = await openQueryEngine({ resolve: async () => undefined });
  await ingestAirports(lake);
  const flights = await readFlights(lake, 9, 4);
  await ingestEvents(lake, "all", replay(flights, { seed: 5, rates: { broken: 0.2, late: 0 } }).arrivals);
  await lake.pipeline.run(tasks, { record: false });
  lineage = await lake.pipeline.lineage(tasks);
});
afterAll(async () => {
  await engine.close();
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const originsOf = (table: string, column: string) =>
  origins(lineage, { table, column })
    .map((each) => `${each.table}.${each.column}`)
    .sort();

test("a column of gold is followed back to what was received", () => {
  expect(originsOf("gold.route_days", "mean_delay_minutes")).toEqual(["bronze.flight_events.delay"]);
  expect(originsOf("gold.route_days", "flight_date")).toEqual(["bronze.flight_events.scheduled"]);
  expect(originsOf("gold.airport_days", "airport")).toEqual([
    "bronze.flight_events.destination",
    "bronze.flight_events.origin",
  ]);
  expect(originsOf("silver.flights", "origin_city")).toEqual(["bronze.airports.city"]);
  expect(originsOf("gold.flight_features", "route_delay_minutes_7d")).toEqual(["bronze.flight_events.delay"]);
  expect(originsOf("gold.route_days", "flights")).toEqual([]);
});

type Input = { readonly schema: Schema; readonly rows: readonly Record<string, unknown>[] };

/** The inputs of a task by their names in its query, as they are. */
async function inputsOf({ changes, reads }: (typeof tasks)[number]): Promise<Record<string, Input>> {
  const found: Record<string, Input> = {};
  for (const [name, table] of Object.entries({ ...changes, ...reads })) {
    const { schema } = await lake.table(table);
    const rows = await lake.sql(`select * from ${table}`).rows();
    found[name] = { schema: schema as Schema, rows: rows as Record<string, unknown>[] };
  }
  return found;
}

async function namedRows(inputs: Readonly<Record<string, Input>>): Promise<Record<string, NamedRows>> {
  const found: Record<string, NamedRows> = {};
  for (const [name, { schema, rows }] of Object.entries(inputs)) {
    const batches = [];
    for await (const batch of conformingBatches(schema, rows)) batches.push(batch);
    found[name] = { schema, batches };
  }
  return found;
}

const ask = async (query: string, inputs: Readonly<Record<string, Input>>) =>
  (await engine.sql(query, { rows: await namedRows(inputs) })).rows();

function without({ schema }: Input, column: string): Input {
  const fields = schema.fields.filter(({ name }) => name !== column);
  return { schema: { ...schema, fields, identifierFieldIds: [] }, rows: [] };
}

describe.each(tasks.map((each) => [each.name, each] as const))(
  "the lineage of %s is what its query reads:",
  (name, of) => {
    const tableOf = (input: string) => ({ ...of.changes, ...of.reads })[input];
    const own = () => lineage.find(({ table }) => table === name) as TaskLineage;
    const isUsed = (input: string, column: string) =>
      [...Object.values(own().columns).flat(), ...own().rows].some(
        (each) => each.table === tableOf(input) && each.column === column,
      );

    test("it cannot be read without any of these columns", async () => {
      const inputs = await inputsOf(of);
      const dropped: string[] = [];
      for (const [input, each] of Object.entries(inputs))
        for (const { name: column } of each.schema.fields.filter((field) => isUsed(input, field.name))) {
          dropped.push(column);
          const lacking = { ...inputs, [input]: without(each, column) };
          await expect(ask(of.sql, lacking)).rejects.toMatchObject({ code: "INVALID_SQL" });
        }
      expect(dropped).not.toEqual([]);
    });

    test("other values in a column change no column that is not said to be of it", async () => {
      const inputs = await inputsOf(of);
      const sorted = async (given: Readonly<Record<string, Input>>) => {
        const rows = (await ask(of.sql, given)) as Record<string, unknown>[];
        return (column: string) => rows.map((row) => String(row[column])).sort();
      };
      const before = await sorted(inputs);
      let compared = 0;
      for (const [input, { schema, rows }] of Object.entries(inputs)) {
        for (const { name: column } of schema.fields) {
          if (own().rows.some((each) => each.table === tableOf(input) && each.column === column)) continue;
          const moved = rows.map((row, i) => ({ ...row, [column]: rows[(i + 1) % rows.length]?.[column] }));
          const after = await sorted({ ...inputs, [input]: { schema, rows: moved } });
          for (const [result, from] of Object.entries(own().columns)) {
            if (from.some((each) => each.table === tableOf(input) && each.column === column)) continue;
            expect({ column, result, values: after(result) }).toEqual({
              column,
              result,
              values: before(result),
            });
            compared++;
          }
        }
      }
      expect(compared).toBeGreaterThan(0);
    });
  },
);

test("a query of a table that its task does not name is refused, and so is one of which nothing can be told", async () => {
  const of = (sql: string) =>
    lake.pipeline.lineage([
      task({
        into: silverFlights,
        changes: { events: "bronze.flight_events" },
        sql,
        write: upsert({ newest: "sent_at" }),
      }),
    ]);
  await expect(of("SELECT * FROM gold.route_days")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(of("SELECT * FROM range(3)")).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
});

test("a run is an event of OpenLineage, and all of them a diagram", async () => {
  const [run] = await lake.pipeline.run([tasks[2] as (typeof tasks)[number]]);
  const at = new Date("2001-02-03T04:05:06Z");
  const event = openLineageEvent(run as NonNullable<typeof run>, lineage, { namespace: "lake", at });
  expect(event).toMatchObject({
    eventType: "COMPLETE",
    eventTime: "2001-02-03T04:05:06.000Z",
    job: { namespace: "lake", name: "gold.route_days" },
    run: { runId: run?.id },
    inputs: [{ namespace: "lake", name: "silver.flights" }],
  });
  const started = openLineageEvent(run as NonNullable<typeof run>, lineage, {
    namespace: "lake",
    eventType: "START",
  });
  expect(started).toMatchObject({ eventType: "START", eventTime: run?.at, run: event.run });
  const [output] = event.outputs as { facets: { columnLineage: { fields: Record<string, unknown> } } }[];
  expect(output?.facets.columnLineage.fields.max_delay_minutes).toEqual({
    inputFields: [
      {
        namespace: "lake",
        name: "silver.flights",
        field: "arrival_delay_minutes",
        transformations: [{ type: "DIRECT" }],
      },
    ],
  });
  const toRoutes = lineageDiagram(lineage, { to: "gold.route_days" });
  expect(toRoutes).toContain('"bronze.flight_events"."delay" -> "silver.flights"."arrival_delay_minutes"');
  // Of what lies before it, only columns that lead to it; of itself all, counts of rows too.
  expect(toRoutes).not.toMatch(/distance|rejected|airport/);
  expect(toRoutes).toContain('  "flights"');
  const drawn = new URL("../../milestones/m05-medallion/lineage.d2", import.meta.url);
  expect(await readFile(drawn, "utf8")).toBe(toRoutes);
  expect(() => lineageDiagram(lineage, { to: "bronze.airports" })).toThrow(/None of the tasks makes/);
  expect(lineageDiagram(lineage)).toContain(
    '"silver.flights"."arrival_delay_minutes" -> "gold.route_days"."mean_delay_minutes"',
  );
});
