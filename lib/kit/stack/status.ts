import type { StackHome } from "./home.js";
import { endOf } from "./process/end-of.js";
import { isWell } from "./process/health.js";
import { bootNow, isRunning, memoryOf } from "./process/identity.js";
import type { Service } from "./service.js";

/**
 * - `up`: its process runs, and it says that it is well.
 * - `not well`: its process runs, and it does not say so.
 * - `crashed`: it was started, was not stopped, and its process is gone.
 * - `ended with the machine`: the same, and the machine was started anew since.
 * - `down`: it was stopped, or never started.
 */
export type ServiceState = "up" | "not well" | "crashed" | "ended with the machine" | "down";

export interface ServiceStatus {
  readonly service: Service;
  readonly state: ServiceState;
  readonly pid?: number;
  /** When it was started, as ISO 8601. */
  readonly since?: string;
  /** Bytes of memory that it and its children hold. */
  readonly memory?: number | undefined;
  /** The end of its log, of one that crashed. */
  readonly said?: readonly string[];
}

/** How a service is. Its number alone is not asked for: another process may have it by now. */
export async function statusOf(service: Service, home: StackHome): Promise<ServiceStatus> {
  const started = home.started(service.name);
  if (started === undefined) return { service, state: "down" };
  const { pid, at: since, boot } = started;
  if (isRunning(started)) {
    const state = (await isWell(service, home)) ? "up" : "not well";
    return { service, state, pid, since, memory: memoryOf(pid) };
  }
  if (boot !== bootNow()) return { service, state: "ended with the machine", since };
  return { service, state: "crashed", since, said: endOf(home.logOf(service.name), 3) };
}
