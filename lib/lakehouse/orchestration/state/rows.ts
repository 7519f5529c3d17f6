import type { SnapshotId } from "../../iceberg/index.js";
import type { SliceValue } from "../../pipeline/index.js";
import type { RunRecord, RunStatus, StepRecord, StepStatus, Trigger } from "./types.js";

/** A line of the table of runs. */
export interface RunRow {
  readonly id: string;
  readonly pipeline: string;
  readonly target: string;
  readonly trigger: Trigger;
  readonly key: string | null;
  readonly slices: string | null;
  readonly rebuild: number;
  readonly status: RunStatus;
  readonly base: string;
  readonly epoch: number;
  readonly fingerprint: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly hash: string | null;
  readonly error: string | null;
}

/** A line of the table of steps. */
export interface StepRow {
  readonly name: string;
  readonly status: StepStatus;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly error: string | null;
  readonly result: string | null;
  readonly inputs: string | null;
  readonly outputs: string | null;
}

export function runOf(row: RunRow): RunRecord {
  return {
    ...row,
    key: row.key ?? undefined,
    slices: fromJson(row.slices) as readonly SliceValue[] | undefined,
    rebuild: row.rebuild === 1,
    endedAt: row.endedAt ?? undefined,
    hash: row.hash ?? undefined,
    error: fromJson(row.error) as RunRecord["error"],
  };
}

export function stepOf(row: StepRow): StepRecord {
  return {
    ...row,
    startedAt: row.startedAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    error: fromJson(row.error) as StepRecord["error"],
    result: fromJson(row.result),
    inputs: snapshotsOf(row.inputs),
    outputs: snapshotsOf(row.outputs),
  };
}

/** 64-bit integers are told apart from texts: `{"$int": "1"}`. */
export function toJson(value: unknown): string | null {
  if (value === undefined) return null;
  return (
    JSON.stringify(value, (_, each) => (typeof each === "bigint" ? { $int: String(each) } : each)) ?? null
  );
}

/** What a step's function answered with; what JSON cannot hold is not kept, and says so. */
export function resultJson(result: unknown): string | null {
  try {
    const text = toJson(result);
    if (text === null || text.length <= RESULT_CHARACTERS) return text;
    return JSON.stringify({ $left: `${text.length} characters, which is more than is kept` });
  } catch (error) {
    return JSON.stringify({ $left: `no JSON: ${(error as Error).message}` });
  }
}

const RESULT_CHARACTERS = 65_536;

function fromJson(text: string | null): unknown {
  if (text === null) return undefined;
  return JSON.parse(text, (_, each) => {
    const int = typeof each === "object" && each !== null ? each.$int : undefined;
    // What a step answers with may have such a key of its own.
    return typeof int === "string" && /^-?\d+$/.test(int) ? BigInt(int) : each;
  });
}

function snapshotsOf(text: string | null): Readonly<Record<string, SnapshotId | undefined>> {
  return (fromJson(text) ?? {}) as Readonly<Record<string, SnapshotId | undefined>>;
}
