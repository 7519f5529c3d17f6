import { setTimeout as sleep } from "node:timers/promises";
import type { StackHome } from "./home.js";
import { exclusively } from "./process/exclusively.js";
import { isRunning } from "./process/identity.js";
import type { Service } from "./service.js";
import { SERVICES } from "./services/all.js";

export interface Stop {
  readonly service: Service;
  readonly milliseconds: number;
  /** It did not end in its time, and was made to. What it had promised is on the disk all the same. */
  readonly killed: boolean;
}

/** In good order, or at once: for a stack that is thrown away. */
export type How = "in order" | "at once";

/** Stops what runs of the stack, the last first, and tells of each. */
export async function down(
  home: StackHome,
  stopped: (stop: Stop) => void,
  how: How = "in order",
): Promise<void> {
  await exclusively(home.lock, async () => {
    for (const service of Object.values<Service>(SERVICES).reverse()) {
      const result = await stop(service, home, how);
      if (result !== undefined) stopped(result);
    }
  });
}

/** Stops a service; undefined where it did not run. */
export async function stop(
  service: Service,
  home: StackHome,
  how: How = "in order",
): Promise<Stop | undefined> {
  const started = home.started(service.name);
  if (started === undefined) return undefined;
  const began = performance.now();
  let killed = how === "at once";
  // A number that another process has by now is left alone.
  const ran = isRunning(started);
  if (ran) {
    signal(started.pid, killed ? "SIGKILL" : "SIGTERM");
    while (isRunning(started)) {
      if (performance.now() - began > service.stopMs && !killed) {
        killed = true;
        signal(started.pid, "SIGKILL");
      }
      await sleep(50);
    }
  }
  home.forget(service.name);
  return ran ? { service, milliseconds: performance.now() - began, killed } : undefined;
}

/** To the process and its children, which are one group. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
