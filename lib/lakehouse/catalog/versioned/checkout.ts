import { type ErrorKind, invalidArgument, type LakehouseError } from "../../errors.js";
import { noSuchTable, type OrphanOptions, type OrphanReport } from "../../iceberg/index.js";
import { namespaceExists, noSuchNamespace, noSuchView, tableExists, viewExists } from "../errors.js";
import { type Content, type ContentKey, type IcebergTableContent, keyName } from "../model/content.js";
import type { GarbageReport, GcOptions } from "../model/garbage.js";
import type { Operation } from "../model/operations.js";
import { parseReferenceExpression } from "../model/reference-expression.js";
import { nearest } from "../model/suggestions.js";
import type { InTurn } from "../model/turns.js";
import type { CommitOptions, Place, Versions } from "../model/versions.js";
import type { MetadataCache } from "./metadata-cache.js";
import type { Files } from "./recorded.js";

/** What all checkouts of one catalog share. */
export interface Shared extends Files {
  readonly versions: Versions;
  /** URI without a trailing slash. */
  readonly warehouse: string;
  readonly defaultBranch: string;
  readonly metadata: MetadataCache;
  /** By the branch and key of a table. */
  readonly inTurn: InTurn;
  /** Throws `LAKE_MOVED` where the files may be another catalog's as well: before they are deleted. */
  readonly checkOwner: () => void;
  readonly collectGarbage: (options: GcOptions) => Promise<GarbageReport>;
  /** For who keeps the whole catalog, and so knows what leads to a file. */
  readonly removeOrphans?: (table: IcebergTableContent, options: OrphanOptions) => Promise<OrphanReport>;
}

/** How many names are compared to find the one that was meant. */
const CANDIDATES = 1000;

/** A catalog seen from one ref: what the operations on namespaces and tables read and write through. */
export class Checkout {
  readonly shared: Shared;
  readonly ref: string;
  /** Names the change that is made through this checkout: sent twice, it is made once. */
  readonly token: string | undefined;

  constructor(shared: Shared, ref: string, token?: string) {
    this.shared = shared;
    this.ref = ref;
    this.token = token;
  }

  /** The commit where the ref is now. */
  async head(): Promise<Place> {
    return (await this.shared.versions.resolve(this.ref)).commit;
  }

  async content(key: ContentKey): Promise<Content | undefined> {
    return this.shared.versions.content(await this.head(), key);
  }

  /** Commits to the branch. Throws `INVALID_ARGUMENT` where an older commit or a tag is checked out. */
  async commit(operations: readonly Operation[], options: CommitOptions): Promise<Place> {
    const { token = this.token } = options;
    return this.shared.versions.commit(this.branch(), operations, { ...options, token });
  }

  /**
   * Makes a change, unless the log shows by its token that it was made before: then `again` tells from that commit
   * what was answered.
   */
  async once<T>(
    change: () => Promise<T>,
    again: (made: Place) => Promise<T>,
    token: string | undefined = this.token,
  ): Promise<T> {
    if (token === undefined) return change();
    const made = await this.shared.versions.findToken(await this.head(), token);
    return made === undefined ? change() : again(made);
  }

  /** What a key held before a commit. */
  async contentBefore(made: Place, key: ContentKey): Promise<Content | undefined> {
    const { versions } = this.shared;
    const [parent] = (await versions.commitAt(made.hash)).parents;
    return parent === undefined ? undefined : versions.content(await versions.commitAt(parent), key);
  }

  /** The branch that is checked out, to be written. */
  branch(): string {
    const { name, hash, steps } = parseReferenceExpression(this.ref);
    if (name !== undefined && hash === undefined && steps.length === 0) return name;
    throw invalidArgument(
      this.ref,
      `${this.ref} is an older commit, and only read.`,
      "Create a branch from it, and write there.",
    );
  }

  /** The names directly in a namespace, of the given types. */
  async names(head: Place, namespace: ContentKey, types: readonly Content["type"][]): Promise<string[]> {
    const names: string[] = [];
    const children = this.shared.versions.children(head, namespace);
    for await (const { key, content } of children) {
      if (types.includes(content.type)) names.push(key[key.length - 1] as string);
      if (names.length === CANDIDATES) break;
    }
    return names;
  }

  async noSuchNamespace(key: ContentKey, head: Place): Promise<LakehouseError> {
    const parent = key.slice(0, -1);
    const siblings = await this.names(head, parent, ["NAMESPACE"]);
    return noSuchNamespace(
      keyName(key),
      `There is no namespace ${keyName(key)} on ${this.ref}.`,
      `${nearest(
        keyName(key),
        siblings.map((name) => keyName([...parent, name])),
      )} CREATE SCHEMA ${keyName(key)}, or createNamespace, makes it.`,
    );
  }

  noSuchTable(key: ContentKey, head: Place): Promise<LakehouseError> {
    return this.#missing(key, head, { kind: noSuchTable, noun: "table", type: "ICEBERG_TABLE" });
  }

  noSuchView(key: ContentKey, head: Place): Promise<LakehouseError> {
    return this.#missing(key, head, { kind: noSuchView, noun: "view", type: "ICEBERG_VIEW" });
  }

  async #missing(
    key: ContentKey,
    head: Place,
    { kind, noun, type }: { kind: ErrorKind; noun: string; type: Content["type"] },
  ): Promise<LakehouseError> {
    const error = (remedy: string) =>
      kind(keyName(key), `There is no ${noun} ${keyName(key)} on ${this.ref}.`, remedy);
    const namespace = key.slice(0, -1);
    if (namespace.length === 0) {
      const [first = "flights"] = await this.names(head, [], ["NAMESPACE"]);
      return error(`Its name has a namespace, as in ${keyName([first, ...key])}.`);
    }
    const parent = await this.shared.versions.content(head, namespace);
    if (parent?.type !== "NAMESPACE") {
      return error((await this.noSuchNamespace(namespace, head)).message);
    }
    const siblings = await this.names(head, namespace, [type]);
    if (siblings.length === 0) return error(`There are none in ${keyName(namespace)}.`);
    return error(
      nearest(
        keyName(key),
        siblings.map((name) => keyName([...namespace, name])),
      ),
    );
  }

  /** A name that is taken, by whatever it is taken. */
  taken(key: ContentKey, by: Content): LakehouseError {
    const [kind, noun] = {
      NAMESPACE: [namespaceExists, "namespace"] as const,
      ICEBERG_TABLE: [tableExists, "table"] as const,
      ICEBERG_VIEW: [viewExists, "view"] as const,
    }[by.type];
    return kind(
      keyName(key),
      `There is a ${noun} ${keyName(key)} on ${this.ref} already.`,
      "Choose another name, or work with the one that is there.",
    );
  }
}
