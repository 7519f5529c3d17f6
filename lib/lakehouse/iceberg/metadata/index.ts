/** Table metadata: new, read, written, looked into (spec, "Table Metadata"). */
export {
  METADATA_COMPRESSION,
  metadataFileVersion,
  metadataFolder,
  PATH_PROPERTIES,
  readTableMetadata,
  writeTableMetadata,
} from "./files.js";
export {
  ancestorsOf,
  currentSchema,
  currentSnapshot,
  defaultSortOrder,
  defaultSpec,
  isAncestorOf,
  schemaById,
  schemaOfSnapshot,
  snapshotAsOf,
  snapshotById,
  snapshotByRef,
  sortOrderById,
  specById,
} from "./lookup.js";
export { DEFAULT_FORMAT_VERSION, type NewTable, newTableMetadata, RESERVED_PROPERTIES } from "./new.js";
export { MAIN_BRANCH, parseTableMetadata, tableMetadataFromJson } from "./parse.js";
export { serializeTableMetadata, tableMetadataToJson, tableMetadataToRawJson } from "./serialize.js";
export { snapshotFromJson, snapshotToJson } from "./snapshot-json.js";
