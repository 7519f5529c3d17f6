import type { Room } from "../room.js";
import * as errors from "./errors.js";
import { Experiments, type ExperimentsContext } from "./experiments.js";

/** Experiments, for the wiring. */
export const experimentsRoom = {
  name: "experiments",
  errors,
  facade: (context) => new Experiments(context),
  close: (experiments) => experiments.close(),
  commands: async () => (await import("./commands.js")).experimentsCommands,
} as const satisfies Room<ExperimentsContext, Experiments>;
