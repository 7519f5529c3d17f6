import { spawn } from "node:child_process";
import { Channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { byDay, ingestAirports, ingestEvents, readFlights, replay, tasks } from "#flights";
import { type Bench, type Measurement, seconds } from "./harness.js";

const DAYS = 3;
/** Few: most of a day is commits, queries and checks, which are what is watched. */
const FLIGHTS_PER_DAY = 100;
/** More often than anybody scrapes. */
const SCRAPE_MS = 1000;

export const bench: Bench = {
  about: `${DAYS} days of the flights pipeline (${FLIGHTS_PER_DAY} flights a day, six tables, audited): watched by a scrape a second, by spans to a collector and by every event in a file; by the scrape alone; and by nobody, not even lake.metrics(). Short rounds, each contender in turn; what counts is the processor's time by rounds. Aim: the scrape costs less than 2% of it, so that the ratio is above 0.98.`,
  contenders: [
    { name: "nobody", run: () => measured("nobody") },
    { name: "scraped", run: () => measured("scraped") },
    { name: "scraped, traced and written down", run: () => measured("all") },
  ],
  rounds: 10,
  // Each process has a day of its own before it is measured.
  warmUp: false,
};

/** A collector that takes all there is and keeps nothing, in a process of its own. */
const COLLECTOR = `
const server = require("node:http").createServer((request, response) => {
  request.resume().on("end", () => response.end("{}"));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

async function measured(watched: "nobody" | "scraped" | "all"): Promise<Measurement> {
  // Every lakehouse counts for lake.metrics(): here nobody is to listen at all.
  if (watched === "nobody") Channel.prototype.subscribe = () => {};
  const root = await mkdtemp(join(tmpdir(), "bench-observability-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  const ends: (() => unknown)[] = [];
  try {
    const { arrivals } = replay(await readFlights(lake, DAYS + 1, FLIGHTS_PER_DAY), { seed: 1 });
    await ingestAirports(lake);
    const days = [...byDay(arrivals)];
    const day = async ([name, batch]: (typeof days)[number]): Promise<void> => {
      await ingestEvents(lake, `day-${name}`, batch);
      await lake.pipeline.run(tasks);
    };
    if (watched !== "nobody") {
      const { url } = await lake.telemetry.serve({ port: 0 });
      const timer = setInterval(
        () => void fetch(`${url}/metrics`).then((answer) => answer.text()),
        SCRAPE_MS,
      );
      ends.push(() => clearInterval(timer));
    }
    if (watched === "all") {
      const collector = spawn(process.execPath, ["--eval", COLLECTOR]);
      ends.push(() => collector.kill());
      const [port] = (await once(collector.stdout, "data")) as [Buffer];
      await lake.telemetry.sendTraces({ endpoint: `http://127.0.0.1:${String(port).trim()}` });
      await lake.telemetry.writeEvents({ to: join(root, "events.ndjson"), level: "debug" });
    }
    for (const each of days.slice(0, 1)) await day(each);
    const before = process.cpuUsage();
    const took = await seconds(async () => {
      for (const each of days.slice(1, DAYS + 1)) await day(each);
    });
    const { user, system } = process.cpuUsage(before);
    return { cpuSeconds: (user + system) / 1e6, seconds: took };
  } finally {
    for (const end of ends) await end();
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}
