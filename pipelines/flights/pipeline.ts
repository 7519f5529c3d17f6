import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  checkStep,
  definePipeline,
  type PipelineDefinition,
  step,
  taskStep,
} from "sololakehouse/orchestration";
import { bronzeAirports, bronzeEvents, goldFlightFeatures, silverFlights } from "./contracts.js";
import { ingestAirports, ingestEvents } from "./ingest.js";
import type { Arrival } from "./source.js";
import { tasks } from "./tasks.js";

/** Days that a model is trained on at least: some to learn from, some to calibrate by, some to be tested on. */
const DAYS = 7;

/**
 * Ingest, bronze to silver to gold, a check, and a model, as one pipeline.
 *
 * @param inbox a folder with files of reports, each a JSON list of arrivals: `2001-01-01.json`. Each is taken in once.
 * @example await lake.orchestration.run(flightsPipeline("inbox"));
 */
export function flightsPipeline(inbox: string): PipelineDefinition {
  const ingest = step({
    name: "ingest",
    writes: { events: bronzeEvents, airports: bronzeAirports },
    run: async ({ lake, log }) => {
      await ingestAirports(lake);
      const had = await lake
        .sql<{ source: string | null }>(`SELECT DISTINCT source FROM ${bronzeEvents.name}`)
        .rows();
      const known = new Set(had.map(({ source }) => source));
      const names = (await readdir(inbox))
        .filter((file) => file.endsWith(".json"))
        .map((file) => file.slice(0, -5));
      const files = names.filter((name) => !known.has(name)).sort();
      for (const name of files) {
        const arrivals = JSON.parse(
          await readFile(join(inbox, `${name}.json`), "utf8"),
        ) as readonly Arrival[];
        await ingestEvents(lake, name, arrivals);
        log(`${name}: ${arrivals.length} reports`);
      }
      return { files };
    },
  });
  const train = step({
    name: "train",
    reads: { features: goldFlightFeatures },
    after: [`check ${silverFlights.name}`],
    run: async ({ lake, run, log, signal }) => {
      const days = await lake.sql(`SELECT DISTINCT flight_date FROM ${goldFlightFeatures.name}`).rows();
      if (days.length < DAYS) {
        log(`${days.length} days are too few to train on`);
        return { model: null };
      }
      const { trainLate } = await import("./model/late.js");
      const init = {
        experiment: "late-flights",
        params: { rounds: 20 },
        tags: { "pipeline.run": run },
        signal,
      };
      const { result } = await lake.experiments.run(init, trainLate);
      return { model: result };
    },
  });
  return definePipeline({
    name: "flights",
    description: "Reports of flights to tables that answer, and a model of late ones.",
    steps: [ingest, ...tasks.map((task) => taskStep(task)), checkStep(silverFlights), train],
  });
}
