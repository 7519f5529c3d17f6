import type { JsonInput, JsonNode } from "../../model/json.js";
import { schemaFromJson, schemaToJson } from "../../model/schema/json.js";
import { viewVersionFromJson, viewVersionToJson } from "./json.js";
import type { ViewRequirement, ViewUpdate } from "./types.js";

/** JSON of a view update (REST catalog spec, `ViewUpdate`). */
export function viewUpdateToJson(update: ViewUpdate): JsonInput {
  switch (update.action) {
    case "upgrade-format-version":
      return { action: update.action, "format-version": update.formatVersion };
    case "add-schema":
      return { action: update.action, schema: schemaToJson(update.schema) };
    case "set-properties":
      return { action: update.action, updates: { ...update.updates } };
    case "add-view-version":
      return { action: update.action, "view-version": viewVersionToJson(update.viewVersion) };
    case "set-current-view-version":
      return { action: update.action, "view-version-id": update.viewVersionId };
    default:
      return update;
  }
}

/** Reads the JSON of a view update. */
export function viewUpdateFromJson(node: JsonNode): ViewUpdate {
  const action = node.get("action");
  switch (action.string()) {
    case "assign-uuid":
      return { action: "assign-uuid", uuid: node.get("uuid").string() };
    case "upgrade-format-version":
      return { action: "upgrade-format-version", formatVersion: node.get("format-version").int() };
    case "add-schema":
      return { action: "add-schema", schema: schemaFromJson(node.get("schema")) };
    case "set-location":
      return { action: "set-location", location: node.get("location").string() };
    case "set-properties":
      return { action: "set-properties", updates: node.get("updates").stringMap() };
    case "remove-properties": {
      const removals = node.get("removals").array();
      return { action: "remove-properties", removals: removals.map((key) => key.string()) };
    }
    case "add-view-version":
      return { action: "add-view-version", viewVersion: viewVersionFromJson(node.get("view-version")) };
    case "set-current-view-version":
      return { action: "set-current-view-version", viewVersionId: node.get("view-version-id").int() };
    default:
      return action.fail("is no update of a view");
  }
}

/** JSON of a view requirement (REST catalog spec, `ViewRequirement`). */
export function viewRequirementToJson(requirement: ViewRequirement): JsonInput {
  return { ...requirement };
}

/** Reads the JSON of a view requirement. */
export function viewRequirementFromJson(node: JsonNode): ViewRequirement {
  const type = node.get("type");
  if (type.string() !== "assert-view-uuid") type.fail("is no requirement of a view");
  return { type: "assert-view-uuid", uuid: node.get("uuid").string() };
}
