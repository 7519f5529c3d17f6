/** Changing a table's schema, partitioning, sort order and properties: pending updates that can be put on any version of it. */
export {
  type PropertyChanges,
  replaceSortOrder,
  updateLocation,
  updateProperties,
  upgradeFormatVersion,
} from "./settings.js";
export { UpdatePartitionSpec, type UpdatePartitionSpecOptions } from "./update-partition-spec.js";
export { type ColumnPath, UpdateSchema, type UpdateSchemaOptions } from "./update-schema.js";
