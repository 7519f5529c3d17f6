import type { AddCommands } from "../room.js";
import { interruptible, wholeNumber } from "../terminal/index.js";
import type { ExperimentsContext } from "./experiments.js";

export interface ListFlags {
  readonly limit: number;
  readonly json?: true;
}

export interface ShowFlags {
  readonly json?: true;
}

export interface ReproduceFlags {
  readonly task?: string;
  readonly json?: true;
}

/** `slh experiments` and `slh reproduce`. */
export const experimentsCommands: AddCommands<ExperimentsContext> = (program, withLake) => {
  const experiments = program
    .command("experiments")
    .summary("list and show runs of experiments")
    .description("Runs of experiments: what they were made of, and what came of them.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh experiments list
  $ slh experiments show latest`,
    );
  experiments
    .command("list")
    .summary("the experiments, or the runs of one")
    .description("Lists the experiments, or the runs of one, newest first.")
    .argument("[experiment]", "its name")
    .option("--limit <n>", "show at most this many runs", wholeNumber(1), 20)
    .option("--json", "print as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh experiments list
  $ slh experiments list late-flights --limit 5`,
    )
    .action((experiment: string | undefined, flags: ListFlags) =>
      withLake(async (context) => {
        const { listCommand } = await import("./show-commands.js");
        await listCommand(context, experiment, flags);
      }),
    );
  experiments
    .command("show")
    .summary("a run: what it was made of, and what came of it")
    .description("Shows a run with its params, metrics, data, models and files.")
    .argument("<run>", "its id, or how it begins; latest for the newest")
    .option("--json", "print as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh experiments show latest
  $ slh experiments show 3f9a --json`,
    )
    .action((run: string, flags: ShowFlags) =>
      withLake(async (context) => {
        const { showCommand } = await import("./show-commands.js");
        await showCommand(context, run, flags);
      }),
    );
  program
    .command("reproduce")
    .summary("make a run again, and compare")
    .description(
      "Runs the function that made a run again, with the run's params, on the data that the run read, and compares metrics and models. The exit code is 1 where they differ.",
    )
    .argument("<run>", "its id, or how it begins; latest for the newest")
    .option("--task <module#export>", "the function, where the run does not say, or it lies elsewhere now")
    .option("--json", "print what came of it as JSON")
    .addHelpText(
      "after",
      `
A run knows the function that made it if you name it:
  await lake.experiments.run({ experiment: "delays", task: "train.js#train" }, train);

Examples:
  $ slh experiments list delays
  $ slh reproduce 4f2a
  $ slh reproduce 4f2a --task train.js#train`,
    )
    .action((run: string, flags: ReproduceFlags) =>
      withLake(async (context) => {
        const { reproduceCommand } = await import("./show-commands.js");
        await interruptible((signal) => reproduceCommand(context, run, flags, signal));
      }),
    );
};
