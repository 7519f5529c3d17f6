import { writeFile } from "node:fs/promises";
import { invalidArgument } from "../../errors.js";
import { columns, ink, printLine } from "../../terminal/index.js";
import { datasetText } from "../model/dataset.js";
import type { PipelineDefinition } from "../model/definition.js";
import type { PipelineRunOptions } from "../options.js";
import { Orchestration, type OrchestrationContext, type RunReport } from "../orchestration.js";
import { runTimeline } from "../timeline.js";
import { loadPipelines, pickPipeline } from "./file.js";
import { printDetails, printEnd, printPlain, printRuns } from "./output.js";
import { progressView } from "./progress.js";

export interface FileFlags {
  readonly file?: string;
  readonly json?: true;
}

export interface RunFlags extends FileFlags {
  readonly slice?: readonly string[];
  readonly rebuild?: true;
  readonly takeOver?: true;
}

/** Works with the room as a lakehouse has it, and closes it. */
export async function withOrchestration<T>(
  context: OrchestrationContext,
  work: (orchestration: Orchestration) => Promise<T>,
): Promise<T> {
  const orchestration = new Orchestration(context);
  try {
    return await work(orchestration);
  } finally {
    await orchestration.close();
  }
}

/** Does a run, and shows it while it is at work and what became of it. The exit code is 1 where not all was done. */
export async function showRun(
  pipeline: PipelineDefinition,
  asJson: boolean,
  work: (onProgress: NonNullable<PipelineRunOptions["onProgress"]>) => Promise<RunReport | undefined>,
): Promise<void> {
  const view = await progressView(pipeline, asJson);
  let report: RunReport | undefined;
  try {
    report = await work(view.onProgress);
  } finally {
    await view.end();
  }
  if (report === undefined) return;
  if (report.status !== "succeeded") process.exitCode = 1;
  if (asJson) return printPlain(report);
  if (report.isResumed) printLine(ink(`went on with the run ${report.id}, which a process had left`, "grey"));
  printEnd(report);
}

/** `slh pipeline run`. */
export async function runCommand(
  context: OrchestrationContext,
  name: string | undefined,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<void> {
  const pipeline = pickPipeline(await loadPipelines(flags.file), name);
  const { slice: slices, rebuild, takeOver, json = false } = flags;
  await withOrchestration(context, (orchestration) =>
    showRun(pipeline, json, (onProgress) =>
      orchestration.run(pipeline, { slices, rebuild, takeOver, signal, onProgress }),
    ),
  );
}

/** `slh pipeline retry`. */
export async function retryCommand(
  context: OrchestrationContext,
  id: string | undefined,
  flags: FileFlags,
  signal: AbortSignal,
): Promise<void> {
  const { file, json = false } = flags;
  const loaded = await loadPipelines(file);
  await withOrchestration(context, async (orchestration) => {
    const named = id === undefined ? undefined : await orchestration.show(id);
    const pipeline = pickPipeline(loaded, named?.pipeline);
    await showRun(pipeline, json, (onProgress) =>
      orchestration.retry(pipeline, named?.id, { signal, onProgress }),
    );
  });
}

/** `slh pipeline list`. */
export async function listCommand(
  context: OrchestrationContext,
  name: string | undefined,
  flags: FileFlags & { readonly limit: number },
): Promise<void> {
  const runs = await withOrchestration(context, (orchestration) =>
    orchestration.runs({ pipeline: name, limit: flags.limit }),
  );
  if (flags.json) return printPlain(runs);
  if (runs.length === 0)
    return printLine(name === undefined ? "No pipeline has been run yet." : `${name} has not been run yet.`);
  printRuns(runs);
}

/** `slh pipeline show`. */
export async function showCommand(
  context: OrchestrationContext,
  id: string | undefined,
  flags: { readonly svg?: string; readonly json?: true },
): Promise<void> {
  await withOrchestration(context, async (orchestration) => {
    const [last] = id === undefined ? await orchestration.runs({ limit: 1 }) : [];
    const wanted = id ?? last?.id;
    if (wanted === undefined)
      throw invalidArgument("slh pipeline show", "No pipeline has been run yet.", "Run one.");
    const details = await orchestration.show(wanted);
    if (flags.svg !== undefined)
      await writeFile(flags.svg, runTimeline(details)).catch((cause: Error) => {
        throw invalidArgument(
          flags.svg as string,
          `${flags.svg} cannot be written: ${cause.message}.`,
          "Name a file in a folder that is there.",
          cause,
        );
      });
    if (flags.json) printPlain(details);
    else printDetails(details);
  });
}

/** `slh pipeline graph`. */
export async function graphCommand(name: string | undefined, { file, json }: FileFlags): Promise<void> {
  const { nodes, ...pipeline } = pickPipeline(await loadPipelines(file), name);
  const rows = nodes.map(({ step, policy, upstream, reads, writes }) => ({
    name: step.name,
    kind: step.kind,
    upstream,
    reads: reads.map(datasetText),
    writes: writes.map(datasetText),
    policy,
  }));
  if (json) {
    const { fingerprint: _, ...said } = pipeline;
    return printPlain({ ...said, steps: rows });
  }
  const lines = rows.map(({ name, kind, upstream, writes }) => [
    ink(name, "bold"),
    kind,
    upstream.length === 0 ? "" : `after ${upstream.join(", ")}`,
    writes.length === 0 ? "" : `writes ${writes.join(", ")}`,
  ]);
  for (const line of columns(lines, "<<<<")) console.log(line);
}
