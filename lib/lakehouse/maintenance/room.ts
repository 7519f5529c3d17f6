import type { Room } from "../room.js";
import { Maintenance, type MaintenanceContext } from "./maintenance.js";
import { metrics } from "./metrics.js";

/** The upkeep of tables, for the wiring. */
export const maintenanceRoom = {
  name: "maintenance",
  metrics,
  facade: (context) => new Maintenance(context),
  commands: async () => (await import("./commands.js")).maintenanceCommands,
} as const satisfies Room<MaintenanceContext, Maintenance>;
