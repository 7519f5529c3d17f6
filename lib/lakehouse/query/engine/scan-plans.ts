import type { ScanPlan, ScanTask, TableScan } from "../../iceberg/index.js";
import { identityOf, keyOf } from "../../keys.js";

const MAX_PLANS = 256;

/** Scan plans remembered: by table state, schema and filter, so a repeated query does not read manifests again. */
export class ScanPlans {
  readonly #plans = new Map<string, Promise<ScanPlan>>();

  of(scan: TableScan): Promise<ScanPlan> {
    // The schema is not the snapshot's alone: the current one is the table's, and names may mean other columns there.
    const { metadata, tableSchema, snapshot, filter, caseSensitive, limit } = scan;
    const state = [identityOf(metadata), identityOf(tableSchema), snapshot?.snapshotId];
    const key = keyOf([...state, filter, caseSensitive, limit]);
    const known = this.#plans.get(key);
    if (known) return known;
    const plan = scan.planAll();
    this.#plans.set(key, plan);
    plan.catch(() => this.#plans.delete(key));
    if (this.#plans.size > MAX_PLANS) this.#plans.delete(this.#plans.keys().next().value ?? "");
    return plan;
  }
}

/** What a plan says that was made elsewhere: nothing was left out of it here. */
export function givenPlan(tasks: readonly ScanTask[]): {
  readonly tasks: readonly ScanTask[];
  readonly report: Pick<
    ScanPlan["report"],
    "skippedDataFiles" | "resultDeleteFiles" | "resultFileSizeInBytes"
  >;
} {
  return {
    tasks,
    report: {
      skippedDataFiles: 0,
      resultDeleteFiles: new Set(tasks.flatMap((task) => task.deleteFiles)).size,
      resultFileSizeInBytes: tasks.reduce((sum, task) => sum + task.dataFile.fileSizeInBytes, 0n),
    },
  };
}
