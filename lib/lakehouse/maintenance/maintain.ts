import type { Abortable } from "../errors.js";
import { LakehouseError } from "../errors.js";
import type { Table } from "../iceberg/index.js";
import { observe } from "../observability/index.js";
import { checkOptions } from "../options.js";
import { upkeepSteps } from "./metrics.js";
import { policyOf, type StepName } from "./policy.js";
import { STEPS } from "./steps.js";

export interface MaintainOptions extends Abortable {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined;
}

/** What was done to a table, or in a dry run would be. */
export interface TableUpkeep {
  readonly table: string;
  readonly dryRun: boolean;
  /** What the table wanted, in order; none where it is in order. */
  readonly steps: readonly StepOutcome[];
}

export interface StepOutcome {
  readonly step: StepName;
  /** Why the table wanted it. */
  readonly why: string;
  /** What was done; `null` in a dry run, and where it failed. */
  readonly done: string | null;
  /** The message of the error where it failed: the table is as it was before the step, and the next ones are tried. */
  readonly error: string | null;
}

/** Does what a table wants of its policy: each step that finds something to do, one commit or several each. */
export async function maintainTable(table: Table, options: MaintainOptions): Promise<TableUpkeep> {
  checkOptions("maintain", options, { dryRun: true, signal: true });
  const { dryRun = false, signal } = options;
  const policy = policyOf(table);
  const steps: StepOutcome[] = [];
  let now = table;
  for (const step of policy.steps) {
    const why = await STEPS[step].why(now, policy);
    if (why === undefined) continue;
    if (dryRun) {
      steps.push({ step, why, done: null, error: null });
      continue;
    }
    try {
      const at = now;
      const done = await observe(
        upkeepSteps,
        () => STEPS[step].run(at, policy, signal),
        ({ result, outcome, milliseconds }) => ({
          table: table.name,
          step,
          why,
          done: result,
          outcome,
          milliseconds,
        }),
      );
      steps.push({ step, why, done, error: null });
    } catch (error) {
      if (signal?.aborted || !(error instanceof LakehouseError)) throw error;
      steps.push({ step, why, done: null, error: error.message });
    }
    now = await now.refresh();
  }
  return { table: table.name, dryRun, steps };
}

/**
 * The names of the steps that a table wants, from metadata alone; of a table for which that cannot be told, why not, so that
 * it does not hide the others.
 */
export async function wantedUpkeep(table: Table): Promise<readonly string[]> {
  try {
    return (await maintainTable(table, { dryRun: true })).steps.map(({ step }) => step);
  } catch (error) {
    if (!(error instanceof LakehouseError)) throw error;
    return [`a look: ${error.message}`];
  }
}
