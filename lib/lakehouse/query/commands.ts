import type { AddCommands } from "../room.js";
import { shellCommand } from "./commands/shell.js";
import { sqlCommand } from "./commands/sql.js";
import { tableCommands } from "./commands/table.js";
import { describeCommand, tablesCommand } from "./commands/tables.js";
import type { QueryContext } from "./room.js";

/** `sql`, `shell`, `tables` and `describe` of the lakehouse, and `table`: any Iceberg table, by its files alone. */
export const queryCommands: AddCommands<QueryContext> = (program, withLake) => {
  sqlCommand(program, withLake);
  shellCommand(program, withLake);
  tablesCommand(program, withLake);
  describeCommand(program, withLake);
  tableCommands(program);
};
