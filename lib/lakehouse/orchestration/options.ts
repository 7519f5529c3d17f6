import type { Abortable } from "../errors.js";
import type { OptionNames } from "../options.js";
import type { SliceValue } from "../pipeline/index.js";
import type { BackfillOptions } from "./backfill/backfill.js";
import type { Progress } from "./run/context.js";
import type { WatchEvent } from "./watch/look.js";

export interface PipelineRunOptions extends Abortable {
  /** Makes these slices anew, as a backfill does, and takes in nothing else: steps that have no slices are left out. */
  readonly slices?: readonly SliceValue[] | undefined;
  /** Makes all tables of tasks anew. */
  readonly rebuild?: boolean | undefined;
  /** Takes the run of a process that is at work, or seems to be: what it still does comes to nothing. */
  readonly takeOver?: boolean | undefined;
  /** Milliseconds that a step has to end after it was aborted: 5,000 where not given. */
  readonly graceMs?: number | undefined;
  /** Called with what happens, while it does. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export const RUN_OPTIONS: OptionNames<PipelineRunOptions> = {
  slices: true,
  rebuild: true,
  takeOver: true,
  graceMs: true,
  onProgress: true,
  signal: true,
};

export interface WatchOptions extends Abortable, Pick<PipelineRunOptions, "graceMs" | "onProgress"> {
  /** Milliseconds between two looks at tables and topics: 5,000 where not given. */
  readonly everyMs?: number | undefined;
  /** Looks at these alone: all where not given. What runs by another scheduler's times is left to that one. */
  readonly only?: "schedules" | "sensors" | undefined;
  /** Called with what became of each thing that was due. */
  readonly onEvent?: ((event: WatchEvent) => void) | undefined;
}

export const BACKFILL_OPTIONS: OptionNames<BackfillOptions> = {
  slices: true,
  name: true,
  perRun: true,
  graceMs: true,
  onSlice: true,
  signal: true,
};

/** A run that another orchestrator makes. */
export interface ExternalRunOptions extends Abortable, Pick<PipelineRunOptions, "graceMs" | "onProgress"> {
  /** Its id of the run: what is said under one key is one run. */
  readonly key: string;
}

export const EXTERNAL_OPTIONS: OptionNames<ExternalRunOptions> = {
  key: true,
  graceMs: true,
  onProgress: true,
  signal: true,
};

/** One look. */
export interface LookOptions extends Omit<WatchOptions, "everyMs"> {
  /** Only tells what is due, and runs nothing. */
  readonly dryRun?: boolean | undefined;
}

export const WATCH_OPTIONS: OptionNames<WatchOptions> = {
  everyMs: true,
  only: true,
  onEvent: true,
  graceMs: true,
  onProgress: true,
  signal: true,
};

export const LOOK_OPTIONS: OptionNames<LookOptions> = {
  only: true,
  dryRun: true,
  onEvent: true,
  graceMs: true,
  onProgress: true,
  signal: true,
};
