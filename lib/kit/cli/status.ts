import type { Command } from "commander";
import { invalidArgument } from "sololakehouse/errors";

/** `slh status`. */
export function statusCommand(program: Command): void {
  program
    .command("status")
    .summary("show what is fresh, stale or missing, and what is left to do")
    .description(
      "Shows for each milestone whether its outputs are fresh, and why not; with a name, its whole Definition of Done. All of it is computed.",
    )
    .argument("[milestone...]", "m03, 3 or writing-iceberg")
    .option("--project", "show the project as a whole: each of its promises with what holds it")
    .option("--json", "print everything as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh status
  $ slh status m03
  $ slh status --project     exit code 1 where a promise is not kept
  $ slh status --json | jq '.[] | select(.machine.state == "stale") | .id'`,
    )
    .action(async (words: string[], { json, project }: { json?: true; project?: true }) => {
      if (project) {
        if (words.length > 0) throw onlyAsAWhole(words);
        const { reportProject } = await import("./project-report.js");
        await reportProject(json === true);
      } else {
        const { reportStatus } = await import("./status-report.js");
        await reportStatus(words, json === true);
      }
    });
}

const onlyAsAWhole = (words: readonly string[]) =>
  invalidArgument(
    words.join(" "),
    "--project shows the project as a whole, and takes no milestone.",
    `Run: slh status --project, or slh status ${words.join(" ")}`,
  );
