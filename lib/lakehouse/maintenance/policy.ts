import { invalidArgument } from "../errors.js";
import type { Table } from "../iceberg/index.js";
import type { CompactionStrategy, CompactOptions } from "./compaction/options.js";

/** What is done to a table, in this order. */
export const STEP_NAMES = ["compaction", "position-deletes", "manifests", "expiry"] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** How a table is kept up, by its properties. */
export interface UpkeepPolicy {
  /** `maintenance.steps`, such as `compaction,manifests`; `none` leaves the table alone. Default: all. */
  readonly steps: readonly StepName[];
  /**
   * `maintenance.compaction.strategy` and, for a sort or Z-order, `maintenance.compaction.by`, such as `date,origin`.
   * Files are rewritten where that is worth it, and their rows put in order among themselves.
   */
  readonly compaction: Pick<CompactOptions, "strategy" | "by" | "rewriteAll" | "minInputFiles">;
}

const STEPS = "maintenance.steps";
const STRATEGY = "maintenance.compaction.strategy";
const BY = "maintenance.compaction.by";
const MIN_FILES = "maintenance.compaction.min-input-files";

/** @throws LakehouseError INVALID_ARGUMENT for a property that says nothing of the kind. */
export function policyOf({ properties }: Pick<Table, "properties">): UpkeepPolicy {
  const strategy = properties[STRATEGY]?.toLowerCase();
  const minFiles = properties[MIN_FILES];
  if (strategy !== undefined && !isStrategy(strategy)) {
    throw invalid(STRATEGY, strategy, "bin-pack, sort or z-order");
  }
  if (minFiles !== undefined && !/^0*[1-9]\d*$/.test(minFiles)) {
    throw invalid(MIN_FILES, minFiles, "a whole number from 1 up");
  }
  return {
    steps: stepsOf(properties[STEPS]),
    compaction: {
      rewriteAll: false,
      ...(strategy !== undefined && { strategy }),
      ...(properties[BY] !== undefined && { by: namesOf(properties[BY]) }),
      ...(minFiles !== undefined && { minInputFiles: Number(minFiles) }),
    },
  };
}

function stepsOf(text: string | undefined): readonly StepName[] {
  if (text === undefined) return STEP_NAMES;
  if (text.trim() === "none") return [];
  const names = namesOf(text);
  const unknown = names.find((name) => !STEP_NAMES.some((step) => step === name));
  if (unknown !== undefined) throw invalid(STEPS, text, `some of ${STEP_NAMES.join(", ")}, or none`);
  return STEP_NAMES.filter((step) => names.includes(step));
}

function isStrategy(text: string): text is CompactionStrategy {
  return text === "bin-pack" || text === "sort" || text === "z-order";
}

function namesOf(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

function invalid(property: string, text: string, must: string): Error {
  return invalidArgument(
    property,
    `The table property ${property} must be ${must}, not ${JSON.stringify(text)}.`,
    "Set it to such a value, or remove it for the default.",
  );
}
