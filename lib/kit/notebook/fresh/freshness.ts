import { existsSync } from "node:fs";
import { withKitMetadata, withOutputsOf } from "../file/merge.js";
import { type Fingerprint, kitMetadata, type RunInfo } from "../file/metadata.js";
import { type RecordedNotebook, recordedIn } from "../file/recorded.js";
import { readNotebook } from "../file/store.js";
import { reasonsBetween } from "./fingerprint.js";
import { currentFingerprint, type NotebookPlace } from "./place.js";

/**
 * - `not started`: the milestone has no notebook.
 * - `missing`: there are no outputs.
 * - `failed`: the last run stopped at a cell.
 * - `stale`: something that the outputs were made from has changed since.
 */
export type FreshnessState = "fresh" | "stale" | "missing" | "failed" | "not started";

export interface Freshness {
  readonly state: FreshnessState;
  /** In words: "lib/lakehouse/iceberg/append.ts changed". */
  readonly reasons: readonly string[];
  readonly run?: RunInfo | undefined;
}

/** Outputs have two homes: the copy run on this machine, and the notebook as committed. */
export interface NotebookStatus {
  readonly machine: Freshness;
  readonly committed: Freshness;
}

/** What pages are made from, where it is fresh. */
export interface FreshOutputs {
  readonly status: NotebookStatus;
  /** Undefined when neither this machine's run nor the committed outputs are fresh. */
  readonly recorded: RecordedNotebook | undefined;
}

/**
 * The outputs of this machine's run where they are fresh, else the committed ones. Everything else (text, titles, tags)
 * is the source's own: it has no part in a run, and may have changed since.
 */
export async function freshOutputs(place: NotebookPlace): Promise<FreshOutputs> {
  const status = await notebookStatus(place);
  const source = await readNotebook(place.source);
  const isFailed = status.machine.state === "failed";
  if (!source || isFailed) return { status, recorded: undefined };
  if (status.machine.state === "fresh") {
    const executed = await readNotebook(place.executed);
    if (!executed) return { status, recorded: undefined };
    const shown = withKitMetadata(withOutputsOf(source, executed), kitMetadata(executed));
    return { status, recorded: recordedIn(shown, place.source) };
  }
  return {
    status,
    recorded: status.committed.state === "fresh" ? recordedIn(source, place.source) : undefined,
  };
}

/** Computes whether a notebook's outputs are what a run would give now. */
export async function notebookStatus(place: NotebookPlace): Promise<NotebookStatus> {
  const source = await readNotebook(place.source);
  if (!source) {
    const none: Freshness = { state: "not started", reasons: [] };
    return { machine: none, committed: none };
  }
  const judge = (
    stored: Fingerprint | undefined,
    run: RunInfo | undefined,
    anyMachine: boolean,
  ): Freshness => {
    if (!stored || !run) return { state: "missing", reasons: ["it has never been run"] };
    const now = currentFingerprint(place, source, {
      datasets: Object.keys(stored.datasets),
      files: Object.keys(stored.files ?? {}),
    });
    const reasons = reasonsBetween(stored, now, anyMachine);
    if (reasons.length > 0) return { state: "stale", reasons, run };
    if (run.status === "ok") return { state: "fresh", reasons: [], run };
    const { failure } = run;
    const what = failure
      ? `cell [${failure.cell.executionCount}]: ${failure.name}: ${failure.message}`
      : "a cell";
    return { state: "failed", reasons: [what], run };
  };
  const executed = existsSync(place.executed) ? await readNotebook(place.executed) : undefined;
  const onMachine = executed ? kitMetadata(executed) : {};
  const committed = kitMetadata(source);
  return {
    machine: judge(onMachine.fingerprint, onMachine.run, false),
    committed: judge(committed.fingerprint, committed.run, true),
  };
}
