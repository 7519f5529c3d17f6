import type { AddCommands } from "../room.js";
import { sqlCommand, tablesCommand } from "./commands/sql.js";
import { tableCommands } from "./commands/table.js";
import type { QueryContext } from "./room.js";

/** `sql` and `tables` of the lakehouse, and `table`: any Iceberg table, by its files alone. */
export const queryCommands: AddCommands<QueryContext> = (program, withLake) => {
  sqlCommand(program, withLake);
  tablesCommand(program, withLake);
  tableCommands(program);
};
