import type { Room } from "../room.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";
import { Orchestration, type OrchestrationContext } from "./orchestration.js";

/** Orchestration, for the wiring. */
export const orchestrationRoom = {
  name: "orchestration",
  errors,
  metrics,
  facade: (context) => new Orchestration(context),
  close: (orchestration) => orchestration.close(),
  commands: async () => (await import("./commands.js")).orchestrationCommands,
} as const satisfies Room<OrchestrationContext, Orchestration>;
