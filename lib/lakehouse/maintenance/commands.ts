import type { AddCommands } from "../room.js";
import { compactCommand } from "./commands/compact.js";
import { layoutCommand } from "./commands/layout.js";
import { maintainCommand } from "./commands/maintain.js";
import type { MaintenanceContext } from "./maintenance.js";

/** The upkeep of tables: `layout`, `compact`, `maintain`. */
export const maintenanceCommands: AddCommands<MaintenanceContext> = (program, withLake) => {
  layoutCommand(program, withLake);
  compactCommand(program, withLake);
  maintainCommand(program, withLake);
};
