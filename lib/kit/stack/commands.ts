import { Argument, type Command, Option } from "commander";
import { wholeNumber } from "sololakehouse/terminal";
import { DRILL_ABOUT, type DrillName } from "./drills/about.js";
import { STACK_PROFILES, type StackProfile } from "./service.js";

/** What `up`, `status` and `doctor` are asked. */
export interface StackFlags {
  readonly profile: readonly StackProfile[];
  readonly json?: true;
}

export interface UpFlags extends StackFlags {
  readonly portOffset?: number;
}

const profileOption = () =>
  new Option("--profile <name...>", "which services beside those of core")
    .choices(STACK_PROFILES)
    .default([], "core alone");

/** `slh stack …`. */
export function stackCommands(program: Command): void {
  const stack = program
    .command("stack")
    .summary("run the services that a lakehouse has around it")
    .description(
      "Runs SeaweedFS, etcd, the catalog, the log and more as processes of this machine, without Docker: installed once per user, listening on the loopback interface alone, with secrets made at random. For Docker it writes a Compose file of the same services.",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ slh stack up                      the object store, etcd, the catalog and the log
  $ slh stack up --profile ml ops     and MLflow, Prometheus and Alertmanager
  $ slh stack status
  $ slh stack down`,
    );
  startAndStop(stack);
  look(stack);
  hand(stack);
  rehearse(stack);
}

function startAndStop(stack: Command): void {
  stack
    .command("up")
    .summary("install what is missing, and start what is not up")
    .description(
      "Installs services into the user's cache folder where they are missing, starts those that are not up, and waits until each is well. Started again, they have what they had.",
    )
    .addOption(profileOption())
    .option(
      "--port-offset <number>",
      "add this to all ports, from now on: for ports that other programs have",
      wholeNumber(0),
    )
    .option("--json", "print what was started as JSON")
    .addHelpText(
      "after",
      `
SLH_STACK names the stack's folder, where it is not to be the user's own.

Examples:
  $ slh stack up
  $ slh stack up --profile ops
  $ slh stack up --port-offset 1000`,
    )
    .action(async (flags: UpFlags) => (await import("./commands/run.js")).upCommand(flags));
  stack
    .command("down")
    .summary("stop the stack")
    .description("Stops all services, each after those that need it. Their data stays.")
    .option("--json", "print what was stopped as JSON")
    .addHelpText("after", "\nExamples:\n  $ slh stack down")
    .action(async ({ json }: { json?: true }) =>
      (await import("./commands/run.js")).downCommand(json === true),
    );
}

function look(stack: Command): void {
  stack
    .command("status")
    .summary("show how each service is")
    .description(
      "Shows of each service whether it is up, since when, where, and with how much memory. One that was started and is gone has crashed. Ends with 1 where one is not well.",
    )
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ slh stack status\n  $ slh stack status --json | jq -r '.[] | select(.state == \"crashed\").name'",
    )
    .action(async ({ json }: { json?: true }) =>
      (await import("./commands/run.js")).statusCommand(json === true),
    );
  stack
    .command("logs")
    .summary("show what a service said")
    .description("Prints the end of a service's log.")
    .argument(
      "<service>",
      "seaweedfs, etcd, catalog, log, nessie, trino, trino-worker-1, trino-worker-2, mlflow, prometheus or alertmanager",
    )
    .option("--lines <number>", "how many lines, at most", wholeNumber(1), 50)
    .option("--json", "print the lines as JSON")
    .addHelpText("after", "\nExamples:\n  $ slh stack logs catalog\n  $ slh stack logs mlflow --lines 200")
    .action(async (service: string, flags: { lines: number; json?: true }) =>
      (await import("./commands/run.js")).logsCommand(service, flags),
    );
  stack
    .command("open")
    .summary("open a service's page in a browser")
    .description(
      "Prints the address of a service's page, and opens it in a browser where this machine has one.",
    )
    .argument("<service>", "seaweedfs, catalog, nessie, trino, mlflow, prometheus or alertmanager")
    .option("--json", "print the address as JSON, and open nothing")
    .addHelpText("after", "\nExamples:\n  $ slh stack open mlflow")
    .action(async (service: string, { json }: { json?: true }) =>
      (await import("./commands/run.js")).openCommand(service, json === true),
    );
  stack
    .command("doctor")
    .summary("say what this machine lacks for the stack")
    .description(
      "Looks at programs, memory, disk, ports and secrets, and says of each that is not in order what to do. It changes nothing. Ends with 1 where something is not in order.",
    )
    .addOption(profileOption())
    .option("--json", "print the findings as JSON")
    .addHelpText("after", "\nExamples:\n  $ slh stack doctor\n  $ slh stack doctor --profile engines ml ops")
    .action(async (flags: StackFlags) => (await import("./commands/run.js")).doctorCommand(flags));
}

function hand(stack: Command): void {
  stack
    .command("env")
    .summary("print the variables that put commands on the stack")
    .description(
      "Prints the variables by which slh, notebooks and programs work on the stack's lakehouse, for a shell. They hold its secrets.",
    )
    .option("--json", "print them as JSON")
    .addHelpText("after", '\nExamples:\n  $ eval "$(slh stack env)" && slh tables')
    .action(async ({ json }: { json?: true }) =>
      (await import("./commands/run.js")).envCommand(json === true),
    );
  stack
    .command("compose")
    .summary("write the stack's Compose file")
    .description(
      "Writes compose.yaml into a folder, with all services, health checks and limits, and .env with random secrets where there is none. It needs this project's checkout, from which the catalog's image is built.",
    )
    .argument("[folder]", "where to", "deploy/compose")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ slh stack compose\n  $ docker compose -f deploy/compose/compose.yaml --profile ops up --wait",
    )
    .action(async (folder: string, { json }: { json?: true }) =>
      (await import("./commands/run.js")).composeCommand(folder, json === true),
    );
}

function rehearse(stack: Command): void {
  stack
    .command("drill")
    .summary("make a fault under load, and count what is left")
    .description(
      "Writes to a table or a topic of its own, makes a fault while writes are on their way, mends it, and holds what was acknowledged against what is there: nothing may be lost, and nothing there twice. It deletes what it wrote. Others that use the stack meet the fault as well.",
    )
    .addArgument(new Argument("<name>", "the fault").choices(Object.keys(DRILL_ABOUT)))
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Drills:
${Object.entries(DRILL_ABOUT)
  .map(([name, about]) => `  ${name.padEnd(16)}${about}`)
  .join("\n")}

It ends with 1 where something is lost, or there twice.

Examples:
  $ slh stack up
  $ slh stack drill kill-etcd`,
    )
    .action(async (name: DrillName, { json }: { json?: true }) =>
      (await import("./commands/drill.js")).drillCommand(name, json === true),
    );
}
