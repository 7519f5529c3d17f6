/** Changing a table's schema, partitioning, sort order and properties: pending updates that can be put on any version of it. */
export { dayRange, describeDays } from "./promotion-range.js";
export { replaceTable, type TableReplacement } from "./replace.js";
export {
  type PartitionStatisticsChanges,
  type PropertyChanges,
  replaceSortOrder,
  type StatisticsChanges,
  updateLocation,
  updatePartitionStatistics,
  updateProperties,
  updateStatistics,
  upgradeFormatVersion,
} from "./settings.js";
export { UpdatePartitionSpec, type UpdatePartitionSpecOptions } from "./update-partition-spec.js";
export { type ColumnPath, UpdateSchema, type UpdateSchemaOptions } from "./update-schema.js";
