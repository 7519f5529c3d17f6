import { columns, count, duration, type Ink, ink, printJson, printLine } from "../../terminal/index.js";
import type { RunDetails } from "../orchestration.js";
import type { RunRecord, StepRecord } from "../state/types.js";

const INKS: Readonly<Record<string, Ink>> = {
  succeeded: "green",
  unchanged: "grey",
  running: "ice",
  pending: "grey",
  partial: "amber",
  skipped: "amber",
  stopped: "amber",
  abandoned: "grey",
  failed: "red",
};

/** Prints what holds 64-bit integers, which JSON has as texts. */
export function printPlain(value: unknown): void {
  printJson(JSON.parse(JSON.stringify(value, (_, each) => (typeof each === "bigint" ? String(each) : each))));
}

const word = (status: string): string => ink(status, INKS[status] ?? "bold");

export function printRuns(runs: readonly RunRecord[]): void {
  const rows = runs.map((run) => [
    word(run.status),
    ink(run.id, "bold"),
    run.pipeline,
    run.target,
    run.trigger,
    new Date(run.startedAt).toISOString(),
    run.endedAt === undefined ? "" : duration(Math.max(0, run.endedAt - run.startedAt)),
    run.error?.message.split("\n")[0] ?? "",
  ]);
  for (const line of columns(rows, "<<<<<<><")) console.log(line);
}

/** What became of a run, in one line. */
export function printEnd({
  id,
  pipeline,
  status,
  startedAt,
  endedAt,
  hash,
  steps,
}: RunRecord & { readonly steps: readonly StepRecord[] }): void {
  const took = duration(Math.max(0, (endedAt ?? startedAt) - startedAt));
  const brought = hash === undefined ? "nothing had changed" : `commit ${hash.slice(0, 12)}`;
  const failed = steps.filter((each) => each.status === "failed" || each.status === "skipped").length;
  const more = failed === 0 ? "" : `, ${count(failed, "step")} not done`;
  printLine(
    `${word(status)}  ${ink(pipeline, "bold")} ${id}: ${count(steps.length, "step")} in ${took}, ${brought}${more}`,
  );
}

export function printDetails(run: RunDetails): void {
  const { steps, logs, error } = run;
  printRuns([{ ...run, error: undefined }]);
  if (run.slices !== undefined) printLine(`slices: ${run.slices.join(", ")}`);
  if (run.hash !== undefined) printLine(`commit: ${run.hash}`);
  if (error !== undefined) printLine(`${ink(error.code, "red")}: ${error.message}`);
  const rows = steps.map((step) => [
    `  ${word(step.status)}`,
    step.name,
    step.attempts > 1 ? count(step.attempts, "try", "tries") : "",
    step.startedAt === undefined || step.endedAt === undefined
      ? ""
      : duration(Math.max(0, step.endedAt - step.startedAt)),
    step.error === undefined ? "" : `${step.error.code}: ${step.error.message}`,
  ]);
  for (const line of columns(rows, "<<<><")) console.log(line);
  for (const { at, step, message } of logs)
    for (const line of message.split("\n"))
      printLine(`  ${ink(new Date(at).toISOString().slice(11, 23), "grey")} ${step}: ${line}`);
}
