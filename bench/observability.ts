import { spawn } from "node:child_process";
import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { byDay, ingestAirports, ingestEvents, readFlights, replay, tasks } from "#flights";
import { type Bench, type Measurement, paired } from "./harness.js";

/** Two days each: one that is watched, and one that is not. */
const PAIRS = 40;
/** Until the code is compiled that both run: these days count for neither. */
const WARM_UP_DAYS = 10;
/** Few: most of a day is commits, queries and checks, which are what is watched. */
const FLIGHTS_PER_DAY = 100;
export const bench: Bench = {
  about: `Days of the flights pipeline (${FLIGHTS_PER_DAY} flights a day, six tables, audited) in one process, in ${PAIRS} pairs: one day that is watched, and one on which nobody listens to anything, not even lake.metrics(); which comes first takes turns. "ratio" is the processor's time of the one that nobody watches over that of the other, by pairs, with its bounds at a confidence of 95% or more. Watched by a scrape for each day, which takes about a second; and by that, by spans to a collector and by every event in a file, which begin and end with the day. Aim: less than 2% of the processor's time, so that all of the interval is above 0.98.`,
  contenders: [
    { name: "scraped", run: () => measured("scraped") },
    { name: "scraped, traced and written down", run: () => measured("all") },
  ],
  // Its rounds are pairs of days: a process measures both.
  rounds: 1,
  warmUp: false,
};

/** A collector that takes all there is and keeps nothing, in a process of its own. */
const COLLECTOR = `
const server = require("node:http").createServer((request, response) => {
  request.resume().on("end", () => response.end("{}"));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

async function measured(watched: "scraped" | "all"): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-observability-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  const collector = spawn(process.execPath, ["--eval", COLLECTOR]);
  try {
    const flights = await readFlights(lake, WARM_UP_DAYS + 2 * PAIRS, FLIGHTS_PER_DAY);
    const days = [...byDay(replay(flights, { seed: 1 }).arrivals)].values();
    await ingestAirports(lake);
    const day = async (): Promise<void> => {
      const [name, batch] = days.next().value as [string, never];
      await ingestEvents(lake, `day-${name}`, batch);
      await lake.pipeline.run(tasks);
    };
    const [port] = (await once(collector.stdout, "data")) as [Buffer];
    const endpoint = `http://127.0.0.1:${String(port).trim()}`;
    const { url } = await lake.telemetry.serve({ port: 0 });
    const watchedDay = async (): Promise<void> => {
      const ends =
        watched === "all"
          ? [
              await lake.telemetry.sendTraces({ endpoint }),
              await lake.telemetry.writeEvents({ to: join(root, "events.ndjson"), level: "debug" }),
            ]
          : [];
      await day();
      for (const end of ends) await end.stop();
      await (await fetch(`${url}/metrics`)).text();
    };
    const listeners = listenersOf();
    const spent = async (isWatched: boolean): Promise<number> => {
      listeners.isHeard = isWatched;
      // What one day leaves behind, the next does not pay for.
      globalThis.gc?.();
      const before = process.cpuUsage();
      await (isWatched ? watchedDay() : day());
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    for (let i = 0; i < WARM_UP_DAYS; i++) await spent(i % 2 === 0);
    const [unwatched, those]: [number[], number[]] = [[], []];
    for (let i = 0; i < PAIRS; i++)
      // Each day has a little more to go through than the one before it.
      for (const isWatched of i % 2 === 0 ? [true, false] : [false, true])
        (isWatched ? those : unwatched).push(await spent(isWatched));
    const { median, low, high } = paired(unwatched, those);
    return { ratio: median, ratioLow: low, ratioHigh: high, cpuSecondsADay: mean(those) };
  } finally {
    collector.kill();
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

/** All that listens to channels of this process: while it is not heard, a channel looks as it does where nobody listens. */
function listenersOf(): { isHeard: boolean } {
  const any = channel("bench");
  any.subscribe(() => {});
  const listeners = { isHeard: true };
  Object.defineProperty(Object.getPrototypeOf(any), "hasSubscribers", { get: () => listeners.isHeard });
  return listeners;
}
