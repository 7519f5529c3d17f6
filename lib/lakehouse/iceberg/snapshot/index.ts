/** Snapshots: what changes a table's files, and what others may have changed meanwhile (spec, "Snapshots"). */
export type { PendingUpdate, Proposal } from "./pending.js";
export { type SnapshotChange, SnapshotProducer } from "./producer.js";
export { type FileSelector, fileKey, selectAll, selectFiles, selectPartitions } from "./selector.js";
export { newSnapshotId } from "./snapshot-id.js";
export {
  type IsolationLevel,
  type Since,
  validateDataFilesExist,
  validateNoNewDataFiles,
  validateNoNewDeleteFiles,
  validateNoNewDeletesFor,
  validateNoNewVectors,
} from "./validate.js";
