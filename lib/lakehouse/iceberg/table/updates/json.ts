import type { JsonNode } from "../../model/json.js";
import { definitionOf, type JsonObject, UPDATES, type UpdateAction } from "./definitions.js";
import { requirementFromJson, requirementToJson } from "./requirements.js";
import type { CommitRequest, TableUpdate } from "./types.js";

/** JSON of an update, as the REST catalog's specification spells it. */
export function updateToJson(update: TableUpdate): JsonObject {
  return { action: update.action, ...definitionOf(update).toJson(update) };
}

/** Reads an update. Fails through the node for an action that tables do not have. */
export function updateFromJson(node: JsonNode): TableUpdate {
  const action = node.get("action").string();
  if (!Object.hasOwn(UPDATES, action)) node.get("action").fail(`is no table update: "${action}"`);
  return { action, ...UPDATES[action as UpdateAction].fromJson(node) } as TableUpdate;
}

/** JSON of the body of a commit: `{ requirements, updates }`. */
export function commitRequestToJson(request: Pick<CommitRequest, "requirements" | "updates">): JsonObject {
  return {
    requirements: request.requirements.map(requirementToJson),
    updates: request.updates.map(updateToJson),
  };
}

export function commitRequestFromJson(node: JsonNode): Pick<CommitRequest, "requirements" | "updates"> {
  return {
    requirements: node.optional("requirements")?.array().map(requirementFromJson) ?? [],
    updates: node.get("updates").array().map(updateFromJson),
  };
}
