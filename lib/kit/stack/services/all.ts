import { stackUnready } from "../errors.js";
import type { ServiceName } from "../ports.js";
import type { Service, StackProfile } from "../service.js";
import { etcd } from "./etcd.js";
import { mlflow } from "./mlflow.js";
import { nessie } from "./nessie.js";
import { catalog, log } from "./ours.js";
import { seaweedfs } from "./seaweedfs.js";
import { trino, trinoWorkers } from "./trino.js";
import { alertmanager, grafana, prometheus } from "./watching.js";

/** All services, each after those that it needs. */
export const SERVICES = {
  seaweedfs,
  etcd,
  catalog,
  log,
  nessie,
  trino,
  "trino-worker-1": trinoWorkers[0],
  "trino-worker-2": trinoWorkers[1],
  mlflow,
  prometheus,
  alertmanager,
  grafana,
} as const satisfies Readonly<Record<ServiceName, Service>>;

/** The services of profiles, and of `core`, in the order in which they start. */
export function servicesOf(profiles: readonly StackProfile[]): readonly Service[] {
  const wanted = new Set<StackProfile>(["core", ...profiles]);
  return Object.values<Service>(SERVICES).filter(({ profile }) => wanted.has(profile));
}

/** @throws LakehouseError STACK_UNREADY for a name that no service has. */
export function serviceNamed(name: string): Service {
  const found = Object.values<Service>(SERVICES).find((service) => service.name === name);
  if (found !== undefined) return found;
  const names = Object.keys(SERVICES).join(", ");
  throw stackUnready(name, `The stack has no service "${name}".`, `It has ${names}.`);
}
