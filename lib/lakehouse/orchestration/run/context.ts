import type { BranchingCatalog, RefExpression } from "../../catalog/index.js";
import type { Table } from "../../iceberg/index.js";
import type { QueryEngine } from "../../query/index.js";
import type { PipelineDefinition } from "../model/definition.js";
import type { RunStore } from "../state/store.js";
import type { RunRecord } from "../state/types.js";

/** What is at hand while a run is at work. */
export interface RunJob {
  readonly catalog: BranchingCatalog;
  readonly engine: QueryEngine;
  readonly countRows: (table: Table) => Promise<bigint>;
  /** The lakehouse as the front door has it, on a ref. */
  readonly lakehouseOn: (ref: RefExpression) => unknown;
  readonly store: RunStore;
  readonly definition: PipelineDefinition;
  readonly run: RunRecord;
  /** The run's branch. */
  readonly branch: string;
  /** Milliseconds that a step has to end after it was aborted. */
  readonly graceMs: number;
  readonly onProgress: (progress: Progress) => void;
}

/** What is told of a run while it is at work. */
export interface Progress {
  readonly event: "start" | "retry" | "end" | "log";
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** `running`, `succeeded`, `unchanged`, `failed`, `skipped`, `stopped`. */
  readonly outcome: string;
  readonly durationMs: number;
  /** Of a failure: what went wrong, and of a retry also when it is; of a log the line. */
  readonly message?: string | undefined;
}
