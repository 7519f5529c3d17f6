import type { Command } from "commander";
import type { AddCommands, WithLake } from "../room.js";
import { columns, duration, ink, printJson } from "../terminal/index.js";
import type { TelemetryContext } from "./observed.js";

/** `slh health` and `slh metrics`. */
export const telemetryCommands: AddCommands<TelemetryContext> = (program, withLake) => {
  healthCommand(program, withLake);
  metricsCommand(program, withLake);
};

function healthCommand(program: Command, withLake: WithLake<TelemetryContext>): void {
  program
    .command("health")
    .summary("put each part to work once")
    .description(
      "Writes, reads and deletes an object, asks the catalog, runs a query, and says what answered and how quickly. The exit code is 1 where a part does not work. A server that was started with --telemetry tells the same of itself at /health, and as a page for browsers.",
    )
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExamples:\n  $ slh health\n  $ slh health --json")
    .action(({ json }: { json?: true }) =>
      withLake(async ({ observed }) => {
        const report = await observed.health();
        if (report.some(({ ok }) => !ok)) process.exitCode = 1;
        if (json) {
          printJson(report);
          return;
        }
        const rows = report.map(({ part, ok, detail, milliseconds }) => [
          ink(ok ? "ok" : "failed", ok ? "green" : "red"),
          ink(part, "bold"),
          duration(milliseconds),
          detail,
        ]);
        for (const line of columns(rows, "<<><")) console.log(line);
      }),
    );
}

function metricsCommand(program: Command, withLake: WithLake<TelemetryContext>): void {
  program
    .command("metrics")
    .argument("[url]", "a server that was started with --telemetry, as in http://127.0.0.1:9464")
    .summary("list all metrics, or show those of a server")
    .description(
      "Lists every metric with its name for Prometheus, its kind and what it counts; or shows what a server has counted since it was started.",
    )
    .option("--json", "print them as JSON")
    .addHelpText(
      "after",
      `
A server that demands a token is shown the one in SLH_TELEMETRY_TOKEN.

Examples:
  $ slh metrics
  $ slh --telemetry 127.0.0.1:9464 catalog serve &
  $ slh metrics http://127.0.0.1:9464`,
    )
    .action(async (url: string | undefined, { json }: { json?: true }) => {
      if (url !== undefined) {
        const { readSamples } = await import("./samples.js");
        const samples = await readSamples(url, process.env.SLH_TELEMETRY_TOKEN);
        if (json) {
          printJson(samples);
          return;
        }
        const rows = samples.map(({ name, labels, value }) => [
          ink(name, "bold"),
          Object.entries(labels)
            .map(([label, text]) => `${label}=${text}`)
            .join(" "),
          value.toLocaleString("en-US", { maximumFractionDigits: 6 }),
        ]);
        for (const line of columns(rows, "<<>")) console.log(line);
        return;
      }
      await withLake(async ({ observed }) => {
        const { exposedMetrics } = await import("./exposition.js");
        const { prometheusName } = await import("../observability/index.js");
        const all = exposedMetrics(observed)
          .map((metric) => ({ name: prometheusName(metric), kind: metric.kind, help: metric.help }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        if (json) {
          printJson(all);
          return;
        }
        for (const line of columns(
          all.map(({ name, kind, help }) => [ink(name, "bold"), kind, help]),
          "<<<",
        ))
          console.log(line);
      });
    });
}
