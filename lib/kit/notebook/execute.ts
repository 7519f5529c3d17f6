import { dirname } from "node:path";
import { LakehouseError } from "sololakehouse";
import type { Notebook } from "./nbformat.js";
import {
  currentFingerprint,
  currentProfile,
  type NotebookPlace,
  readNotebook,
  writeNotebook,
} from "./place.js";
import { type KitMetadata, type RunInfo, recordedIn } from "./recorded.js";
import { type RunOptions, runNotebook } from "./runner.js";
import { withStableOutputs } from "./stable.js";

export interface ExecuteOptions extends Pick<RunOptions, "onProgress" | "signal" | "cellTimeout"> {
  /** Also write the outputs back into the committed notebook; not done when a cell failed. */
  readonly save?: boolean;
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
    throw new LakehouseError({
      code: "NOTEBOOK_FAILED",
      subject: place.id,
      message: `${place.id} has no notebook.`,
      remedy: `Write ${place.source} first.`,
    });
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
    throw new LakehouseError({
      code: "NOTEBOOK_FAILED",
      subject: place.id,
      message: `The run of ${place.id} was stopped.`,
      remedy: "Its outputs are those of the run before.",
    });
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
  if (options.save && !result.failure) await writeNotebook(place.source, committedForm(executed, source));
  return {
    run,
    cells: result.cells,
    milliseconds: result.milliseconds,
    facts: recordedIn(executed, place.executed).facts.size,
  };
}

/** As it is committed: nothing of the run that differs each time, and the kernel that runs it. */
export function committedForm(executed: Notebook, previous: Notebook): Notebook {
  const { run, ...rest } = (executed.metadata.sololakehouse ?? {}) as KitMetadata;
  const { milliseconds: _, finishedAt: __, ...lasting } = run ?? ({} as RunInfo);
  const stable = withStableOutputs(executed, previous);
  return withKitMetadata(stable, { ...rest, run: lasting });
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
  const before = (notebook.metadata.sololakehouse ?? {}) as KitMetadata;
  return {
    ...notebook,
    metadata: { ...KERNEL, ...notebook.metadata, sololakehouse: { ...before, ...added } },
  };
}
