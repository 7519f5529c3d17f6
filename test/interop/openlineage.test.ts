/** OpenLineage's own client reads the events of runs, and would send the same. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { type OpenLineageEvent, openLineageEvent } from "sololakehouse/pipeline";
import { expect, test } from "vitest";
import { ingestAirports, ingestEvents, readFlights, replay, tasks } from "../../pipelines/flights/index.js";
import { airflowPython } from "./installed.js";

function asTheirs(events: readonly OpenLineageEvent[]): unknown[] {
  const program = join(import.meta.dirname, "python/openlineage_events.py");
  const { status, stdout, stderr } = spawnSync(airflowPython, [program], {
    input: JSON.stringify(events),
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test("OpenLineage's client knows all that is in the events of a run, and every column that they name", async () => {
  const root = await mkdtemp(join(tmpdir(), "openlineage-"));
  await using lake = await openLakehouse({ root });
  await ingestAirports(lake);
  await ingestEvents(lake, "all", replay(await readFlights(lake, 9, 2), { seed: 1 }).arrivals);
  const runs = await lake.pipeline.run(tasks);
  const lineage = await lake.pipeline.lineage(tasks);
  const events = runs.flatMap((run) =>
    (["START", "COMPLETE"] as const).map((eventType) =>
      openLineageEvent(run, lineage, { namespace: "lake", eventType }),
    ),
  );
  expect(events).toHaveLength(2 * tasks.length);
  expect(asTheirs(events)).toMatchObject(events);
  expect(new Set(events.map(({ run }) => (run as { runId: string }).runId)).size).toBe(tasks.length);

  for (const event of events) {
    const { inputs, outputs } = event as unknown as Event;
    const { schema, columnLineage } = (outputs[0] as Dataset).facets;
    const { fields, dataset } = columnLineage as ColumnLineage;
    expect(Object.keys(fields)).toEqual(schema.fields.map(({ name }) => name));
    const from = [...Object.values(fields).flatMap(({ inputFields }) => inputFields), ...dataset];
    expect(from).not.toEqual([]);
    for (const { name, field } of from)
      expect(inputs.find((input) => input.name === name)?.facets.schema.fields).toContainEqual(
        expect.objectContaining({ name: field }),
      );
  }
  const [first] = events;
  expect(() => asTheirs([{ ...first, run: { runId: "first", facets: {} } }])).toThrow(/hexadecimal UUID/);
  expect(() => asTheirs([{ ...first, ended: "today" }])).toThrow(/AssertionError.*ended/);
  await rm(root, { recursive: true, force: true });
});

interface ColumnLineage {
  readonly fields: Readonly<Record<string, { readonly inputFields: readonly Field[] }>>;
  readonly dataset: readonly Field[];
}
interface Field {
  readonly name: string;
  readonly field: string;
}
interface Dataset {
  readonly name: string;
  readonly facets: {
    readonly schema: { readonly fields: readonly { readonly name: string }[] };
    readonly columnLineage?: ColumnLineage;
  };
}
interface Event {
  readonly inputs: readonly Dataset[];
  readonly outputs: readonly Dataset[];
}
