import type { Notebook } from "./nbformat.js";

/** Where in the notebook something was recorded. */
export interface CellRef {
  /** The cell's id, stable over edits elsewhere in the notebook. */
  readonly id: string;
  /** Position among all cells, from 0. */
  readonly index: number;
  /** The `[n]` shown beside the cell, or null where it has not run. */
  readonly executionCount: number | null;
}

/**
 * What a notebook's outputs were made from. Stored beside them, and compared with the same thing computed now.
 * Hashes are the first 16 hex digits of SHA-256: enough to notice a change, short enough for a diff.
 */
export interface Fingerprint {
  /** Code cells in order, each as its id, a space and its hash: Jupyter would sort the keys of an object. */
  readonly cells: readonly string[];
  /** Library sources that the cells reach through imports, by path from the project root. */
  readonly library: Readonly<Record<string, string>>;
  /** Locked dependencies, those for development left out. */
  readonly lock: string;
  /** Data files by name. */
  readonly datasets: Readonly<Record<string, string>>;
  /** Data files of the project that cells read or name, by path from the project root. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** `embedded` or `stack`. */
  readonly profile: string;
  /** The variables that choose storage and catalog, with their values. Not in a committed notebook. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Which lakehouse it ran on; empty where there is none. Not in a committed notebook, nor where no cell uses one. */
  readonly lake?: string | undefined;
  readonly versions: { readonly node: number; readonly tslab: string };
}

/** What `metadata.sololakehouse` of an executed notebook says of its run. */
export interface RunInfo {
  readonly status: "ok" | "failed";
  readonly profile: string;
  /** `v20.20.2`. */
  readonly node: string;
  readonly tslab: string;
  /** Wall time of the whole run. Absent in a committed notebook, where it would only make diffs. */
  readonly milliseconds?: number | undefined;
  /** ISO 8601, UTC. Absent in a committed notebook. */
  readonly finishedAt?: string | undefined;
  /** The cell that failed, when one did. */
  readonly failure?: RunFailure | undefined;
}

export interface RunFailure {
  readonly cell: CellRef;
  readonly name: string;
  readonly message: string;
  /** Line within the cell, from 1, where it is known. */
  readonly line?: number | undefined;
}

/** `metadata.sololakehouse` as written by the runner. */
export interface KitMetadata {
  readonly run?: RunInfo | undefined;
  readonly fingerprint?: Fingerprint | undefined;
  /** Names of data sets that the notebook declares beyond those it asks for through `dataset()`. */
  readonly datasets?: readonly string[] | undefined;
}

export const kitMetadata = (notebook: Notebook): KitMetadata =>
  (notebook.metadata.sololakehouse ?? {}) as KitMetadata;
