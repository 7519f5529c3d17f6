import type { EventLevel, Metric } from "../observability/index.js";
import type { Stoppable } from "./traces.js";

/** Whether the environment asks for spans or lines of events: nothing of this room is loaded where it does not. */
export function isAskedFor(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return Boolean(env.SLH_TRACES || env.SLH_EVENTS);
}

/** They are of the process: several lakehouses that are open in it share them. */
let running: { readonly started: Promise<readonly Stoppable[]>; users: number } | undefined;

/**
 * Sends and writes what the environment asks for, until as many have stopped it as have started it.
 *
 * @throws LakehouseError INVALID_CONFIG for settings that make no sense.
 */
export async function startFromEnv(
  metrics: readonly Metric[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Stoppable> {
  running ??= { started: start(metrics, env), users: 0 };
  const mine = running;
  mine.users++;
  const leave = async (): Promise<void> => {
    mine.users--;
    if (mine.users > 0) return;
    if (running === mine) running = undefined;
    const started = await mine.started.catch(() => []);
    await Promise.all(started.map((one) => one.stop()));
  };
  try {
    await mine.started;
  } catch (error) {
    await leave();
    throw error;
  }
  return { stop: leave };
}

async function start(
  metrics: readonly Metric[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Stoppable[]> {
  const started: Stoppable[] = [];
  const { SLH_TRACES, SLH_TRACES_AUTHORIZATION, SLH_TRACES_SERVICE, SLH_EVENTS, SLH_EVENTS_LEVEL } = env;
  try {
    if (SLH_EVENTS) {
      const { writeEventLines } = await import("./event-lines.js");
      const level = (SLH_EVENTS_LEVEL || undefined) as EventLevel | undefined;
      started.push(await writeEventLines(metrics, { to: SLH_EVENTS, level }));
    }
    if (SLH_TRACES) {
      const { exportTraces } = await import("./traces.js");
      started.push(
        await exportTraces({
          endpoint: SLH_TRACES,
          authorization: SLH_TRACES_AUTHORIZATION || undefined,
          service: SLH_TRACES_SERVICE || undefined,
        }),
      );
    }
  } catch (error) {
    await Promise.all(started.map((one) => one.stop()));
    throw error;
  }
  return started;
}
