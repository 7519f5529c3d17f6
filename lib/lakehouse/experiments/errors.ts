import { errorKind, invalidArgument, type LakehouseError } from "../errors.js";

/** A run that the tracking store does not have. */
export const noSuchRun = errorKind("NO_SUCH_EXPERIMENT_RUN");
/** A parameter that the run has with another value: parameters say what a run was made with, and do not change. */
export const paramExists = errorKind("PARAM_EXISTS");
/** A run that another process is in. */
export const runActive = errorKind("RUN_ACTIVE");
/** The tracking store does not answer, or not as it should. */
export const trackingUnavailable = errorKind("TRACKING_UNAVAILABLE");
/** A run of which something is missing that it would take to make it again. */
export const notReproducible = errorKind("NOT_REPRODUCIBLE");

export function runMissing(runId: string, store: string): LakehouseError {
  return noSuchRun(runId, `There is no run ${runId} in ${store}.`, "List the runs, by slh experiments list.");
}

export function paramChanged(runId: string, key: string, was: string, given: string): LakehouseError {
  return paramExists(
    runId,
    `The param ${key} of the run ${runId} is ${JSON.stringify(was)}, and was to become ${JSON.stringify(given)}: a param says what a run was made with, and does not change.`,
    "Log it under another key, or as a tag, which can change.",
  );
}

export function experimentDeleted(name: string): LakehouseError {
  return invalidArgument(
    name,
    `The experiment ${name} was deleted.`,
    "Restore it, by mlflow experiments restore, or name another.",
  );
}

export function aliasMissing(name: string, version: number): LakehouseError {
  return invalidArgument(
    name,
    `The model ${name} has no version ${version}.`,
    "Register one, or name one that there is.",
  );
}
