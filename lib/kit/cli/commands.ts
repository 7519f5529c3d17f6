/**
 * What the kit adds to the command `slh`, which is the lakehouse's: see `MoreCommands` in `lib/lakehouse/cli.ts`. Each
 * group of commands lives with the room that it serves.
 */
import type { Command } from "commander";
import { contentCommands } from "../content/commands.js";
import { interviewCommands } from "../interview/commands.js";
import { notebookCommands } from "../notebook/commands.js";
import { stackCommands } from "../stack/commands.js";
import { studioCommand } from "../studio/commands.js";
import { statusCommand } from "./status.js";

/** Adds the kit's commands to a program. */
export function addCommands(program: Command): void {
  notebookCommands(program);
  studioCommand(program);
  contentCommands(program);
  interviewCommands(program);
  stackCommands(program);
  statusCommand(program);
}

/** For `slh reset`. */
export { keptInLake as keptIn } from "../milestones/index.js";

/** For the help of the whole command line. */
export const examples: readonly string[] = [
  "slh run                    run the notebooks that are not fresh on this machine",
  "slh status m03             what milestone M3 still lacks",
];
