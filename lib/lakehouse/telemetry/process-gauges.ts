import { monitorEventLoopDelay } from "node:perf_hooks";
import type { MetricDescription, MetricReading } from "../observability/index.js";

/** What is told of this process, beside what its rooms tell. */
export const PROCESS_METRICS = {
  cpu: {
    name: "process.cpu",
    kind: "counter",
    unit: "s",
    help: "Time that this process has used of processors.",
  },
  memory: {
    name: "process.resident.memory",
    kind: "gauge",
    unit: "By",
    help: "Memory that this process holds.",
  },
  start: {
    name: "process.start.time",
    kind: "gauge",
    unit: "s",
    help: "When this process began, in seconds since the epoch.",
  },
  delay: {
    name: "event.loop.delay",
    kind: "gauge",
    unit: "s",
    help: "How late the longest wait of the event loop was, since this was last asked for.",
  },
  build: {
    name: "build.info",
    kind: "gauge",
    unit: "1",
    help: "1, with the version of SoloLakehouse and of Node.",
  },
  up: {
    name: "part.up",
    kind: "gauge",
    unit: "1",
    help: "Whether a part of the lakehouse answered when it was last asked to do its job: 1, or 0.",
  },
  partDuration: {
    name: "part.probe.duration",
    kind: "gauge",
    unit: "ms",
    help: "How long a part of the lakehouse took when it was last asked to do its job.",
  },
} as const satisfies Readonly<Record<string, MetricDescription>>;

/** Reads what there is to tell of this process, until it is stopped. */
export class ProcessGauges {
  readonly #version: string;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });

  constructor(version: string) {
    this.#version = version;
    this.#delay.enable();
  }

  read(): MetricReading[] {
    const { user, system } = process.cpuUsage();
    const delay = Math.max(0, this.#delay.max) / 1e9;
    this.#delay.reset();
    return [
      reading(PROCESS_METRICS.cpu, (user + system) / 1e6),
      reading(PROCESS_METRICS.memory, process.memoryUsage.rss()),
      reading(PROCESS_METRICS.start, performance.timeOrigin / 1000),
      reading(PROCESS_METRICS.delay, delay),
      reading(PROCESS_METRICS.build, 1, { version: this.#version, node: process.versions.node }),
    ];
  }

  stop(): void {
    this.#delay.disable();
  }
}

/** One value, as counters and gauges have it. */
export function reading(
  { name, kind, unit, help }: MetricDescription,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): MetricReading {
  return { name, kind, unit, help, labels, count: 1, sum: value };
}
