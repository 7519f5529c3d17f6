/** Partitioning and sorting: transforms on values and on whole columns, partition specs, sort orders. */
export { bucketHash, type TransformFunction, transformFunction } from "./apply.js";
export { escapePathPart, humanPartitionValue } from "./human.js";
export { hashBytes, hashInt, hashLong } from "./murmur3.js";
export {
  asc,
  buildSortOrder,
  desc,
  type SortTerm,
  sameSortOrder,
  sortOrderFromJson,
  sortOrderToJson,
  UNSORTED,
  validateSortOrder,
} from "./sort-order.js";
export {
  bucket,
  buildPartitionSpec,
  day,
  defaultPartitionName,
  equivalentSpecs,
  highestPartitionFieldId,
  hour,
  identity,
  isUnpartitioned,
  month,
  PARTITION_FIELD_ID_START,
  partitioner,
  partitionFieldsFromJson,
  partitionFieldsToJson,
  partitionFieldType,
  partitionSpecFromJson,
  partitionSpecToJson,
  partitionToPath,
  partitionType,
  refuseUnknown,
  truncate,
  UNPARTITIONED,
  validatePartitionSpec,
  voidTransform,
  year,
} from "./spec.js";
export {
  canTransform,
  parseTransform,
  preservesOrder,
  sameTransform,
  transformResultType,
  transformToString,
} from "./transform.js";
export { type TransformedColumn, transformColumn } from "./transform-column.js";
