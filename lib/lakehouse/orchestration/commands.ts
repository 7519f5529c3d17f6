import { type Command, Option } from "commander";
import type { AddCommands, WithLake } from "../room.js";
import { interruptible, stoppable, wholeNumber } from "../terminal/index.js";
import type { BackfillFlags } from "./command/backfill-command.js";
import type { ExportFlags } from "./command/export-command.js";
import type { ExternalFlags } from "./command/external-commands.js";
import type { FileFlags, RunFlags } from "./command/run-commands.js";
import type { WatchFlags } from "./command/watch-command.js";
import type { OrchestrationContext } from "./orchestration.js";

const FILE =
  "module that exports pipelines; slh.pipelines.mjs (.js, .cjs, .ts) here or above where not given";

/** `slh pipeline …`. */
export const orchestrationCommands: AddCommands<OrchestrationContext> = (program, withLake) => {
  const pipeline = program
    .command("pipeline")
    .summary("run pipelines, and see what became of them")
    .description(
      "Runs pipelines, whose steps are tasks, checks and functions, on a branch of the run, which comes to main in one commit when all is done.",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline run flights
  $ slh pipeline show
  $ slh pipeline retry`,
    );
  runAndRetry(pipeline, withLake);
  backfill(pipeline, withLake);
  watch(pipeline, withLake);
  listAndShow(pipeline, withLake);
  forOthers(pipeline, withLake);
};

function runAndRetry(pipeline: Command, withLake: WithLake<OrchestrationContext>): void {
  pipeline
    .command("run")
    .summary("run a pipeline, or go on with a run that was killed")
    .description(
      "Runs a pipeline, and shows its steps while they are at work. A run that a process left when it ended goes on from its last finished step. The exit code is 1 where a step has failed.",
    )
    .argument("[pipeline]", "its name; the file's only one where not given")
    .option("--file <path>", FILE)
    .option("--slice <value...>", "make these slices anew, such as days, and take in nothing else")
    .option("--rebuild", "make all tables of tasks anew")
    .option("--take-over", "take the run of a process that is at work, or hangs")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline run
  $ slh pipeline run flights --file pipelines.mjs
  $ slh pipeline run flights --slice 2001-03-04 2001-03-05`,
    )
    .action((name: string | undefined, flags: RunFlags) =>
      withLake(async (context) => {
        const { runCommand } = await import("./command/run-commands.js");
        await interruptible((signal) => runCommand(context, name, flags, signal));
      }),
    );
  pipeline
    .command("retry")
    .summary("go on with a run that failed, from its last finished step")
    .description(
      "Goes on with a run that failed or was stopped: what is done stays done. The pipeline's last run, unless another run of it has been begun since.",
    )
    .argument("[run]", "its id, or the beginning of it; the last run where not given")
    .option("--file <path>", FILE)
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline retry`,
    )
    .action((id: string | undefined, flags: FileFlags) =>
      withLake(async (context) => {
        const { retryCommand } = await import("./command/run-commands.js");
        await interruptible((signal) => retryCommand(context, id, flags, signal));
      }),
    );
}

function backfill(pipeline: Command, withLake: WithLake<OrchestrationContext>): void {
  pipeline
    .command("backfill")
    .summary("make slices of a pipeline anew, such as days")
    .description(
      "Makes slices again, some in each run, and publishes each run by itself. Called again, it makes what is missing. The exit code is 1 if a slice was not made.",
    )
    .argument("[pipeline]", "its name; the file's only one where not given")
    .option("--from <day>", "the first of the days")
    .option("--to <day>", "the last of them")
    .option("--slice <value...>", "slices that are no days in a row")
    .option("--per-run <n>", "how many slices a run makes", wholeNumber(1), 1)
    .option(
      "--name <name>",
      "another name makes everything anew; that of the pipeline's steps where not given",
    )
    .option("--file <path>", FILE)
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline backfill flights --from 2001-03-01 --to 2001-03-31
  $ slh pipeline backfill flights --slice 2001-03-04 2001-05-06 --name late-files`,
    )
    .action((name: string | undefined, flags: BackfillFlags) =>
      withLake(async (context) => {
        const { backfillCommand } = await import("./command/backfill-command.js");
        await interruptible((signal) => backfillCommand(context, name, flags, signal));
      }),
    );
}

function watch(pipeline: Command, withLake: WithLake<OrchestrationContext>): void {
  pipeline
    .command("watch")
    .summary("run pipelines when their schedules and sensors say so")
    .description(
      "Runs pipelines at the times of their schedules, and when tables or topics have something new, until it is ended. What is due is run once, however many watch, and what a watcher leaves when it ends is taken up by the next.",
    )
    .argument("[pipelines...]", "their names; all of the file that have triggers where not given")
    .option("--file <path>", FILE)
    .option("--once", "run what is due now, and end")
    .addOption(new Option("--only <kind>", "look at these alone").choices(["schedules", "sensors"]))
    .option("--dry-run", "with --once: say what is due, and run nothing")
    .option("--every <seconds>", "how often tables and topics are looked at", wholeNumber(1), 5)
    .option("--json", "print what became of each as JSON, a line for each unless --once")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline watch
  $ slh pipeline watch flights --once
  $ slh pipeline watch --once --dry-run`,
    )
    .action((names: string[], flags: WatchFlags) =>
      withLake(async (context) => {
        const { watchCommand } = await import("./command/watch-command.js");
        await (flags.once ? interruptible : stoppable)((signal) =>
          watchCommand(context, names, flags, signal),
        );
      }),
    );
}

function listAndShow(pipeline: Command, withLake: WithLake<OrchestrationContext>): void {
  pipeline
    .command("list")
    .summary("runs, newest first")
    .description("Shows the runs of a pipeline, or of all, newest first.")
    .argument("[pipeline]", "its name; all of them where not given")
    .option("--limit <n>", "how many", wholeNumber(1), 20)
    .option("--json", "print the runs as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline list flights --limit 5`,
    )
    .action((name: string | undefined, flags: FileFlags & { readonly limit: number }) =>
      withLake(async (context) => {
        const { listCommand } = await import("./command/run-commands.js");
        await listCommand(context, name, flags);
      }),
    );
  pipeline
    .command("show")
    .summary("a run with its steps, tries and logs")
    .description("Shows what became of a run, step by step, with its logs; as a figure, too.")
    .argument("[run]", "its id, or the beginning of it; the last run where not given")
    .option("--svg <file>", "write the run over time as a figure")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline show --svg run.svg`,
    )
    .action((id: string | undefined, flags: { readonly svg?: string; readonly json?: true }) =>
      withLake(async (context) => {
        const { showCommand } = await import("./command/run-commands.js");
        await showCommand(context, id, flags);
      }),
    );
  pipeline
    .command("graph")
    .summary("a pipeline's steps, and what goes before what")
    .description(
      "Shows the steps of a pipeline in their order, as it follows from what they read and write. Nothing is run.",
    )
    .argument("[pipeline]", "its name; the file's only one where not given")
    .option("--file <path>", FILE)
    .option("--json", "print the graph as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline graph flights --json`,
    )
    .action(async (name: string | undefined, flags: FileFlags) => {
      const { graphCommand } = await import("./command/run-commands.js");
      await graphCommand(name, flags);
    });
}

function forOthers(pipeline: Command, withLake: WithLake<OrchestrationContext>): void {
  pipeline
    .command("export")
    .summary("a pipeline for cron, systemd, Dagster or Airflow")
    .description(
      "Prints what another scheduler or orchestrator takes: lines of a crontab, systemd's units, Dagster's definitions or Airflow's DAG. All of them call slh.",
    )
    .argument("[pipeline]", "its name; the file's only one where not given")
    .requiredOption("--to <what>", "cron, systemd, dagster or airflow")
    .option("--out <folder>", "write files there")
    .option("--command <words>", "how slh is called there, as in 'npx slh'", "slh")
    .option("--file <path>", FILE)
    .option("--json", "print the files as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline export flights --to cron
  $ slh pipeline export flights --to airflow --out dags --command 'npx slh'`,
    )
    .action(async (name: string | undefined, flags: ExportFlags) => {
      const { exportCommand } = await import("./command/export-command.js");
      await exportCommand(name, flags);
    });
  pipeline
    .command("step")
    .summary("do one step of a run that another orchestrator makes")
    .description(
      "Does a step, with its retries, on the branch of the run that has the key, and begins that run where there is none. The exit code is 1 where the step has failed, and 99 where what follows from it is to be left out.",
    )
    .argument("<pipeline>", "its name")
    .argument("<step>", "the name of the step")
    .requiredOption("--key <id>", "the other orchestrator's id of the run")
    .option("--file <path>", FILE)
    .option("--json", "print the step as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline step flights ingest --key "$RUN_ID"`,
    )
    .action((name: string, step: string, flags: ExternalFlags) =>
      withLake(async (context) => {
        const { stepCommand } = await import("./command/external-commands.js");
        await interruptible((signal) => stepCommand(context, name, step, flags, signal));
      }),
    );
  pipeline
    .command("publish")
    .summary("bring a run that another orchestrator made to main")
    .description(
      "Ends the run that has the key, whose steps are done: what they wrote comes to main in one commit.",
    )
    .argument("<pipeline>", "its name")
    .requiredOption("--key <id>", "the other orchestrator's id of the run")
    .option("--file <path>", FILE)
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh pipeline publish flights --key "$RUN_ID"`,
    )
    .action((name: string, flags: ExternalFlags) =>
      withLake(async (context) => {
        const { publishCommand } = await import("./command/external-commands.js");
        await publishCommand(context, name, flags);
      }),
    );
}
