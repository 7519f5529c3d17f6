/**
 * Views (view spec, version 1): metadata with a history of versions, each a SELECT in one or more SQL dialects; and
 * the updates and requirements by which a catalog changes them.
 */
export {
  parseViewMetadata,
  serializeViewMetadata,
  viewMetadataFromJson,
  viewMetadataToJson,
  viewVersionFromJson,
  viewVersionToJson,
} from "./json.js";
export { readViewMetadata, writeViewMetadata } from "./metadata-file.js";
export { type NewView, newViewMetadata, replaceViewUpdates, type ViewDefinition } from "./new-view.js";
export type * from "./types.js";
export {
  viewRequirementFromJson,
  viewRequirementToJson,
  viewUpdateFromJson,
  viewUpdateToJson,
} from "./update-json.js";
export {
  applyViewUpdates,
  checkViewRequirements,
  currentViewVersion,
  REPLACE_DROP_DIALECT_ALLOWED,
  sqlFor,
  VERSION_HISTORY_SIZE,
} from "./updates.js";
