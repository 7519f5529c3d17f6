import { type Content, fromText, toText } from "../model/content.js";
import type { CommitObject } from "./commits.js";
import type { MapNode } from "./sorted-map.js";

/** Metadata files that a relocation has written anew: the location in a commit or tree, and the one that holds now. */
export type ReplacedLocations = ReadonlyMap<string, string>;

/**
 * A decoded object with the locations that hold now. Commits and trees are immutable and keep their hashes, so what a
 * relocation changes is changed where they are decoded, once, and all above sees one location for one file. What is
 * edited afterwards is encoded with the new ones.
 */
export function withReplacedLocations(object: unknown, replaced: ReplacedLocations): unknown {
  if (replaced.size === 0) return object;
  const { kind, level } = object as { kind?: string | undefined; level?: number | undefined };
  if (kind === "commit") {
    const commit = object as CommitObject;
    const operations = commit.operations.map((operation) =>
      operation.type === "PUT"
        ? { ...operation, content: withReplacedLocation(operation.content, replaced) }
        : operation,
    );
    return { ...commit, operations };
  }
  if (level === 0) {
    const node = object as MapNode;
    const values = node.values.map((text) => {
      const content = fromText(text);
      const current = withReplacedLocation(content, replaced);
      return current === content ? text : toText(current);
    });
    return { ...node, values };
  }
  return object;
}

function withReplacedLocation(content: Content, replaced: ReplacedLocations): Content {
  if (content.type === "NAMESPACE") return content;
  const metadataLocation = replaced.get(content.metadataLocation);
  return metadataLocation === undefined ? content : { ...content, metadataLocation };
}
