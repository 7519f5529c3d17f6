import type { Room } from "../room.js";
import { Maintenance, type MaintenanceContext } from "./maintenance.js";

/** The upkeep of tables, for the wiring. */
export const maintenanceRoom = {
  name: "maintenance",
  facade: (context) => new Maintenance(context),
  commands: async () => (await import("./commands.js")).maintenanceCommands,
} as const satisfies Room<MaintenanceContext, Maintenance>;
