import { randomUUID } from "node:crypto";
import { type JsonNode, readTableMetadata, readViewMetadata } from "../../../iceberg/index.js";
import { type Conflict, conflictOf, refusedCommit } from "../../model/conflicts.js";
import { type Content, type ContentId, type ContentKey, encodeKey, keyName } from "../../model/content.js";
import type { Operation } from "../../model/operations.js";
import { checkPropertySize } from "../../model/property-limits.js";
import { contentFromJson, newCommitFromJson, referenceToJson } from "../../wire/nessie/json.js";
import { keyFromJson, keyToJson } from "../../wire/nessie/keys.js";
import { checkLocation, checkMetadata, checkProperties } from "../http/locations.js";
import {
  bodyOf,
  contentsAt,
  expectedRef,
  type NessieCall,
  type NessieOperation,
  requireExpected,
} from "./call.js";
import { badRequest } from "./nessie-fault.js";

export const commitOperation: NessieOperation = {
  endpoint: "POST /trees/{ref}/history/commit",
  async run(call) {
    const ref = await expectedRef(call, true);
    const readAt = requireExpected(ref);
    const { type } = await call.versions.reference(ref.name);
    if (type !== "BRANCH") throw badRequest("Reference to commit into must be a branch.");
    const body = bodyOf(call);
    const meta = newCommitFromJson(body.get("commitMeta"));
    const nodes = body.get("operations").array();
    if (nodes.length === 0) throw badRequest("The commit needs operations.");
    const keys = nodes.map((node) => keyFromJson(node.get("key")));
    const found = await contentsAt(call, readAt, keys);
    const before = new Map(keys.map((key, i) => [encodeKey(key), found[i]]));
    const { operations, added } = toOperations(ref.name, nodes, before);
    for (const operation of operations) await checkFiles(call, operation);
    const [author, ...coAuthors] = meta.authors;
    const { hash } = await call.versions.commit(ref.name, operations, {
      message: meta.message,
      author,
      coAuthors,
      properties: meta.properties,
      expectedHash: readAt.hash,
    });
    return {
      targetBranch: referenceToJson({ type, name: ref.name, hash }),
      addedContents:
        added.length === 0 ? null : added.map(({ key, id }) => ({ key: keyToJson(key), contentId: id })),
    };
  },
};

/**
 * What the operations come to, against the contents that the client knew: a content without id is new, one with an
 * id follows the one that was there, or moves from a key that the same commit deletes.
 */
function toOperations(
  branch: string,
  nodes: readonly JsonNode[],
  before: ReadonlyMap<string, Content | undefined>,
): { operations: Operation[]; added: { key: ContentKey; id: ContentId }[] } {
  const conflicts: Conflict[] = [];
  const added: { key: ContentKey; id: ContentId }[] = [];
  const deleted = new Map<string, Content>();
  const put = new Set<string>();
  for (const node of nodes) {
    const key = encodeKey(keyFromJson(node.get("key")));
    const content = before.get(key);
    const type = node.get("type").string();
    if (type === "DELETE" && content !== undefined) deleted.set(key, content);
    if (type === "PUT") put.add(key);
  }
  const moving = new Set([...deleted.values()].map(({ id }) => id));
  const operations = nodes.flatMap((node): Operation[] => {
    const key = keyFromJson(node.get("key"));
    const current = before.get(encodeKey(key));
    const type = node.get("type").string();
    if (type === "UNCHANGED") return [{ type, key, expected: current ?? null }];
    if (type === "DELETE") {
      if (current === undefined) {
        conflicts.push({ type: "KEY_DOES_NOT_EXIST", key, message: `${keyName(key)} does not exist` });
        return [];
      }
      // What is put in its place says what is expected of the key.
      return put.has(encodeKey(key)) ? [] : [{ type, key, expected: current }];
    }
    if (type !== "PUT") return node.get("type").fail("should be PUT, DELETE or UNCHANGED");
    const id = node.get("content").optional("id")?.string();
    const content = contentFromJson(node.get("content"), id ?? randomUUID());
    if (id === undefined) added.push({ key, id: content.id });
    const isReplaced = deleted.has(encodeKey(key));
    if (id === undefined || moving.has(id)) {
      return [{ type, key, content, expected: isReplaced ? (current ?? null) : null }];
    }
    const conflict =
      current?.id === id && current.type === content.type ? undefined : conflictOf(key, content, current);
    if (conflict !== undefined) conflicts.push(conflict);
    return [{ type, key, content, expected: current }];
  });
  if (conflicts.length === 0) return { operations, added };
  throw refusedCommit(branch, conflicts);
}

/** Tables and views that a client commits are read as those that it registers: nothing may lead out of the warehouse. */
async function checkFiles({ context }: NessieCall, operation: Operation): Promise<void> {
  if (operation.type !== "PUT") return;
  if (operation.content.type === "NAMESPACE") {
    checkPropertySize("namespace", keyName(operation.key), operation.content.properties);
    return;
  }
  const { type, metadataLocation } = operation.content;
  checkLocation(context, metadataLocation);
  if (type === "ICEBERG_TABLE") {
    checkMetadata(context, await readTableMetadata(context.store, metadataLocation));
  } else {
    const { location, properties } = await readViewMetadata(context.store, metadataLocation);
    checkLocation(context, location);
    checkProperties(context, properties);
  }
}
