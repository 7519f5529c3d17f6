import type { JsonInput, JsonNode, TableIdentifier } from "../../../iceberg/index.js";

/** Between the levels of a namespace in a path or a query: the unit separator, `%1F` when encoded (REST spec). */
const SEPARATOR = "\u001f";

/** The levels of a namespace, from a path segment or a query value that is no longer percent-encoded. */
export function splitNamespace(text: string): string[] {
  return text.split(SEPARATOR);
}

export function identifierToJson({ namespace, name }: TableIdentifier): JsonInput {
  return { namespace, name };
}

export function identifierFromJson(node: JsonNode): TableIdentifier {
  return { namespace: namespaceFromJson(node.get("namespace")), name: node.get("name").string() };
}

export function namespaceFromJson(node: JsonNode): string[] {
  return node.array().map((level) => level.string());
}
