/** Changes of table metadata in the REST catalog's vocabulary: requirements, updates, and what they do. */
export { type ApplyOptions, applyUpdates, PREVIOUS_VERSIONS_MAX, updatesToCreate } from "./apply.js";
export { sameSchema } from "./apply-definitions.js";
export {
  commitRequestFromJson,
  commitRequestToJson,
  requirementFromJson,
  requirementToJson,
  updateFromJson,
  updateToJson,
} from "./json.js";
export { checkRequirements, requirementsFor } from "./requirements.js";
