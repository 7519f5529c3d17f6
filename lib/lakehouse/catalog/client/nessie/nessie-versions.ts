import { isLakehouseError, type LakehouseError, unsupported } from "../../../errors.js";
import type { JsonNode } from "../../../iceberg/index.js";
import type { LoggedCommit } from "../../model/commits.js";
import type { Entry } from "../../model/content.js";
import { type Content, type ContentKey, encodeKey, keyPrefix } from "../../model/content.js";
import type { Hash } from "../../model/hash.js";
import { type LogOptions, readLog } from "../../model/log.js";
import type { CombineOptions, MergeOptions, MergeResult } from "../../model/merging.js";
import type { Operation } from "../../model/operations.js";
import type { Page } from "../../model/paging.js";
import { parseReferenceExpression } from "../../model/reference-expression.js";
import type { Reference, ReferenceType, ReflogEntry, RefWriteOptions } from "../../model/references.js";
import type { CommitOptions, DiffEntry, Place, ResolvedPlace, Versions } from "../../model/versions.js";
import { commitFromJson, contentFromJson, isKnown, referenceFromJson } from "../../wire/nessie/json.js";
import { keyFromJson, keyToJson, keyToPath } from "../../wire/nessie/keys.js";
import type { Query } from "../http/transport.js";
import { commitOperations, findToken } from "./commit.js";
import { mergeInto, transplantInto } from "./merge.js";
import { revertIn } from "./revert.js";
import { refPath, type Trees } from "./trees.js";

/** How far back a part of a hash is looked for, in commits of each branch and tag. */
const ABBREVIATED_IN = 1000;

/** What the changes of a Nessie client share. */
export interface NessieContext {
  readonly trees: Trees;
  /** Author where a call does not say. */
  readonly author: string;
  /** The hash of no commit. */
  readonly beginning: Hash;
}

/**
 * The versions of a Nessie server, over its API v2. Everything is asked of the server when it is needed; places are
 * hashes, so that what was read together belongs together.
 */
export class NessieVersions implements Versions {
  readonly #context: NessieContext;
  readonly #trees: Trees;

  constructor(context: NessieContext) {
    this.#context = context;
    this.#trees = context.trees;
  }

  // References

  async reference(name: string): Promise<Reference> {
    return referenceFromJson((await this.#trees.get(refPath(name), name)).get("reference"));
  }

  async references(): Promise<readonly Reference[]> {
    const references: Reference[] = [];
    for await (const node of this.#trees.all("", "references", "references"))
      references.push(referenceFromJson(node));
    return references.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async createReference(type: ReferenceType, name: string, at: Hash): Promise<Reference> {
    const answer = await this.#trees.change("POST", "", name, { type: "DETACHED", hash: at }, { name, type });
    return referenceFromJson(answer.get("reference"));
  }

  async assignReference(name: string, to: Hash, { expectedHash }: RefWriteOptions = {}): Promise<Reference> {
    const at = expectedHash ?? (await this.reference(name)).hash;
    const path = refPath(`${name}@${at}`);
    const answer = await this.#trees.change("PUT", path, name, { type: "DETACHED", hash: to });
    return referenceFromJson(answer.get("reference"));
  }

  async deleteReference(name: string, { expectedHash }: RefWriteOptions = {}): Promise<Reference> {
    const at = expectedHash ?? (await this.reference(name)).hash;
    const answer = await this.#trees.change("DELETE", refPath(`${name}@${at}`), name);
    return referenceFromJson(answer.get("reference"));
  }

  // biome-ignore lint/correctness/useYield: there is nothing to yield
  async *reflog(name: string): AsyncGenerator<ReflogEntry> {
    throw notOffered(name, "Nessie's API tells where a reference was, and not what moved it.");
  }

  /** Nessie takes whole hashes only: a part of one is looked up in the logs, as the embedded catalog does. */
  async resolve(expression: string): Promise<ResolvedPlace> {
    try {
      return await this.#resolve(expression);
    } catch (error) {
      const whole = isLakehouseError(error) ? await this.#withWholeHash(expression) : undefined;
      if (whole === undefined) throw error;
      return this.#resolve(whole);
    }
  }

  async #withWholeHash(expression: string): Promise<string | undefined> {
    const { name, hash } = parseReferenceExpression(expression);
    if (hash === undefined || hash.length === 64) return undefined;
    const found = new Set<Hash>();
    for (const reference of name === undefined ? await this.references() : [await this.reference(name)]) {
      let looked = 0;
      for await (const commit of this.#history(reference.hash, 250)) {
        if (commit.hash.startsWith(hash)) found.add(commit.hash);
        if (++looked === ABBREVIATED_IN) break;
      }
    }
    const [whole, ...others] = found;
    return others.length > 0 || whole === undefined
      ? undefined
      : expression.replace(/@[0-9a-f]+/i, `@${whole}`);
  }

  async #resolve(expression: string): Promise<ResolvedPlace> {
    if (/^[^@~^*]+$/.test(expression)) {
      const reference = await this.reference(expression);
      return { reference, commit: { hash: reference.hash } };
    }
    const path = `${refPath(expression)}/entries`;
    const node = (await this.#trees.get(path, expression, { "max-records": "1" })).get("effectiveReference");
    const commit = { hash: node.get("hash").string() };
    if (node.get("type").string() === "DETACHED") return { reference: undefined, commit };
    return { reference: referenceFromJson(node), commit };
  }

  // Reading

  async commitAt(hash: Hash): Promise<LoggedCommit> {
    for await (const commit of this.#history(hash, 1)) return commit;
    const none = { message: "", authors: [], committer: "", authorTime: 0, commitTime: 0, properties: {} };
    return { hash, parents: [], operations: [], ...none };
  }

  async content({ hash }: Place, key: ContentKey): Promise<Content | undefined> {
    encodeKey(key);
    return (await this.#contents(hash, [key]))[0];
  }

  async *entries(place: Place, namespace: ContentKey = [], after?: ContentKey): AsyncGenerator<Entry> {
    yield* this.#entries(place, namespace, after ?? namespace);
  }

  async *children(place: Place, namespace: ContentKey, after?: string): AsyncGenerator<Entry> {
    const start = after === undefined ? namespace : [...namespace, after];
    const query = { filter: `size(entry.keyElements) == ${namespace.length + 1}` };
    yield* this.#entries(place, namespace, start, query);
  }

  log({ hash }: Place, options: LogOptions = {}): Promise<Page<LoggedCommit>> {
    return readLog(this.#history(options.pageToken ?? hash, options.limit ?? 100), options);
  }

  async *diff(from: Place, to: Place): AsyncGenerator<DiffEntry> {
    const path = `${refPath(`@${from.hash}`)}/diff${refPath(`@${to.hash}`)}`;
    for await (const node of this.#trees.all(path, "the difference", "diffs")) {
      const [left, right] = [known(node.optional("from")), known(node.optional("to"))];
      if (left !== undefined || right !== undefined) {
        yield { key: keyFromJson(node.get("key")), from: left, to: right };
      }
    }
  }

  /** Nessie knows no such question: a merge of an ancestor is one that has nothing to do. */
  async contains(commit: Place, ancestor: Place): Promise<boolean> {
    if (ancestor.hash === this.#context.beginning || ancestor.hash === commit.hash) return true;
    for await (const { hash, parents } of this.#history(commit.hash, 250)) {
      if (hash === ancestor.hash || parents.includes(ancestor.hash)) return true;
    }
    return false;
  }

  // Writing

  commit(branch: string, operations: readonly Operation[], options: CommitOptions): Promise<Place> {
    const contents = (hash: Hash, keys: readonly ContentKey[]) => this.#contents(hash, keys);
    return commitOperations(this.#context, this, contents, branch, operations, options);
  }

  findToken({ hash }: Place, token: string): Promise<Place | undefined> {
    return findToken(this.#history(hash, 100), token);
  }

  merge(
    branch: string,
    { commit, name }: { readonly commit: Place; readonly name: string },
    options?: MergeOptions,
  ): Promise<MergeResult> {
    return mergeInto(this.#context, this, branch, { hash: commit.hash, name }, options);
  }

  transplant(branch: string, commits: readonly Place[], options?: CombineOptions): Promise<MergeResult> {
    return transplantInto(this.#context, this, branch, commits, options);
  }

  revert(branch: string, commits: readonly Place[], options?: CombineOptions): Promise<MergeResult> {
    return revertIn(this, branch, commits, options);
  }

  async close(): Promise<void> {
    this.#trees.close();
  }

  async *#entries(
    { hash }: Place,
    namespace: ContentKey,
    start: ContentKey,
    filter: Query = {},
  ): AsyncGenerator<Entry> {
    const path = `${refPath(`@${hash}`)}/entries`;
    const prefix = keyPrefix(namespace);
    const first = start.length === 0 ? "" : encodeKey(start);
    const query = {
      content: "true",
      ...filter,
      "min-key": start.length === 0 ? undefined : keyToPath(start),
    };
    for await (const node of this.#trees.all(path, keyToPath(namespace), "entries", query)) {
      const key = keyFromJson(node.get("name"));
      const encoded = encodeKey(key);
      // The server gives the first key too, and goes on behind the namespace.
      if (encoded === first) continue;
      if (!encoded.startsWith(prefix)) return;
      const content = known(node.get("content"));
      if (content !== undefined) yield { key, content };
    }
  }

  async *#history(hash: Hash, pageSize: number): AsyncGenerator<LoggedCommit> {
    const query = { fetch: "ALL", "max-records": String(Math.min(pageSize, 250)) };
    const path = `${refPath(`@${hash}`)}/history`;
    for await (const node of this.#trees.all(path, hash, "logEntries", query)) yield commitFromJson(node);
  }

  async #contents(hash: Hash, keys: readonly ContentKey[]): Promise<(Content | undefined)[]> {
    const subject = keys.map(keyToPath).join(", ");
    const body = { requestedKeys: keys.map(keyToJson) };
    const answer = await this.#trees.ask(`${refPath(`@${hash}`)}/contents`, subject, body);
    const found = new Map(
      answer
        .get("contents")
        .array()
        .map((node) => [encodeKey(keyFromJson(node.get("key"))), known(node.get("content"))]),
    );
    return keys.map((key) => found.get(encodeKey(key)));
  }
}

/** A content of a type that this library keeps; of others it knows nothing. */
function known(node: JsonNode | undefined): Content | undefined {
  return node !== undefined && isKnown(node) ? contentFromJson(node) : undefined;
}

/** What a Nessie server keeps no record of, or does by itself. */
export function notOffered(subject: string, message: string): LakehouseError {
  return unsupported(subject, message);
}
