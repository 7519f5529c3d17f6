import type { Command } from "commander";
import { gcCommand } from "./gc.js";
import { diffCommand, logCommand, reflogCommand } from "./history.js";
import { cherryPickCommand, mergeCommand, revertCommand, rollbackCommand } from "./merge.js";
import { refCommands } from "./refs.js";

/** Git for tables: `slh branch`, `tag`, `log`, `diff`, `merge`, `cherry-pick`, `revert`, `rollback`, `reflog`, `gc`. */
export function branchCommands(program: Command): void {
  refCommands(program);
  logCommand(program);
  diffCommand(program);
  mergeCommand(program);
  cherryPickCommand(program);
  revertCommand(program);
  rollbackCommand(program);
  reflogCommand(program);
  gcCommand(program);
}
