import type { LoggedCommit } from "../../model/commits.js";
import type { ContentKey } from "../../model/content.js";
import type { Reference } from "../../model/references.js";
import { type CelValue, compileFilter } from "./cel.js";

/** A filter on `T`; one that is not given lets everything through. */
export type Filter<T> = (item: T) => boolean;

function filterOf<T>(
  expression: string | undefined,
  variables: readonly string[],
  bind: (item: T) => Readonly<Record<string, CelValue>>,
): Filter<T> | undefined {
  if (expression === undefined || expression.trim() === "") return undefined;
  const holds = compileFilter(expression, variables);
  return (item) => holds(bind(item));
}

/** `commit` and `operations` (Nessie API v2, `history`). */
export function commitFilter(expression: string | undefined): Filter<LoggedCommit> | undefined {
  return filterOf(expression, ["commit", "operations"], (commit) => ({
    commit: commitValue(commit),
    operations: commit.operations.map((operation) => ({
      type: operation.type,
      ...keyValue(operation.key),
      content: operation.type === "PUT" ? { type: operation.content.type, id: operation.content.id } : null,
    })),
  }));
}

/** `entry` (Nessie API v2, `entries`). */
export function entryFilter(
  expression: string | undefined,
): Filter<{ readonly key: ContentKey; readonly type: string; readonly id: string }> | undefined {
  return filterOf(expression, ["entry"], ({ key, type, id }) => ({
    entry: { ...keyValue(key), contentType: type, contentId: id },
  }));
}

/** `key` (Nessie API v2, `diff`). */
export function keyFilter(expression: string | undefined): Filter<ContentKey> | undefined {
  return filterOf(expression, ["key"], (key) => ({ key: keyValue(key) }));
}

/** `ref`, `refType`, and with all details `commit` and `refMeta` (Nessie API v2, `trees`). */
export function referenceFilter(
  expression: string | undefined,
): Filter<{ readonly reference: Reference; readonly head: LoggedCommit }> | undefined {
  return filterOf(expression, ["ref", "refType", "refMeta", "commit"], ({ reference, head }) => ({
    ref: { name: reference.name, hash: reference.hash },
    refType: reference.type,
    refMeta: { commitMetaOfHEAD: commitValue(head) },
    commit: commitValue(head),
  }));
}

function keyValue(key: ContentKey): { readonly [member: string]: CelValue } {
  const namespace = key.slice(0, -1);
  return {
    key: key.join("."),
    // Clients compare it with a namespace that they encode so.
    encodedKey: key.map((element) => element.replaceAll(".", "\u001d")).join("."),
    keyElements: key,
    name: key[key.length - 1] as string,
    namespace: namespace.join("."),
    namespaceElements: namespace,
  };
}

function commitValue(commit: LoggedCommit): CelValue {
  const { hash, message, authors, committer, properties } = commit;
  return {
    hash,
    message,
    author: authors[0] ?? "",
    allAuthors: authors,
    committer,
    commitTime: new Date(commit.commitTime),
    authorTime: new Date(commit.authorTime),
    properties,
    allProperties: Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [name, value.split("\n")]),
    ),
    parentCommitHashes: commit.parents,
  };
}
