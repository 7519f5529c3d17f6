import { dirname, relative } from "node:path";
import { notebookFailed } from "../../errors.js";
import { withKitMetadata, withOutputsOf } from "../file/merge.js";
import { kitMetadata, type RunInfo } from "../file/metadata.js";
import type { Notebook } from "../file/nbformat.js";
import { recordedIn } from "../file/recorded.js";
import { readNotebook, writeNotebook } from "../file/store.js";
import { currentFingerprint, currentProfile, type NotebookPlace } from "../fresh/place.js";
import { lakeFolder, markLake, namedFiles } from "../fresh/surroundings.js";
import { writeModules } from "./modules.js";
import { type RunOptions, runNotebook } from "./runner.js";
import { withStableOutputs } from "./stable.js";

export interface ExecuteOptions extends Pick<RunOptions, "onProgress" | "signal" | "cellTimeout"> {
  /** Also write the outputs back into the committed notebook; not done when a cell failed. */
  readonly save?: boolean | undefined;
  /** Saved outputs have this run's volatile values, even where nothing else has changed. */
  readonly volatile?: boolean | undefined;
}

export interface Execution {
  readonly run: RunInfo;
  /** Cells run. */
  readonly cells: number;
  readonly milliseconds: number;
  /** Named facts recorded. */
  readonly facts: number;
}

/**
 * Runs a notebook of the project and keeps the executed copy below `.lake/`, with its fingerprint. The committed
 * notebook stays as it is unless `save` is given.
 *
 * @throws LakehouseError `INVALID_METADATA` when it is no notebook, `NOTEBOOK_FAILED` when there is none or the
 *   kernel does not start. A failing cell is in `run.failure`.
 */
export async function executeNotebook(
  place: NotebookPlace,
  options: ExecuteOptions = {},
): Promise<Execution> {
  const source = await readNotebook(place.source);
  if (!source) {
    throw notebookFailed(
      place.id,
      `${place.id} has no notebook.`,
      `Write ${relative(place.root, place.source)} first.`,
    );
  }
  // Taken before the run: what changes during it makes the outputs stale.
  const before = currentFingerprint(place, source);
  const folder = dirname(place.source);
  const result = await runNotebook(source, {
    folder,
    root: place.root,
    notebookTimeout: place.timeoutSeconds * 1000,
    ...options,
    cellTimeout: options.cellTimeout ?? place.timeoutSeconds * 1000,
  });
  if (options.signal?.aborted) {
    throw notebookFailed(
      place.id,
      `The run of ${place.id} was stopped.`,
      "Its outputs are those of the run before.",
    );
  }
  markLake(lakeFolder(place.root, folder));
  // What is known only now: what cells have read, and the lakehouse that they may have made.
  const { datasets, files, lake } = currentFingerprint(place, source, {
    datasets: Object.keys(result.datasets),
    files: [...result.files, ...namedFiles(source, place.root, folder)]
      .filter((path) => !result.written.includes(path))
      .map((path) => relative(place.root, path).replaceAll("\\", "/")),
  });
  const run: RunInfo = {
    status: result.failure ? "failed" : "ok",
    profile: currentProfile(),
    node: process.version,
    tslab: result.tslab,
    milliseconds: Math.round(result.milliseconds),
    finishedAt: new Date().toISOString(),
    failure: result.failure,
  };
  const executed = withKitMetadata(result.notebook, {
    run,
    fingerprint: { ...before, datasets, files, lake },
  });
  await writeNotebook(place.executed, executed);
  if (!result.failure) await writeModules(executed, place.id, folder);
  if (options.save) await saveExecuted(place, options.volatile);
  return {
    run,
    cells: result.cells,
    milliseconds: result.milliseconds,
    facts: recordedIn(executed, place.executed).facts.size,
  };
}

/**
 * Writes the outputs of this machine's last run into the committed notebook; not those of a failed run.
 *
 * @param volatile also those that differ in nothing but volatile values: to take times anew on a quiet machine.
 */
export async function saveExecuted(place: NotebookPlace, volatile = false): Promise<void> {
  const source = await readNotebook(place.source);
  const executed = await readNotebook(place.executed);
  if (!source || !executed || kitMetadata(executed).run?.status !== "ok") return;
  await writeNotebook(place.source, committedForm(executed, source, volatile));
}

/** Brings what has no part in a run (text, titles, tags) up to the source in the executed copy, for who opens that. */
export async function refreshText(place: NotebookPlace): Promise<void> {
  const source = await readNotebook(place.source);
  const executed = await readNotebook(place.executed);
  if (!source || !executed) return;
  await writeNotebook(
    place.executed,
    withKitMetadata(withOutputsOf(source, executed), kitMetadata(executed)),
  );
}

/** As it is committed: the source, with outputs, but nothing of the run that differs each time. */
export function committedForm(executed: Notebook, source: Notebook, volatile = false): Notebook {
  const { run, fingerprint } = kitMetadata(executed);
  if (!run || !fingerprint) return source;
  const { milliseconds: _, finishedAt: __, ...lasting } = run;
  const { environment: ___, lake: ____, ...portable } = fingerprint;
  const outputs = withOutputsOf(source, executed);
  const saved = withKitMetadata(outputs, { run: lasting, fingerprint: portable });
  return volatile ? saved : withStableOutputs(saved, source);
}
