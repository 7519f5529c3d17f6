import type {
  Output,
  RECORD_MIME,
  RecordedCheck,
  RecordedFact,
  RecordedFigure,
  RecordedSample,
  RecordedTable,
  RecordKind,
} from "../../../notebook/index.js";

/** The kit's MIME types; their type holds that they are those of the kernel's half. */
const MIME: typeof RECORD_MIME = {
  fact: "application/vnd.sololakehouse.fact+json",
  figure: "application/vnd.sololakehouse.figure+json",
  table: "application/vnd.sololakehouse.table+json",
  sample: "application/vnd.sololakehouse.sample+json",
  check: "application/vnd.sololakehouse.check+json",
  predict: "application/vnd.sololakehouse.predict+json",
};

export interface RecordedPrediction {
  readonly question: string;
  readonly options: readonly string[];
  readonly answer: string;
}

/** What each kind records, as it lies in an output. */
export interface Records {
  readonly fact: Omit<RecordedFact, "cell">;
  readonly figure: Omit<RecordedFigure, "cell" | "svg">;
  readonly table: Omit<RecordedTable, "cell">;
  readonly sample: Omit<RecordedSample, "cell">;
  readonly check: Omit<RecordedCheck, "cell">;
  readonly predict: RecordedPrediction;
}

export function recordOf<Kind extends RecordKind>(output: Output, kind: Kind): Records[Kind] | undefined {
  return "data" in output ? (output.data[MIME[kind]] as Records[Kind] | undefined) : undefined;
}

/** The first record of that kind among outputs. */
export function recordIn<Kind extends RecordKind>(
  outputs: readonly Output[],
  kind: Kind,
): Records[Kind] | undefined {
  for (const output of outputs) {
    const record = recordOf(output, kind);
    if (record) return record;
  }
  return undefined;
}
