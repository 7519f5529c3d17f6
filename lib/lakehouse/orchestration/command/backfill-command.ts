import { invalidArgument } from "../../errors.js";
import { count, type Ink, ink, printLine } from "../../terminal/index.js";
import type { BackfilledSlice } from "../backfill/backfill.js";
import { daysBetween } from "../backfill/days.js";
import type { OrchestrationContext } from "../orchestration.js";
import { loadPipelines, pickPipeline } from "./file.js";
import { printPlain } from "./output.js";
import { type FileFlags, withOrchestration } from "./run-commands.js";

export interface BackfillFlags extends FileFlags {
  readonly from?: string;
  readonly to?: string;
  readonly slice?: readonly string[];
  readonly perRun: number;
  readonly name?: string;
}

/** `slh pipeline backfill`. */
export async function backfillCommand(
  context: OrchestrationContext,
  pipelineName: string | undefined,
  flags: BackfillFlags,
  signal: AbortSignal,
): Promise<void> {
  const { file, json, perRun, name } = flags;
  const slices = slicesOf(flags);
  const pipeline = pickPipeline(await loadPipelines(file), pipelineName);
  const onSlice = json ? () => {} : printSlice;
  const report = await withOrchestration(context, (orchestration) =>
    orchestration.backfill(pipeline, { slices, perRun, name, signal, onSlice }),
  );
  const of = (outcome: BackfilledSlice["outcome"]) =>
    report.slices.filter((each) => each.outcome === outcome).length;
  if (of("failed") + of("partial") > 0) process.exitCode = 1;
  if (json) return printPlain(report);
  const parts = (["made", "had", "partial", "failed"] as const).filter((each) => of(each) > 0);
  printLine(
    `${ink(report.pipeline, "bold")}, backfill ${report.name}: ${count(report.slices.length, "slice")}, ${parts.map((each) => `${of(each)} ${each}`).join(", ")}`,
  );
}

function slicesOf({ from, to, slice = [] }: Pick<BackfillFlags, "from" | "to" | "slice">): readonly string[] {
  if (from === undefined && to === undefined && slice.length > 0) return slice;
  if (from !== undefined && slice.length === 0) return daysBetween(from, to ?? from);
  throw invalidArgument(
    "slh pipeline backfill",
    "What is to be made is not said, or said twice.",
    "Give --from and --to, or --slice.",
  );
}

const INKS: Readonly<Record<BackfilledSlice["outcome"], Ink>> = {
  made: "green",
  had: "grey",
  partial: "amber",
  failed: "red",
};

function printSlice({ slice, outcome, run, error }: BackfilledSlice): void {
  const why = error === undefined ? "" : `  ${error.code}: ${error.message}`;
  printLine(`${ink(outcome, INKS[outcome])}  ${slice}  ${ink(run ?? "", "grey")}${why}`);
}
