import { type LoggedCommit, latestOf } from "./commits.js";
import { type ContentId, type ContentKey, encodeKey, keyPrefix } from "./content.js";
import type { Hash } from "./hash.js";
import type { Page } from "./paging.js";

/** Which commits of a log to show. All that is given must hold. */
export interface LogFilter {
  /** One of the authors. */
  readonly author?: string | undefined;
  readonly committer?: string | undefined;
  /** Part of the message, upper and lower case alike. */
  readonly message?: string | undefined;
  /** Committed at this time or later. */
  readonly since?: Date | undefined;
  /** Committed at this time or earlier. */
  readonly until?: Date | undefined;
  /** Changed this key or, where it is a namespace, something in it. */
  readonly key?: ContentKey | undefined;
  /** Changed this object, whatever it was called then. */
  readonly contentId?: ContentId | undefined;
  /** Has all these properties. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  readonly matches?: ((commit: LoggedCommit) => boolean) | undefined;
}

export interface LogOptions extends LogFilter {
  /** How many to return at most. 100 where not given. */
  readonly limit?: number | undefined;
  /** Of the page before: the hash of the commit to go on with. */
  readonly pageToken?: string | undefined;
  /** The last commit to look at, as a hash. */
  readonly stopAt?: Hash | undefined;
}

/** One page of a history, newest first. Where the page before ended is for the caller to start from. */
export async function readLog<C extends LoggedCommit>(
  history: AsyncIterable<C>,
  options: LogOptions = {},
): Promise<Page<C>> {
  const { limit = 100, stopAt, since } = options;
  const items: C[] = [];
  for await (const commit of history) {
    if (items.length === limit) return { items, nextPageToken: commit.hash };
    if (since !== undefined && latestOf(commit) < since.getTime()) break;
    if (selects(options, commit)) items.push(commit);
    if (commit.hash === stopAt) break;
  }
  return { items };
}

function selects(filter: LogFilter, commit: LoggedCommit): boolean {
  const { author, committer, message, since, until, key, contentId, properties, matches } = filter;
  return (
    (author === undefined || commit.authors.includes(author)) &&
    (committer === undefined || commit.committer === committer) &&
    (message === undefined || commit.message.toLowerCase().includes(message.toLowerCase())) &&
    (since === undefined || commit.commitTime >= since.getTime()) &&
    (until === undefined || commit.commitTime <= until.getTime()) &&
    (key === undefined || touches(commit, key)) &&
    (contentId === undefined || changes(commit, contentId)) &&
    Object.entries(properties ?? {}).every(([name, value]) => commit.properties[name] === value) &&
    (matches?.(commit) ?? true)
  );
}

function touches(commit: LoggedCommit, key: ContentKey): boolean {
  const [exact, prefix] = [encodeKey(key), keyPrefix(key)];
  return commit.operations.some((operation) => {
    const changed = encodeKey(operation.key);
    return changed === exact || changed.startsWith(prefix);
  });
}

function changes(commit: LoggedCommit, id: ContentId): boolean {
  return commit.operations.some((operation) => operation.type === "PUT" && operation.content.id === id);
}
