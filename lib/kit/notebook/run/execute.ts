import { dirname, relative } from "node:path";
import { notebookFailed } from "../../errors.js";
import { type KitMetadata, kitMetadata, type RunInfo } from "../file/metadata.js";
import type { Cell, Notebook } from "../file/nbformat.js";
import { recordedIn } from "../file/recorded.js";
import { readNotebook, writeNotebook } from "../file/store.js";
import { currentFingerprint, currentProfile, type NotebookPlace } from "../fresh/place.js";
import { type RunOptions, runNotebook } from "./runner.js";
import { withStableOutputs } from "./stable.js";

export interface ExecuteOptions extends Pick<RunOptions, "onProgress" | "signal" | "cellTimeout"> {
  /** Also write the outputs back into the committed notebook; not done when a cell failed. */
  readonly save?: boolean;
  /** Saved outputs have this run's volatile values, even where nothing else has changed. */
  readonly volatile?: boolean;
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
  const result = await runNotebook(source, {
    folder: dirname(place.source),
    root: place.root,
    notebookTimeout: place.timeoutSeconds * 1000,
    cellTimeout: place.timeoutSeconds * 1000,
    ...options,
  });
  if (options.signal?.aborted) {
    throw notebookFailed(
      place.id,
      `The run of ${place.id} was stopped.`,
      "Its outputs are those of the run before.",
    );
  }
  const { datasets } = currentFingerprint(place, source, Object.keys(result.datasets));
  const run: RunInfo = {
    status: result.failure ? "failed" : "ok",
    profile: currentProfile(),
    node: process.version,
    tslab: result.tslab,
    milliseconds: Math.round(result.milliseconds),
    finishedAt: new Date().toISOString(),
    ...(result.failure ? { failure: result.failure } : {}),
  };
  const executed = withKitMetadata(result.notebook, { run, fingerprint: { ...before, datasets } });
  await writeNotebook(place.executed, executed);
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

/**
 * Brings text, titles and tags of the executed copy up to the source, for what has no part in a run: pages are made
 * from the copy.
 */
export async function refreshText(place: NotebookPlace): Promise<void> {
  const source = await readNotebook(place.source);
  const executed = await readNotebook(place.executed);
  if (!source || !executed) return;
  const { run, fingerprint } = kitMetadata(executed);
  const refreshed = withOutputsOf(source, executed);
  if (!run || !fingerprint) return;
  await writeNotebook(place.executed, withKitMetadata(refreshed, { run, fingerprint }));
}

/** The notebook with the outputs that its cells have in `executed`. */
function withOutputsOf(notebook: Notebook, executed: Notebook): Notebook {
  const ran = new Map(executed.cells.map((cell) => [cell.id, cell]));
  const cells = notebook.cells.map((cell): Cell => {
    if (cell.cell_type !== "code") return cell;
    const { outputs = [], execution_count = null } = ran.get(cell.id) ?? {};
    return { ...cell, outputs, execution_count };
  });
  return { ...notebook, cells };
}

/** As it is committed: the source, with outputs, but nothing of the run that differs each time. */
export function committedForm(executed: Notebook, source: Notebook, volatile = false): Notebook {
  const { run, fingerprint } = kitMetadata(executed);
  if (!run || !fingerprint) return source;
  const { milliseconds: _, finishedAt: __, ...lasting } = run;
  const outputs = withOutputsOf(source, executed);
  const kept = volatile ? outputs : withStableOutputs(outputs, source);
  return withKitMetadata(kept, { run: lasting, fingerprint });
}

const KERNEL = {
  kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
  language_info: {
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    file_extension: ".ts",
    mimetype: "text/typescript",
    name: "typescript",
    version: "",
  },
};

function withKitMetadata(notebook: Notebook, added: KitMetadata): Notebook {
  const before = kitMetadata(notebook);
  return {
    ...notebook,
    metadata: { ...KERNEL, ...notebook.metadata, sololakehouse: { ...before, ...added } },
  };
}
