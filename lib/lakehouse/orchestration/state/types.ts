import type { SnapshotId } from "../../iceberg/index.js";
import type { SliceValue } from "../../pipeline/index.js";

/**
 * `succeeded`: everything was done and published. `partial`: what could be, with steps that failed as they may. `failed`:
 * nothing was published; it can be retried. `stopped`: so, by its user. `abandoned`: another run took its place.
 */
export type RunStatus = "running" | "succeeded" | "partial" | "failed" | "stopped" | "abandoned";

/** `unchanged`: its inputs were as they had been. `skipped`: what it follows from has failed. `stopped`: the run ended before. */
export type StepStatus = "pending" | "running" | "succeeded" | "unchanged" | "failed" | "skipped" | "stopped";

/** What went wrong. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What began a run: `manual`, `schedule`, `sensor`, `backfill`, or an orchestrator beside this one. */
export type Trigger = "manual" | "schedule" | "sensor" | "backfill" | "external";

/** What a run is asked to do. */
export interface RunRequest {
  readonly trigger: Trigger;
  /** Names what is to be run once, as a time of a schedule: of two that ask, one gets the run. */
  readonly key?: string | undefined;
  /** Makes these slices anew, and takes in nothing else. */
  readonly slices?: readonly SliceValue[] | undefined;
  /** Makes all tables anew. */
  readonly rebuild?: boolean | undefined;
}

/** A run as it is remembered. Times are milliseconds since 1970. */
export interface RunRecord extends RunRequest {
  readonly id: string;
  readonly pipeline: string;
  /** The branch that it publishes to. */
  readonly target: string;
  readonly status: RunStatus;
  /** The commit of the target that it began at. */
  readonly base: string;
  /** How many processes have taken it up, one after the other. */
  readonly epoch: number;
  readonly fingerprint: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** The commit on the target that has what it did. */
  readonly hash: string | undefined;
  readonly error: Failure | undefined;
}

/** A step of a run as it is remembered. */
export interface StepRecord {
  readonly name: string;
  readonly status: StepStatus;
  /** Tries so far. */
  readonly attempts: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly error: Failure | undefined;
  /** What its function answered with, as JSON. */
  readonly result: unknown;
  /** The snapshots of the tables that it read, and of those that it wrote, by their names. */
  readonly inputs: Readonly<Record<string, SnapshotId | undefined>>;
  readonly outputs: Readonly<Record<string, SnapshotId | undefined>>;
}

/** One try of a step. */
export interface AttemptRecord {
  readonly step: string;
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly outcome: string | undefined;
}

/** A line of a step's log. */
export interface LogLine {
  readonly at: number;
  readonly step: string;
  readonly attempt: number;
  readonly message: string;
}
