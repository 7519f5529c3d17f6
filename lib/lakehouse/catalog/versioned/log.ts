import { type Commit, getCommit, history } from "./commits.js";
import { type ContentId, type ContentKey, encodeKey, keyPrefix } from "./content.js";
import type { Hash } from "./hash.js";
import type { ObjectCache } from "./object-cache.js";

/** Which commits of a log to show. All that is given must hold. */
export interface LogFilter {
  /** One of the authors. */
  readonly author?: string;
  readonly committer?: string;
  /** Part of the message, upper and lower case alike. */
  readonly message?: string;
  /** Committed at this time or later. */
  readonly since?: Date;
  /** Committed at this time or earlier. */
  readonly until?: Date;
  /** Changed this key or, where it is a namespace, something in it. */
  readonly key?: ContentKey;
  /** Changed this object, whatever it was called then. */
  readonly contentId?: ContentId;
  /** Has all these properties. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly matches?: (commit: Commit) => boolean;
}

export interface LogOptions extends LogFilter {
  /** How many to return at most. 100 where not given. */
  readonly limit?: number;
  /** Of the page before. */
  readonly pageToken?: string;
  /** The last commit to look at, as a hash. */
  readonly stopAt?: Hash;
}

/** A part of a longer list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; absent on the last. */
  readonly nextPageToken?: string;
}

/** The log of a commit, newest first, along first parents: a merge shows as the one commit that it is. */
export async function readLog(
  objects: ObjectCache,
  head: Commit,
  options: LogOptions = {},
): Promise<Page<Commit>> {
  const { limit = 100, pageToken, stopAt, since } = options;
  const start = pageToken === undefined ? head : await getCommit(objects, pageToken);
  const items: Commit[] = [];
  for await (const commit of history(objects, start)) {
    if (items.length === limit) return { items, nextPageToken: commit.hash };
    // Commit times never decrease along the history, so that nothing older can follow.
    if (since !== undefined && commit.commitTime < since.getTime()) break;
    if (selects(options, commit)) items.push(commit);
    if (commit.hash === stopAt) break;
  }
  return { items };
}

function selects(filter: LogFilter, commit: Commit): boolean {
  const { author, committer, message, until, key, contentId, properties, matches } = filter;
  return (
    (author === undefined || commit.authors.includes(author)) &&
    (committer === undefined || commit.committer === committer) &&
    (message === undefined || commit.message.toLowerCase().includes(message.toLowerCase())) &&
    (until === undefined || commit.commitTime <= until.getTime()) &&
    (key === undefined || touches(commit, key)) &&
    (contentId === undefined || changes(commit, contentId)) &&
    Object.entries(properties ?? {}).every(([name, value]) => commit.properties[name] === value) &&
    (matches?.(commit) ?? true)
  );
}

function touches(commit: Commit, key: ContentKey): boolean {
  const [exact, prefix] = [encodeKey(key), keyPrefix(key)];
  return commit.operations.some((operation) => {
    const changed = encodeKey(operation.key);
    return changed === exact || changed.startsWith(prefix);
  });
}

function changes(commit: Commit, id: ContentId): boolean {
  return commit.operations.some((operation) => operation.type === "PUT" && operation.content.id === id);
}
