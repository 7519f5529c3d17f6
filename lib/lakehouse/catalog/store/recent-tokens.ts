import type { Hash } from "../model/hash.js";
import { ancestorAt, type Commit, getCommit, history } from "./commits.js";
import type { ObjectCache } from "./object-cache.js";

/** How far back a token is looked for, in commits. */
const HORIZON = 1000;

/** How many commits are known at a time, of all branches together. */
const CAPACITY = 8 * HORIZON;

/**
 * Finds recent commits by their tokens. What was read of a history once is remembered, so that the next look at it
 * reads only what came since.
 */
export class RecentTokens {
  readonly #objects: ObjectCache;
  /** By commit, in the order in which they were read. */
  readonly #tokens = new Map<Hash, string>();
  /** Several of one token where branches have such each, or one was set back and went another way. */
  readonly #commits = new Map<string, Set<Hash>>();

  constructor(objects: ObjectCache) {
    this.#objects = objects;
  }

  /** The commit with that token among the last thousand before `head`. */
  async find(head: Commit, token: string): Promise<Commit | undefined> {
    await this.#read(head);
    for (const hash of this.#commits.get(token) ?? []) {
      const commit = await getCommit(this.#objects, hash);
      if (head.depth - commit.depth >= HORIZON) continue;
      if ((await ancestorAt(this.#objects, head, commit.depth)).hash === hash) return commit;
    }
    return undefined;
  }

  async #read(head: Commit): Promise<void> {
    const found: Commit[] = [];
    for await (const commit of history(this.#objects, head)) {
      if (this.#tokens.has(commit.hash) || head.depth - commit.depth >= HORIZON) break;
      found.push(commit);
    }
    // Oldest first: of a history, the oldest are forgotten first.
    for (const { hash, token } of found.reverse()) {
      this.#tokens.set(hash, token);
      const hashes = this.#commits.get(token) ?? new Set();
      this.#commits.set(token, hashes.add(hash));
    }
    for (const [hash, token] of this.#tokens) {
      if (this.#tokens.size <= CAPACITY) break;
      this.#tokens.delete(hash);
      const hashes = this.#commits.get(token);
      hashes?.delete(hash);
      if (hashes?.size === 0) this.#commits.delete(token);
    }
  }
}
