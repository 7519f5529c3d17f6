import type { Command } from "commander";

/** `slh status`. */
export function statusCommand(program: Command): void {
  program
    .command("status")
    .summary("show what is fresh, stale or missing, and what is left to do")
    .description(
      "Shows for each milestone whether its outputs are fresh, and why not; with a name, its whole Definition of Done. All of it is computed.",
    )
    .argument("[milestone...]", "m03, 3 or writing-iceberg")
    .option("--json", "print everything as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh status
  $ slh status m03
  $ slh status --json | jq '.[] | select(.machine.state == "stale") | .id'`,
    )
    .action(async (words: string[], { json }: { json?: boolean }) => {
      const { reportStatus } = await import("./status-report.js");
      await reportStatus(words, json === true);
    });
}
