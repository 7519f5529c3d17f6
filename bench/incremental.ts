import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { byDay, ingestAirports, ingestEvents, readFlights, replay, tasks } from "#flights";
import { type Bench, type Measurement, seconds } from "./harness.js";

const DAYS = 180;
const FLIGHTS_PER_DAY = 500;
/** Days of history that the next days are measured behind, and how many of them. */
const AT = [10, 60, 120, 175];
const MEASURED = 5;

export const bench: Bench = {
  about: `One more day of the flights pipeline (${FLIGHTS_PER_DAY} flights, some late by up to three days; six tables, audited), behind so many days that came one by one: medians of ${MEASURED} days, with what bronze takes. "all anew" makes the six tables of all that there is. Aim: a day costs what a day costs, whatever the history. Names of days limit it: 30 60.`,
  contenders: [
    { name: "ours", run: (parts) => measured(parts, false) },
    { name: "all anew", run: (parts) => measured(parts, true) },
  ],
  rounds: 1,
};

async function measured(parts: readonly string[], anew: boolean): Promise<Measurement> {
  const at = parts.length === 0 ? AT : parts.map(Number);
  const days = Math.min(DAYS, Math.max(...at) + MEASURED);
  const root = await mkdtemp(join(tmpdir(), "bench-incremental-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  try {
    const { arrivals } = replay(await readFlights(lake, days, FLIGHTS_PER_DAY), { seed: 1 });
    await ingestAirports(lake);
    const found: Record<string, number> = {};
    const times: number[] = [];
    for (const [day, batch] of [...byDay(arrivals)].slice(0, days)) {
      const isMeasured = at.some((n) => times.length >= n && times.length < n + MEASURED);
      times.push(
        await seconds(async () => {
          await ingestEvents(lake, `day-${day}`, batch);
          if (!anew) await lake.pipeline.run(tasks);
          else if (isMeasured) await lake.pipeline.run(tasks, { rebuild: true });
        }),
      );
    }
    for (const n of at)
      found[`secondsBehind${n}Days`] = times.slice(n, n + MEASURED).sort((a, b) => a - b)[
        Math.floor(MEASURED / 2)
      ] as number;
    return found;
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}
