import { setTimeout as sleep } from "node:timers/promises";
import { nextTick } from "../model/trigger.js";
import { lookOnce, type Watching } from "./look.js";

/** A clock that is set, or a machine that slept, is noticed by then. */
const LONGEST_MS = 60_000;

/**
 * Looks again and again until the signal is aborted: at the times of schedules, and every so often for sensors and for what waits.
 *
 * @param everyMs milliseconds between two looks of sensors.
 */
export async function watchOne(watching: Watching, everyMs: number, signal: AbortSignal): Promise<void> {
  const { triggers } = watching;
  const hasSensor = triggers.some(({ kind }) => kind === "sensor");
  while (!signal.aborted) {
    // A time that comes during the look is seen by the next one.
    const from = Date.now();
    const { waits } = await lookOnce(watching, Date.now);
    const ticks = triggers.flatMap((each) =>
      each.kind === "schedule" ? [(nextTick(each, from) ?? Infinity) - Date.now()] : [],
    );
    const wait = Math.min(LONGEST_MS, ...ticks, ...(hasSensor || waits ? [everyMs] : []));
    await sleep(Math.max(0, wait), undefined, { signal }).catch(() => {});
  }
}
