import type { Command } from "commander";
import type { WithLake } from "../../room.js";
import { count, ProgressLine, printJson, printLine } from "../../terminal/index.js";
import { type LogContext, openLog } from "../open-log.js";

const TICK_MS = 1000;

/** `streamctl recover`. */
export function recoverCommand(program: Command, withLake: WithLake<LogContext>): void {
  program
    .command("recover")
    .summary("make the log's metadata again from its objects")
    .description(
      "Reads the object store and makes known what the metadata does not have: where its file was lost, or is an old copy. Refuses while another process writes the log.",
    )
    .option("--json", "print what was found as JSON")
    .addHelpText("after", "\nExamples:\n  $ streamctl recover")
    .action(({ json }: { readonly json?: true }) =>
      withLake(async (context) => {
        const log = openLog(context);
        const progress = new ProgressLine();
        const began = Date.now();
        const timer = setInterval(
          () =>
            progress.update(
              "Reading what the object store has",
              `${Math.round((Date.now() - began) / 1000)} s`,
            ),
          TICK_MS,
        );
        try {
          const recovered = await log.recover();
          progress.clear();
          if (json) printJson(recovered);
          else
            printLine(
              `The log has ${count(recovered.topics, "topic")} and ${count(recovered.segments, "segment")}.`,
            );
        } finally {
          clearInterval(timer);
          progress.clear();
          await log.close();
        }
      }),
    );
}
