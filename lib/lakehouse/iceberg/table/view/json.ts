import { invalidMetadata } from "../../../errors.js";
import { type Json, type JsonInput, type JsonNode, readJson, stringifyJson } from "../../model/json.js";
import { schemaFromJson, schemaToJson } from "../../model/schema/json.js";
import type { ViewHistoryEntry, ViewMetadata, ViewRepresentation, ViewVersion } from "./types.js";

/** The metadata file's text (view spec, Appendix A). */
export function serializeViewMetadata(metadata: ViewMetadata): string {
  return stringifyJson(viewMetadataToJson(metadata));
}

/**
 * Reads a view's metadata.
 *
 * @param subject what the text is, for errors
 * @throws INVALID_METADATA when it breaks the view spec; it names the member
 */
export function parseViewMetadata(text: string | Uint8Array, subject: string): ViewMetadata {
  const json = typeof text === "string" ? text : new TextDecoder().decode(text);
  return viewMetadataFromJson(readJson(json, { subject, kind: invalidMetadata }));
}

export function viewMetadataToJson(metadata: ViewMetadata): JsonInput {
  return {
    "view-uuid": metadata.viewUuid,
    "format-version": metadata.formatVersion,
    location: metadata.location,
    "current-version-id": metadata.currentVersionId,
    properties: { ...metadata.properties },
    versions: metadata.versions.map(viewVersionToJson),
    schemas: metadata.schemas.map(schemaToJson),
    "version-log": metadata.versionLog.map(({ timestampMs, versionId }) => ({
      "timestamp-ms": timestampMs,
      "version-id": versionId,
    })),
  };
}

export function viewMetadataFromJson(node: JsonNode): ViewMetadata {
  const formatVersion = node.get("format-version");
  if (formatVersion.int() !== 1) formatVersion.fail("should be 1, the only version of the view format");
  const metadata: ViewMetadata = {
    viewUuid: node.get("view-uuid").string(),
    formatVersion: 1,
    location: node.get("location").string(),
    schemas: node.get("schemas").array().map(schemaFromJson),
    currentVersionId: node.get("current-version-id").int(),
    versions: node.get("versions").array().map(viewVersionFromJson),
    versionLog: node.get("version-log").array().map(historyEntryFromJson),
    properties: node.optional("properties")?.stringMap() ?? {},
  };
  checkReferences(node, metadata);
  return metadata;
}

/** Every version has a schema, and the current version is one of them. */
function checkReferences(node: JsonNode, { schemas, versions, currentVersionId }: ViewMetadata): void {
  const schemaIds = new Set(schemas.map(({ schemaId }) => schemaId));
  node
    .get("versions")
    .array()
    .forEach((version, i) => {
      if (!schemaIds.has(versions[i]!.schemaId)) version.get("schema-id").fail("is the id of no schema");
    });
  if (!versions.some(({ versionId }) => versionId === currentVersionId)) {
    node.get("current-version-id").fail("is the id of no version");
  }
}

export function viewVersionToJson(version: ViewVersion): JsonInput {
  return {
    "version-id": version.versionId,
    "timestamp-ms": version.timestampMs,
    "schema-id": version.schemaId,
    summary: { ...version.summary },
    representations: version.representations.map(representationToJson),
    "default-catalog": version.defaultCatalog,
    "default-namespace": version.defaultNamespace,
  };
}

export function viewVersionFromJson(node: JsonNode): ViewVersion {
  return {
    versionId: node.get("version-id").int(),
    schemaId: node.get("schema-id").int(),
    timestampMs: node.get("timestamp-ms").long(),
    summary: node.get("summary").stringMap(),
    representations: node.get("representations").array().map(representationFromJson),
    defaultCatalog: node.optional("default-catalog")?.string(),
    defaultNamespace: node
      .get("default-namespace")
      .array()
      .map((level) => level.string()),
  };
}

function historyEntryFromJson(node: JsonNode): ViewHistoryEntry {
  return { timestampMs: node.get("timestamp-ms").long(), versionId: node.get("version-id").int() };
}

function representationToJson(representation: ViewRepresentation): JsonInput {
  if (representation.type === "unknown") return representation.json;
  return { type: "sql", sql: representation.sql, dialect: representation.dialect };
}

function representationFromJson(node: JsonNode): ViewRepresentation {
  if (node.get("type").string() !== "sql") return { type: "unknown", json: node.value as Json };
  return { type: "sql", sql: node.get("sql").string(), dialect: node.get("dialect").string() };
}
