import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import type { ObjectStore } from "../../../storage/index.js";
import { noSuchRef, noSuchSnapshot, refConflict, refExists } from "../../errors.js";
import { referencedDataFile } from "../../files/deletes/delete-rules.js";
import { readPositionDeletes } from "../../files/deletes/position-deletes.js";
import { readManifests } from "../../files/manifest/list.js";
import { readManifest } from "../../files/manifest/reader.js";
import { specsById } from "../../files/manifest/specs.js";
import { ancestorsOf, isAncestorOf, snapshotById } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { MAIN_BRANCH } from "../../model/metadata/parse.js";
import type { Snapshot, SnapshotId, SnapshotRef, TableMetadata } from "../../model/metadata/types.js";
import { liveFiles } from "../snapshot/live-deletes.js";
import type { PendingUpdate, Proposal } from "../snapshot/pending.js";
import { SnapshotProducer } from "../snapshot/producer.js";
import { selectFiles } from "../snapshot/selector.js";
import {
  type Since,
  validateDataFilesExist,
  validateNoNewDeletesFor,
  validateNoNewVectors,
} from "../snapshot/validate.js";

/** How long a reference and its snapshots are kept (spec, "Snapshot Retention Policy"). Ages in milliseconds. */
export interface Retention {
  readonly minSnapshotsToKeep?: number | undefined;
  readonly maxSnapshotAgeMs?: bigint | undefined;
  readonly maxRefAgeMs?: bigint | undefined;
}

export interface NewRef extends Retention {
  readonly type: "branch" | "tag";
  /** Default: the current snapshot. */
  readonly snapshotId?: SnapshotId | undefined;
}

const RETENTION: OptionNames<Retention> = {
  minSnapshotsToKeep: true,
  maxSnapshotAgeMs: true,
  maxRefAgeMs: true,
};

const NEW_REF: OptionNames<NewRef> = { ...RETENTION, type: true, snapshotId: true };

/** Creates a branch or a tag. @throws LakehouseError REF_EXISTS, NO_SUCH_SNAPSHOT. */
export function createRef(name: string, ref: NewRef): PendingUpdate {
  checkOptions("createRef", ref, NEW_REF);
  const { type, snapshotId, ...retention } = ref;
  if (typeof name !== "string" || (type !== "branch" && type !== "tag")) {
    throw invalidArgument(String(name), "A reference has a name, and is of type branch or tag.");
  }
  return {
    propose: (base) => {
      if (Object.hasOwn(base.refs, name)) {
        throw refExists(name, `The table already has a ${base.refs[name]?.type} ${JSON.stringify(name)}.`);
      }
      const id = snapshotId ?? base.currentSnapshotId;
      if (id === undefined) throw noSnapshot("current");
      requireSnapshot(base, id);
      return moved(base, name, { type, snapshotId: id, ...retention });
    },
  };
}

/** Removes a branch or tag. @throws LakehouseError NO_SUCH_REF. */
export function removeRef(name: string): PendingUpdate {
  return {
    propose: (base) => {
      const ref = requireRef(base, name);
      return {
        requirements: [{ type: "assert-ref-snapshot-id", ref: name, snapshotId: ref.snapshotId }],
        updates: [{ action: "remove-snapshot-ref", refName: name }],
      };
    },
  };
}

/** Changes what is kept of a branch or tag. @throws LakehouseError NO_SUCH_REF. */
export function setRetention(name: string, retention: Retention): PendingUpdate {
  checkOptions("setRetention", retention, RETENTION);
  return { propose: (base) => moved(base, name, { ...requireRef(base, name), ...retention }) };
}

/** Points a branch at any snapshot of the table, for better or worse. @throws LakehouseError NO_SUCH_SNAPSHOT. */
export function setBranch(branch: string, snapshotId: SnapshotId): PendingUpdate {
  return {
    propose: (base) => {
      requireSnapshot(base, snapshotId);
      return moved(base, branch, { ...branchRef(base, branch), snapshotId });
    },
  };
}

/** Points a branch back at one of its own ancestors. @throws LakehouseError INVALID_ARGUMENT when it is none. */
export function rollback(branch: string, snapshotId: SnapshotId): PendingUpdate {
  return {
    propose: (base) => {
      requireSnapshot(base, snapshotId);
      const ref = requireRef(base, branch);
      if (!isAncestorOf(base, ref.snapshotId, snapshotId)) {
        throw invalidArgument(
          branch,
          `Cannot roll ${JSON.stringify(branch)} back to ${snapshotId}: it is no ancestor of the branch's snapshot.`,
        );
      }
      return moved(base, branch, { ...branchRef(base, branch), snapshotId });
    },
  };
}

/** Moves a branch forward to the snapshot of another reference. @throws LakehouseError REF_CONFLICT when they have diverged. */
export function fastForward(branch: string, to: string): PendingUpdate {
  return {
    propose: (base) => {
      const target = requireRef(base, to).snapshotId;
      const ref = Object.hasOwn(base.refs, branch) ? base.refs[branch] : undefined;
      if (ref !== undefined && !isAncestorOf(base, target, ref.snapshotId)) {
        throw refConflict(
          branch,
          `Cannot fast-forward ${JSON.stringify(branch)} to ${JSON.stringify(to)}: they have diverged.`,
          "Cherry-pick its snapshots instead.",
        );
      }
      return moved(base, branch, { ...branchRef(base, branch), snapshotId: target });
    },
  };
}

/**
 * Publishes a staged snapshot: moves the branch to it where it was made on top of the branch's snapshot, otherwise
 * makes its changes again on top. The new snapshot's summary names it (`source-snapshot-id`, `published-wap-id`).
 *
 * Appends can always be made again; other operations only while the files that they removed are still there.
 */
export class CherryPick implements PendingUpdate {
  readonly #store: ObjectStore;
  readonly #snapshotId: SnapshotId;
  readonly #branch: string;
  #producer: SnapshotProducer | undefined;

  constructor(store: ObjectStore, snapshotId: SnapshotId, branch: string = MAIN_BRANCH) {
    this.#store = store;
    this.#snapshotId = snapshotId;
    this.#branch = branch;
  }

  async propose(base: TableMetadata): Promise<Proposal> {
    const picked = requireSnapshot(base, this.#snapshotId);
    const head = Object.hasOwn(base.refs, this.#branch) ? base.refs[this.#branch]?.snapshotId : undefined;
    this.#checkUnpublished(base, head, picked);
    if (picked.parentSnapshotId === head) {
      return moved(base, this.#branch, { ...branchRef(base, this.#branch), snapshotId: picked.snapshotId });
    }
    this.#producer ??= await this.#again(base, picked);
    return this.#producer.propose(base);
  }

  #checkUnpublished(base: TableMetadata, head: SnapshotId | undefined, picked: Snapshot): void {
    const wapId = picked.summary?.["wap.id"];
    for (const ancestor of ancestorsOf(base, head)) {
      const { summary } = ancestor;
      const published =
        ancestor.snapshotId === picked.snapshotId ||
        summary?.["source-snapshot-id"] === String(picked.snapshotId) ||
        (wapId !== undefined && (summary?.["wap.id"] === wapId || summary?.["published-wap-id"] === wapId));
      if (!published) continue;
      throw alreadyPublished(picked, ancestor.snapshotId);
    }
  }

  /** The snapshot that published it may have expired; its files tell, as long as they are as they were written. */
  async #checkNotLive(parent: Snapshot | undefined, base: TableMetadata, picked: Snapshot, added: Paths) {
    const isWhole = [...ancestorsOf(base, parent?.snapshotId)].at(-1)?.parentSnapshotId === undefined;
    if (isWhole || added.size === 0) return;
    const live = await liveFiles(this.#store, base, parent, "data");
    if (live.some(({ file }) => added.has(file.filePath)))
      throw alreadyPublished(picked, "one that has expired");
  }

  async #again(base: TableMetadata, picked: Snapshot): Promise<SnapshotProducer> {
    const specs = specsById(base);
    const manifests = (await readManifests(this.#store, picked)).filter(
      (m) => m.addedSnapshotId === picked.snapshotId,
    );
    const entries = (
      await mapConcurrent(manifests, READ_CONCURRENCY, (manifest) =>
        readManifest(this.#store, manifest, specs),
      )
    )
      .flat()
      .filter((entry) => entry.snapshotId === picked.snapshotId);
    const files = (status: "added" | "deleted", data: boolean): DataFile[] =>
      entries
        .filter((entry) => entry.status === status && (entry.dataFile.content === "data") === data)
        .map((entry) => entry.dataFile);
    const wapId = picked.summary?.["wap.id"];
    const removedData = files("deleted", true);
    const removedDeletes = files("deleted", false);
    const addedDeletes = files("added", false);
    const addedData = files("added", true);
    const added = new Set(addedData.map(({ filePath }) => filePath));
    return new SnapshotProducer(this.#store, base, {
      operation: picked.summary?.operation ?? "append",
      addedDataFiles: addedData,
      addedDeleteFiles: addedDeletes,
      removedDataFiles: removedData.length > 0 ? selectFiles(removedData) : undefined,
      removedDeleteFiles: removedDeletes.length > 0 ? selectFiles(removedDeletes) : undefined,
      branch: this.#branch,
      summary: {
        "source-snapshot-id": String(picked.snapshotId),
        ...(wapId === undefined ? {} : { "published-wap-id": wapId }),
      },
      validate: async (now, parent) => {
        await this.#checkNotLive(parent, now, picked, added);
        const since = { store: this.#store, base: now, parent, start: picked.parentSnapshotId };
        await validateStill(since, removedData, addedDeletes);
      },
    });
  }

  async settle(committed: TableMetadata | undefined): Promise<void> {
    await this.#producer?.settle(committed);
  }
}

/**
 * What a change took out, or deleted by position, must be as it was when the change was made: rows that were deleted
 * from a file meanwhile would come back with the file that takes its place, and positions in a file that is gone delete
 * nothing. Appends and deletes by key hold wherever they are put.
 */
async function validateStill(
  since: Since,
  removedData: readonly DataFile[],
  addedDeletes: readonly DataFile[],
): Promise<void> {
  const positions = addedDeletes.filter(({ content }) => content === "position-deletes");
  if (removedData.length + positions.length === 0) return;
  await validateNoNewDeletesFor(since, removedData);
  const marked = new Set<string>();
  for (const file of positions) {
    const path = referencedDataFile(file);
    if (path !== undefined) marked.add(path);
    else for (const each of (await readPositionDeletes(since.store, file)).keys()) marked.add(each);
  }
  await validateDataFilesExist(since, marked);
  await validateNoNewVectors(since, marked);
}

type Paths = ReadonlySet<string>;

function alreadyPublished({ snapshotId }: Snapshot, by: SnapshotId | string): LakehouseError {
  return invalidArgument(String(snapshotId), `Snapshot ${snapshotId} is already published, by ${by}.`);
}

function moved(base: TableMetadata, name: string, ref: SnapshotRef): Proposal {
  const before = Object.hasOwn(base.refs, name) ? (base.refs[name]?.snapshotId ?? null) : null;
  return {
    requirements: [{ type: "assert-ref-snapshot-id", ref: name, snapshotId: before }],
    updates: [{ action: "set-snapshot-ref", refName: name, ref }],
  };
}

function branchRef(base: TableMetadata, branch: string): Omit<SnapshotRef, "snapshotId"> {
  const ref = Object.hasOwn(base.refs, branch) ? base.refs[branch] : undefined;
  if (ref?.type === "tag") {
    throw refConflict(branch, `${JSON.stringify(branch)} is a tag, and tags never move.`);
  }
  return ref ?? { type: "branch" };
}

function requireRef(base: TableMetadata, name: string): SnapshotRef {
  const ref = Object.hasOwn(base.refs, name) ? base.refs[name] : undefined;
  if (ref !== undefined) return ref;
  throw noSuchRef(name, `The table has no branch or tag ${JSON.stringify(name)}.`);
}

function requireSnapshot(base: TableMetadata, id: SnapshotId): Snapshot {
  const snapshot = snapshotById(base, id);
  if (snapshot === undefined) throw noSnapshot(String(id));
  return snapshot;
}

function noSnapshot(id: string): LakehouseError {
  return noSuchSnapshot(id, `The table has no snapshot ${id}.`);
}
