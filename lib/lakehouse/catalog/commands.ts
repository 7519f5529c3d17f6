import type { AddCommands } from "../room.js";
import { gcCommand } from "./commands/gc.js";
import { diffCommand, logCommand, reflogCommand } from "./commands/history.js";
import { cherryPickCommand, mergeCommand, revertCommand, rollbackCommand } from "./commands/merge.js";
import { refCommands } from "./commands/refs.js";
import { serveCommand } from "./commands/serve.js";
import type { WithBranches } from "./commands/with-branches.js";
import { branchingOf } from "./model/branching.js";
import { diffTables } from "./model/table-diff.js";
import type { CatalogContext } from "./room.js";

/**
 * Git for tables: `branch`, `tag`, `log`, `diff`, `merge`, `cherry-pick`, `revert`, `rollback`, `reflog`, `gc`; and
 * `catalog serve`, for other engines.
 */
export const catalogCommands: AddCommands<CatalogContext> = (program, withLake) => {
  const withBranches: WithBranches = (work) =>
    withLake(({ catalog, countRows }) => {
      const branching = branchingOf(catalog);
      return work(branching, (from, to) => diffTables(branching, from, to, countRows));
    });
  refCommands(program, withBranches);
  logCommand(program, withBranches);
  diffCommand(program, withBranches);
  mergeCommand(program, withBranches);
  cherryPickCommand(program, withBranches);
  revertCommand(program, withBranches);
  rollbackCommand(program, withBranches);
  reflogCommand(program, withBranches);
  gcCommand(program, withBranches);
  serveCommand(program, withLake);
};
