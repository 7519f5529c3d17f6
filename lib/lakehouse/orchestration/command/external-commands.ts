import { ink, printLine } from "../../terminal/index.js";
import type { OrchestrationContext } from "../orchestration.js";
import { loadPipelines, pickPipeline } from "./file.js";
import { printEnd, printPlain } from "./output.js";
import { progressView } from "./progress.js";
import { type FileFlags, withOrchestration } from "./run-commands.js";

export interface ExternalFlags extends FileFlags {
  readonly key: string;
}

/** What Airflow takes for a task that is left out. */
const LEFT_OUT = 99;

/**
 * `slh pipeline step`. The exit code is 1 where the step has failed, and 99 where what follows from it is to be left out: it has
 * failed as it may, or was left out itself.
 */
export async function stepCommand(
  context: OrchestrationContext,
  name: string,
  step: string,
  { file, key, json }: ExternalFlags,
  signal: AbortSignal,
): Promise<void> {
  const pipeline = pickPipeline(await loadPipelines(file), name);
  const { onProgress } = await progressView({ ...pipeline, nodes: [] }, json === true);
  const record = await withOrchestration(context, (orchestration) =>
    orchestration.runStep(pipeline, step, { key, signal, onProgress }),
  );
  const { onFailure } = pipeline.nodes.find((each) => each.step.name === step)?.policy ?? {};
  if (record.status === "skipped" || (record.status === "failed" && onFailure === "skip"))
    process.exitCode = LEFT_OUT;
  else if (record.status === "failed" && onFailure !== "continue") process.exitCode = 1;
  if (json) return printPlain(record);
  if (record.status !== "failed") printLine(`${step} is done: ${ink(record.status, "grey")}`);
}

/** `slh pipeline publish`. The exit code is 1 where not all was done. */
export async function publishCommand(
  context: OrchestrationContext,
  name: string,
  { file, key, json }: ExternalFlags,
): Promise<void> {
  const pipeline = pickPipeline(await loadPipelines(file), name);
  const report = await withOrchestration(context, (orchestration) =>
    orchestration.publish(pipeline, { key }),
  );
  if (report.status !== "succeeded" && report.status !== "partial") process.exitCode = 1;
  if (json) printPlain(report);
  else printEnd(report);
}
