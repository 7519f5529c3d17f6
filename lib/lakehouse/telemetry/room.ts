import type { Room } from "../room.js";
import { metrics } from "./metrics.js";
import type { TelemetryContext } from "./observed.js";
import { Telemetry } from "./telemetry.js";

/** Telemetry, for the wiring. */
export const telemetryRoom = {
  name: "telemetry",
  metrics,
  facade: (context) => new Telemetry(context),
  commands: async () => (await import("./commands.js")).telemetryCommands,
} as const satisfies Room<TelemetryContext, Telemetry>;
