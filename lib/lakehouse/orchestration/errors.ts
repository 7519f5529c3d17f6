import { errorKind, LakehouseError } from "../errors.js";
import type { Failure, RunRecord } from "./state/types.js";

/** Another process runs the pipeline. */
export const pipelineRunning = errorKind("PIPELINE_RUNNING");
/** A run of a pipeline that nobody knows of. */
export const noSuchRun = errorKind("NO_SUCH_RUN");
/** A step was not done in the time that it has. */
export const stepTimeout = errorKind("STEP_TIMEOUT");
/** A step wrote a table that it does not declare. */
export const undeclaredWrite = errorKind("UNDECLARED_WRITE");
/** Another process has taken over the run: what this one still did counts for nothing. */
export const runLost = errorKind("RUN_LOST");
/** What runs are remembered in cannot be read or written. */
export const runStateUnavailable = errorKind("RUN_STATE_UNAVAILABLE");
/** A run that published nothing, because a step has failed. It is a `RunFailedError`, which says which one. */
export const runFailed = errorKind("RUN_FAILED");

/** A run that published nothing, because `step` has failed; `cause` is its error, `failure` what is remembered of it. */
export class RunFailedError extends LakehouseError<"RUN_FAILED"> {
  readonly run: string;

  constructor(
    { id, pipeline, target }: Pick<RunRecord, "id" | "pipeline" | "target">,
    readonly step: string,
    readonly failure: Failure,
    cause: unknown,
  ) {
    super(
      runFailed.code,
      pipeline,
      `The run ${id} of ${pipeline} failed in ${step}, and ${target} is as it was. ${failure.code}: ${failure.message}`,
      `Look at slh pipeline show ${id}; once it is put right, slh pipeline retry ${id} goes on from there.`,
      cause,
    );
    this.run = id;
  }
}
