import type { Room } from "../room.js";
import * as errors from "./errors.js";
import { gauges } from "./gauges.js";
import type { Log } from "./log.js";
import { metrics } from "./metrics.js";
import { type LogContext, openLog, probeLog } from "./open-log.js";

export { logCoreOf } from "./open-log.js";

/** The log, for the wiring. */
export const logRoom = {
  name: "log",
  errors,
  metrics,
  gauges,
  probe: probeLog,
  facade: openLog,
  close: (log) => log.close(),
} as const satisfies Room<LogContext, Log>;

/** Loads the commands of `streamctl`. */
export const streamCommands = async () => (await import("./commands.js")).addStreamCommands;
