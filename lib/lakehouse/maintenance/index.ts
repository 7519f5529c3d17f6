/**
 * The upkeep of tables, `lake.maintenance`: how their files lie, compaction, manifests, position deletes, snapshots that
 * expire, and a policy per table that says which of it is done. Nothing here changes a row.
 */
export type { Advice, FilteredColumn, LayoutAdvice, QueryWatch } from "./advice.js";
export type { CompactionReport } from "./compaction/compact.js";
export type { CompactionStrategy, CompactOptions, FileChoice } from "./compaction/options.js";
export type { PartitionLayout, SizeClass, TableLayout, Waste } from "./layout.js";
export { type MaintainOptions, type StepOutcome, type TableUpkeep, wantedUpkeep } from "./maintain.js";
export type { Maintenance, MaintenanceContext } from "./maintenance.js";
export type { StepName } from "./policy.js";
