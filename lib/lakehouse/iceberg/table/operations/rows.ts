/**
 * What brings rows into a table or changes them, in one module: it is loaded with the first such operation, since Arrow
 * and the Parquet encoder come with it, and who lists, plans or serves tables needs neither.
 */

export { StreamWriter } from "../stream/stream-writer.js";
export { addFiles } from "./add-files.js";
export { append } from "./append.js";
export { merge, UPSERT } from "./merge.js";
export { overwritePartitions } from "./overwrite-partitions.js";
export { rewritePositionDeletes } from "./rewrite-position-deletes.js";
export { changeRows, checkOverwrite, deleteRows, replaceRows, updateRows } from "./row-changes.js";
export { rowDelta } from "./row-delta.js";
