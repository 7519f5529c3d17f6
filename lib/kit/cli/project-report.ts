import { columns, ink, printJson } from "sololakehouse/terminal";
import { printStanding, readProjectState } from "../content/index.js";
import { findProject } from "../milestones/index.js";

/** Prints the promises of the project and where it stands. The exit code is 1 where a promise is not kept. */
export async function reportProject(json: boolean): Promise<void> {
  const state = await readProjectState(findProject());
  if (json) printJson(state);
  else {
    const rows = state.promises.map(({ promise, kept, evidence }) => [
      kept ? ink("✔", "green") : ink("✖", "red"),
      promise,
      ink(evidence, "grey"),
    ]);
    for (const line of columns(rows, "<<<")) console.log(line);
    console.log();
    printStanding(state);
  }
  if (state.promises.some(({ kept }) => !kept)) process.exitCode = 1;
}
