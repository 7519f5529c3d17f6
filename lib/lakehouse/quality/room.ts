import type { Room } from "../room.js";
import type { QualityContext } from "./check.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";
import { Quality } from "./quality.js";

/** Quality, for the wiring. */
export const qualityRoom = {
  name: "quality",
  errors,
  metrics,
  facade: (context) => new Quality(context),
  commands: async () => (await import("./commands.js")).qualityCommands,
} as const satisfies Room<QualityContext, Quality>;
