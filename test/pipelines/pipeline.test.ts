import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";
import { byDay, flightsPipeline, readFlights, replay } from "../../pipelines/flights/index.js";
import { flightsOf } from "./support/model.js";

let root: string;
let lake: Lakehouse;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "flights-pipeline-"));
  lake = await openLakehouse({ root: join(root, "lake") });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

test("takes in each file once, makes the tables, and trains a model when there are days enough", async () => {
  const { arrivals, truth } = replay(await readFlights(lake, 9, 60), { seed: 1 });
  const days = [...byDay(arrivals)];
  const inbox = await mkdtemp(join(root, "inbox-"));
  const pipeline = flightsPipeline(inbox);
  const deliver = async (some: typeof days) => {
    for (const [day, batch] of some) await writeFile(join(inbox, `${day}.json`), JSON.stringify(batch));
    const { steps } = await lake.orchestration.run(pipeline);
    return (name: string) => steps.find((each) => each.name === name)?.result;
  };
  const first = await deliver(days.slice(0, 2));
  expect(first("ingest")).toEqual({ files: days.slice(0, 2).map(([day]) => day) });
  expect(first("train")).toEqual({ model: null });
  const second = await deliver(days);
  expect(second("ingest")).toEqual({ files: days.slice(2).map(([day]) => day) });
  const { model } = second("train") as { readonly model: string };
  expect((await lake.experiments.model(model)).name).toBe("late");
  const [bronze] = await lake.sql("select count(*)::int as n from bronze.flight_events").rows();
  expect(bronze).toEqual({ n: arrivals.length });
  const silver = await lake
    .sql("select flight_id, arrival_delay_minutes from silver.flights order by flight_id")
    .rows();
  expect(silver).toEqual(
    flightsOf(truth.good).map(({ flight_id, arrival_delay_minutes }) => ({
      flight_id,
      arrival_delay_minutes,
    })),
  );
});
