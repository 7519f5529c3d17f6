/** Scan planning: which files a read needs, and what has to be taken away from them (spec, "Scan Planning"). */
export { type ChangelogOptions, type ChangelogTask, changelog, changelogSchema } from "./changelog.js";
export { deleteScope, everyField } from "./delete-scope.js";
export { type FileFilter, fileFilter } from "./file-filter.js";
export {
  type IncrementalOptions,
  incrementalAppends,
  type SnapshotRange,
} from "./incremental.js";
export { type KnownRows, knownRows } from "./row-count.js";
export { type ScanOptions, type ScanPlan, type ScanReport, type ScanTask, TableScan } from "./scan.js";
export { resolveSnapshot, type SnapshotAt } from "./snapshot-at.js";
