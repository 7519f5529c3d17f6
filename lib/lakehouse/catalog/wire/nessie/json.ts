import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import type { CommittedOperation, LoggedCommit } from "../../model/commits.js";
import type { Conflict, ConflictType } from "../../model/conflicts.js";
import type { Content, ContentKey } from "../../model/content.js";
import type { Reference } from "../../model/references.js";
import { keyFromJson, keyToJson } from "./keys.js";

/** A content object, as an operation or an answer carries it. */
export function contentToJson(content: Content, key: ContentKey): { readonly [key: string]: JsonInput } {
  const { id } = content;
  switch (content.type) {
    case "NAMESPACE":
      return { type: content.type, id, elements: key, properties: content.properties };
    case "ICEBERG_TABLE": {
      const { type, metadataLocation, snapshotId, schemaId, specId, sortOrderId } = content;
      return { type, id, metadataLocation, snapshotId: BigInt(snapshotId), schemaId, specId, sortOrderId };
    }
    case "ICEBERG_VIEW": {
      const { type, metadataLocation, versionId, schemaId } = content;
      return { type, id, metadataLocation, versionId, schemaId };
    }
  }
}

/** A content object with the id that it has, or is to get. Throws for a type that this catalog does not keep. */
export function contentFromJson(node: JsonNode, id = node.get("id").string()): Content {
  const type = node.get("type").string();
  switch (type) {
    case "NAMESPACE":
      return { type, id, properties: node.optional("properties")?.stringMap() ?? {} };
    case "ICEBERG_TABLE":
      return {
        type,
        id,
        metadataLocation: node.get("metadataLocation").string(),
        snapshotId: String(node.get("snapshotId").long()),
        schemaId: node.get("schemaId").int(),
        specId: node.get("specId").int(),
        sortOrderId: node.get("sortOrderId").int(),
      };
    case "ICEBERG_VIEW":
      return {
        type,
        id,
        metadataLocation: node.get("metadataLocation").string(),
        versionId: node.get("versionId").int(),
        schemaId: node.get("schemaId").int(),
      };
    default:
      return node
        .get("type")
        .fail(`is ${type}: this catalog keeps namespaces, Iceberg tables and Iceberg views`);
  }
}

export function operationToJson(operation: CommittedOperation): JsonInput {
  const { type, key } = operation;
  if (type === "DELETE") return { type, key: keyToJson(key) };
  return { type, key: keyToJson(key), content: contentToJson(operation.content, key) };
}

/** A branch or tag with its hash, or a commit alone. */
export type NessieReference = Reference | { readonly type: "DETACHED"; readonly hash: string };

export function referenceToJson(reference: NessieReference, metadata?: JsonInput): JsonInput {
  const { type, hash } = reference;
  return type === "DETACHED" ? { type, hash } : { type, name: reference.name, metadata, hash };
}

export function referenceFromJson(node: JsonNode): Reference {
  const type = node.get("type").string();
  if (type !== "BRANCH" && type !== "TAG")
    return node.get("type").fail(`is ${type}: it should be BRANCH or TAG`);
  return { type, name: node.get("name").string(), hash: node.get("hash").string() };
}

/** Properties of a commit with several values keep them as one text, a line each. */
const VALUES = "\n";

export function commitMetaToJson(commit: LoggedCommit): JsonInput {
  const properties = Object.entries(commit.properties);
  return {
    hash: commit.hash,
    committer: commit.committer,
    authors: commit.authors,
    allSignedOffBy: [],
    message: commit.message,
    commitTime: new Date(commit.commitTime).toISOString(),
    authorTime: new Date(commit.authorTime).toISOString(),
    allProperties:
      properties.length === 0
        ? undefined
        : Object.fromEntries(properties.map(([name, value]) => [name, value.split(VALUES)])),
    parentCommitHashes: commit.parents,
  };
}

/** What a client says of the commit that it asks for. Older ones give one author and one value to a property. */
export function newCommitFromJson(node: JsonNode): {
  readonly message: string;
  readonly authors: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
} {
  const author = node.optional("author")?.string();
  const authors = node
    .optional("authors")
    ?.array()
    .map((name) => name.string());
  const single = node.optional("properties")?.stringMap() ?? {};
  const all = node.optional("allProperties")?.entries() ?? [];
  return {
    message: node.optional("message")?.string() ?? "",
    authors: (authors ?? (author === undefined ? [] : [author])).filter((name) => name !== ""),
    properties: { ...single, ...Object.fromEntries(all.map(([name, values]) => [name, joined(values)])) },
  };
}

function joined(values: JsonNode): string {
  return values
    .array()
    .map((value) => value.string())
    .join(VALUES);
}

/** An entry of a log. Operations on contents that this catalog knows nothing of are left out. */
export function commitFromJson(entry: JsonNode): LoggedCommit {
  const meta = entry.get("commitMeta");
  const { message, authors, properties } = newCommitFromJson(meta);
  const parents = meta
    .optional("parentCommitHashes")
    ?.array()
    .map((hash) => hash.string());
  const operations = entry.optional("operations")?.array() ?? [];
  return {
    hash: meta.get("hash").string(),
    message,
    authors,
    properties,
    committer: meta.optional("committer")?.string() ?? "",
    commitTime: Date.parse(meta.get("commitTime").string()),
    authorTime: Date.parse((meta.optional("authorTime") ?? meta.get("commitTime")).string()),
    parents: parents ?? [entry.get("parentCommitHash").string()],
    operations: operations.flatMap(operationFromJson),
  };
}

function operationFromJson(node: JsonNode): CommittedOperation[] {
  const key = keyFromJson(node.get("key"));
  if (node.get("type").string() === "DELETE") return [{ type: "DELETE", key }];
  const content = node.get("content");
  return isKnown(content) ? [{ type: "PUT", key, content: contentFromJson(content) }] : [];
}

/** True for a content of one of the types that this catalog keeps. */
export function isKnown(content: JsonNode): boolean {
  return ["NAMESPACE", "ICEBERG_TABLE", "ICEBERG_VIEW"].includes(content.get("type").string());
}

export function conflictToJson({ type, key, message }: Conflict): JsonInput {
  return { conflictType: type, key: key === undefined ? null : keyToJson(key), message };
}

export function conflictFromJson(node: JsonNode): Conflict {
  const key = node.optional("key");
  return {
    // One that is newer than this client is a conflict over the key all the same.
    type: (node.optional("conflictType")?.string() ?? "KEY_CONFLICT") as ConflictType,
    key: key && keyFromJson(key),
    message: node.optional("message")?.string() ?? "",
  };
}
