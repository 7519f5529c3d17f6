import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { byDay, ingestAirports, ingestEvents, readFlights, replay, tasks } from "#flights";
import { type Bench, type Measurement, seconds } from "./harness.js";

const DAYS = 180;
const FLIGHTS_PER_DAY = 100;
/** Days of history that the next days are measured behind, and how many of them. */
const AT = [10, 60, 120, 175];
const MEASURED = 5;

/*
 * What a day costs grows while the tables' history does, which is up to their 50 snapshots (`history.expire.max-snapshots`),
 * and not behind them: in the processor's time of the tenth to the fiftieth day 1.3, 1.6, 1.6, 1.5, 1.5 s. Of it silver takes
 * a quarter, and each of the four gold tables a seventh to a fifth: nearly all of it is what a commit, its branch and its
 * audit take whatever the number of rows. 180 days of it, twice and once more to warm up, are what took this bench half an
 * hour: it has one round, and its own first days warm it up.
 */
export const bench: Bench = {
  about: `One more day of the flights pipeline (${FLIGHTS_PER_DAY} flights, some late by up to three days; six tables, audited), behind so many days that came one by one: medians of ${MEASURED} days, with what bronze takes, by the clock and in the processor's time. "all anew" makes the six tables of all that there is, once. Aim: a day costs what a day costs, whatever the history. Names of days limit it: 30 60.`,
  contenders: [
    { name: "ours", run: (parts) => measured(parts, MEASURED, (lake) => lake.pipeline.run(tasks)) },
    {
      name: "all anew",
      run: (parts) => measured(parts, 1, (lake) => lake.pipeline.run(tasks, { rebuild: true }), true),
    },
  ],
  rounds: 1,
  warmUp: false,
};

/** @param onlyMeasured days are worked through; of the others the events come, and no more. */
async function measured(
  parts: readonly string[],
  count: number,
  work: (lake: Lakehouse) => Promise<unknown>,
  onlyMeasured = false,
): Promise<Measurement> {
  const at = parts.length === 0 ? AT : parts.map(Number);
  const days = Math.min(DAYS, Math.max(...at) + count);
  const root = await mkdtemp(join(tmpdir(), "bench-incremental-"));
  const lake = await openLakehouse({ root, profile: "embedded" });
  try {
    const { arrivals } = replay(await readFlights(lake, days, FLIGHTS_PER_DAY), { seed: 1 });
    await ingestAirports(lake);
    const times: number[] = [];
    const processor: number[] = [];
    for (const [day, batch] of [...byDay(arrivals)].slice(0, days)) {
      const isMeasured = at.some((n) => times.length >= n && times.length < n + count);
      const before = process.cpuUsage();
      times.push(
        await seconds(async () => {
          await ingestEvents(lake, `day-${day}`, batch);
          if (isMeasured || !onlyMeasured) await work(lake);
        }),
      );
      const { user, system } = process.cpuUsage(before);
      processor.push((user + system) / 1e6);
    }
    const behind = (n: number, of: readonly number[]) =>
      of.slice(n, n + count).sort((a, b) => a - b)[Math.floor(count / 2)] as number;
    return Object.fromEntries(
      at.flatMap((n) => [
        [`secondsBehind${n}Days`, behind(n, times)],
        [`cpuSecondsBehind${n}Days`, behind(n, processor)],
      ]),
    );
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
}
