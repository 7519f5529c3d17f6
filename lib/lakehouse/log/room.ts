import { join } from "node:path";
import type { Profile } from "../profile.js";
import type { Room } from "../room.js";
import type { ObjectStore } from "../storage/index.js";
import * as errors from "./errors.js";
import { Log } from "./log.js";
import { metrics } from "./metrics.js";

/** What the log needs of an open lakehouse. */
export interface LogContext {
  readonly profile: Profile;
  readonly store: ObjectStore;
}

/** The log, for the wiring. */
export const logRoom = {
  name: "log",
  errors,
  metrics,
  facade: ({ profile, store }): Log => new Log({ store, folder: join(profile.root, "log") }),
  close: (log) => log.close(),
} as const satisfies Room<LogContext, Log>;
