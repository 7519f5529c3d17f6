import { randomUUID } from "node:crypto";
import { type Abortable, unsupported } from "../../../errors.js";
import { checkObject } from "../../../options.js";
import type { ObjectStore } from "../../../storage/index.js";
import { snapshotByRef } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { MAIN_BRANCH } from "../../model/metadata/parse.js";
import { invalidProperty, type TableProperty, textProperty } from "../../model/metadata/properties.js";
import type { SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import { type SnapshotChange, SnapshotProducer } from "../snapshot/producer.js";
import type { IsolationLevel, Since } from "../snapshot/validate.js";
import { validateWrittenSchema } from "../snapshot/written-schema.js";
import type { RowEngine } from "./row-engine.js";

/** What an operation works on: one version of a table. */
export interface TableState {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
  /** Reads rows back, for operations that keep a part of a file. */
  readonly engine?: RowEngine | undefined;
  /** Where this version is one in the middle of a transaction: where that began, and the snapshots that it has made. */
  readonly transaction?: { readonly start: TableMetadata; readonly own: ReadonlySet<SnapshotId> } | undefined;
}

export interface SnapshotOptions extends Abortable {
  /** The branch to commit to. Default `main`. It is made where it does not exist. */
  readonly branch?: string | undefined;
  /** More keys for the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined;
  /** Write-audit-publish: the snapshot is added under this `wap.id`, and no branch moves until it is cherry-picked. */
  readonly wapId?: string | undefined;
}

export interface OverwriteOptions extends SnapshotOptions {
  /** Default: the table property for the operation, such as `write.delete.isolation-level`; else `serializable`. */
  readonly isolation?: IsolationLevel | undefined;
  /** Commits after this snapshot are checked for conflicts. Default: the snapshot that the operation starts on. */
  readonly validateFrom?: SnapshotId | undefined;
  readonly caseSensitive?: boolean | undefined;
  /**
   * So often the whole operation is made again, on the table as it is then, when another commit is in its way. Default:
   * the table property `commit.retry.num-retries` where it is set, else 0; of a merge or upsert 12. Data that can be read only once (a generator, a stream) is never
   * asked for again.
   */
  readonly retry?: number | undefined;
}

/**
 * How rows leave a file. `copy-on-write`: the file is written again without them: slow to write, quick to read.
 * `merge-on-read`: a delete file or deletion vector is added that readers apply: the other way round.
 */
export type WriteMode = "copy-on-write" | "merge-on-read";

/** A snapshot to be committed, and the new files that are deleted when it is known not to be. */
export class FileChange implements PendingUpdate {
  readonly #store: ObjectStore;
  readonly #files: readonly DataFile[];
  readonly #producer: SnapshotProducer;
  readonly #stored: SnapshotChange["stored"];
  /** The table that rows were written for; a compaction's have come before. */
  readonly #writtenFor: TableMetadata | undefined;
  readonly #branch: string;

  constructor(state: TableState, change: SnapshotChange, options: SnapshotOptions) {
    checkObject("commitFiles", "files", change);
    checkObject("commitFiles", "options", options);
    const { branch, summary, wapId, signal } = options;
    this.#store = state.store;
    this.#stored = change.stored;
    this.#writtenFor =
      change.operation === "replace" || !change.addedDataFiles?.length ? undefined : state.metadata;
    this.#branch = readRef(state, options);
    this.#files = [...(change.addedDataFiles ?? []), ...(change.addedDeleteFiles ?? [])];
    this.#producer = new SnapshotProducer(state.store, state.metadata, {
      ...change,
      branch,
      signal,
      stage: wapId !== undefined,
      summary: { ...change.summary, ...summary, ...(wapId === undefined ? {} : { "wap.id": wapId }) },
    });
  }

  get snapshotId(): SnapshotId {
    return this.#producer.snapshotId;
  }

  async propose(base: TableMetadata): ReturnType<SnapshotProducer["propose"]> {
    if (this.#writtenFor === undefined) return this.#producer.propose(base);
    validateWrittenSchema(this.#writtenFor, base, this.#branch);
    const { requirements, ...proposal } = await this.#producer.propose(base);
    // A change of columns moves no branch: that there was one would not be noticed.
    const { currentSchemaId } = base;
    return {
      ...proposal,
      requirements: [...requirements, { type: "assert-current-schema-id", currentSchemaId }],
    };
  }

  /** Deletes what was written for the snapshot alone, not the files that it would have added. */
  settleMetadata(committed: TableMetadata | undefined): Promise<void> {
    return this.#producer.settle(committed);
  }

  async settle(committed: TableMetadata | undefined): Promise<void> {
    await this.#producer.settle(committed);
    const kept = committed?.snapshots.some((snapshot) => snapshot.snapshotId === this.snapshotId);
    if (kept) return;
    // Where a put failed, others may still be under way: what they leave is to go as well.
    await this.#stored?.().catch(() => {});
    await this.#store.delete([...new Set(this.#files.map((file) => file.filePath))]);
  }
}

/** The reference that a change of a branch reads: a branch that does not exist yet starts at the main one. */
export function readRef({ metadata }: TableState, options: SnapshotOptions): string {
  const branch = options.branch ?? MAIN_BRANCH;
  return Object.hasOwn(metadata.refs, branch) ? branch : MAIN_BRANCH;
}

/** What an operation that began on `state` has to be checked against, for each version that it is put on. */
export function sinceOf(
  state: TableState,
  options: OverwriteOptions,
): (base: Since["base"], parent: Since["parent"]) => Since {
  const start = options.validateFrom ?? startOf(state, readRef(state, options));
  const own = state.transaction?.own;
  return (base, parent) => ({ store: state.store, base, parent, start, own });
}

/** The snapshot from which on other commits can be in conflict with an operation that begins now. */
function startOf({ metadata, transaction }: TableState, ref: string): SnapshotId | undefined {
  const start = transaction?.start ?? metadata;
  return Object.hasOwn(start.refs, ref) || ref === MAIN_BRANCH
    ? snapshotByRef(start, ref)?.snapshotId
    : start.currentSnapshotId;
}

/** What a row-level operation is called in the table's properties. */
export type RowCommand = "delete" | "update" | "merge";

export function isolationOf(
  metadata: TableMetadata,
  command: RowCommand,
  options: OverwriteOptions,
): IsolationLevel {
  if (options.isolation !== undefined) return options.isolation;
  const key = `write.${command}.isolation-level` as const;
  return oneOf<IsolationLevel>(metadata, key, ["serializable", "snapshot"]);
}

export function modeOf(metadata: TableMetadata, command: RowCommand, mode: WriteMode | undefined): WriteMode {
  const chosen =
    mode ?? oneOf<WriteMode>(metadata, `write.${command}.mode`, ["copy-on-write", "merge-on-read"]);
  if (chosen === "copy-on-write" || metadata.formatVersion > 1) return chosen;
  throw unsupported(
    metadata.location,
    "Tables of format version 1 have no delete files, so rows cannot be deleted merge-on-read.",
    "Upgrade the table to version 2 or 3, or use copy-on-write.",
  );
}

export function oneOf<T extends string>(
  metadata: TableMetadata,
  key: TableProperty,
  allowed: readonly T[],
): T {
  const text = textProperty(metadata, key).toLowerCase();
  const found = allowed.find((each) => each === text);
  if (found !== undefined) return found;
  throw invalidProperty(key, allowed.join(" or "), text);
}

/**
 * Files written by one operation, deleted together when a later step of it fails.
 *
 * @example
 * const written = new Written(store);
 * const change = await written.guard(async () => …written.keep(await writeDataFiles(…)));
 */
export class Written {
  readonly #store: ObjectStore;
  readonly #paths = new Set<string>();
  /** In the names of all files of this operation. */
  readonly operationId = randomUUID();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  keep(files: readonly DataFile[]): readonly DataFile[] {
    for (const file of files) this.#paths.add(file.filePath);
    return files;
  }

  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.#store.delete([...this.#paths]).catch(() => {}); // the failure that led here is the one to report
      throw error;
    }
  }
}
