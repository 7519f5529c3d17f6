/**
 * Row-level deletes (spec, "Delete Formats"): deletion vectors, position deletes and equality deletes, how each is
 * read and written, and which of them applies to which data file.
 */
export { DeleteIndex } from "./delete-index.js";
export {
  type DeleteScope,
  deletionVectorApplies,
  equalityDeletesApply,
  isGlobal,
  partitionKey,
  positionDeletesApply,
  referencedDataFile,
  type SequencedFile,
  samePartition,
} from "./delete-rules.js";
export {
  decodeDeletionVector,
  encodeDeletionVector,
  isDeletionVector,
  readDeletionVector,
} from "./deletion-vector.js";
export { type DeletedRows, writeDeletionVectors } from "./deletion-vector-writer.js";
export { type EqualityDeleteTarget, writeEqualityDeletes } from "./equality-delete-writer.js";
export { EqualityKeys, readEqualityDeletes } from "./equality-deletes.js";
export { equalityColumns, equalityDeleteSchema } from "./equality-schema.js";
export { corruptDeletes } from "./parquet-columns.js";
export { PositionBitmap, type PositionRange } from "./position-bitmap.js";
export { writePositionDeletes } from "./position-delete-writer.js";
export { PositionDeleteReader, type PositionsByFile, readPositionDeletes } from "./position-deletes.js";
