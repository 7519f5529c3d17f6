import type { LakehouseError } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import { refConflict } from "../../errors.js";
import { referencedDataFile } from "../../files/deletes/delete-rules.js";
import { readManifests, writeManifestList } from "../../files/manifest/list.js";
import { partitionPath, specOf, specsById } from "../../files/manifest/specs.js";
import type {
  DataFile,
  EntryStatus,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
} from "../../model/metadata/manifest-types.js";
import { numberProperty } from "../../model/metadata/properties.js";
import { assignFirstRowIds } from "../../model/metadata/row-lineage.js";
import type { Operation, SequenceNumber, Snapshot, TableMetadata } from "../../model/metadata/types.js";
import type { SpecId } from "../../model/partitioning/types.js";
import type { TableRequirement, TableUpdate } from "../updates/types.js";
import { carriedTo } from "./carried.js";
import { filterManifests } from "./filter.js";
import { ManifestOutput, UNASSIGNED } from "./manifest-output.js";
import { clusterManifests, mergeManifests } from "./merge.js";
import type { PendingUpdate, Proposal } from "./pending.js";
import { type FileSelector, fileKey } from "./selector.js";
import { newSnapshotId } from "./snapshot-id.js";
import { SummaryBuilder } from "./summary.js";

export const MAIN = "main";

/** What a snapshot changes in its parent. Everything an operation does comes down to this. */
export interface SnapshotChange {
  /** `append`, `overwrite`, …; given the entries taken out where it depends on whether there were any. */
  readonly operation: Operation | ((removed: readonly ManifestEntry[]) => Operation);
  readonly addedDataFiles?: readonly DataFile[];
  /** Resolves when the added files are in the store, where they are still on their way: the commit waits for it. */
  readonly stored?: (() => Promise<void>) | undefined;
  /** Age of the rows in `addedDataFiles` where they are older than this commit: compaction keeps it. */
  readonly dataSequenceNumber?: SequenceNumber | undefined;
  readonly addedDeleteFiles?: readonly DataFile[];
  readonly removedDataFiles?: FileSelector | undefined;
  readonly removedDeleteFiles?: FileSelector | undefined;
  /**
   * False writes a new manifest and leaves the others alone: a fast append. `all` writes every entry anew, partition by
   * partition. Default: as the `commit.manifest` properties say.
   */
  readonly merge?: boolean | "all";
  /** Checks against what was committed since the change was planned; throws COMMIT_CONFLICT. Runs on every attempt. */
  readonly validate?: ((base: TableMetadata, parent: Snapshot | undefined) => Promise<void>) | undefined;
  /** More keys for the summary. */
  readonly summary?: Readonly<Record<string, string>>;
  /** The branch that gets the snapshot. Default `main`. */
  readonly branch?: string | undefined;
  /** True adds the snapshot without moving any branch: write-audit-publish. */
  readonly stage?: boolean;
  /** Ends the puts of what the snapshot is made of. */
  readonly signal?: AbortSignal | undefined;
}

interface AddedManifests {
  readonly data: readonly ManifestFile[];
  readonly deletes: readonly ManifestFile[];
}

/**
 * Turns a change into a snapshot on top of whatever the branch holds when it is committed. Manifests of added files
 * are written once and serve every attempt; the manifest list is written anew on each (spec, "Sequence Number
 * Inheritance").
 */
export class SnapshotProducer implements PendingUpdate {
  readonly #change: SnapshotChange;
  readonly #output: ManifestOutput;
  #added: AddedManifests | undefined;
  /** Paths of the last attempt: those that are kept when it was the one that went through. */
  #last: ReadonlySet<string> = new Set();

  constructor(store: ObjectStore, metadata: TableMetadata, change: SnapshotChange) {
    this.#change = change;
    this.#output = new ManifestOutput(store, newSnapshotId(metadata), change.signal);
  }

  get snapshotId(): bigint {
    return this.#output.snapshotId;
  }

  async propose(base: TableMetadata): Promise<Proposal> {
    const branch = this.#change.branch ?? MAIN;
    const ref = base.refs[branch];
    if (ref?.type === "tag") throw noBranch(branch, "is a tag, which never moves");
    // A branch that does not exist yet starts at the current snapshot, as Java has it.
    const parentId = ref?.snapshotId ?? base.currentSnapshotId;
    const parent = base.snapshots.find((snapshot) => snapshot.snapshotId === parentId);
    const { snapshot, stored } = await this.#snapshot(base, parent);
    const updates: TableUpdate[] = [{ action: "add-snapshot", snapshot }];
    const requirements: TableRequirement[] = [];
    if (!this.#change.stage) {
      requirements.push({ type: "assert-ref-snapshot-id", ref: branch, snapshotId: ref?.snapshotId ?? null });
      const kept = ref ?? { type: "branch" as const };
      updates.push({
        action: "set-snapshot-ref",
        refName: branch,
        ref: { ...kept, snapshotId: snapshot.snapshotId },
      });
    }
    return { requirements, updates, stored };
  }

  async #snapshot(
    base: TableMetadata,
    parent: Snapshot | undefined,
  ): Promise<{ readonly snapshot: Snapshot; readonly stored: Promise<void> }> {
    const { operation, validate } = this.#change;
    await validate?.(base, parent);
    const listed = parent === undefined ? [] : await readManifests(this.#output.store, parent);
    const before = await Promise.all(listed.map((manifest) => this.#counted(base, manifest)));
    const { manifests, removed, replaced } = await this.#apply(base, before);
    const sequenceNumber = base.formatVersion === 1 ? 0n : base.lastSequenceNumber + 1n;
    const assigned = this.#assign(base, manifests, sequenceNumber);
    const manifestList = this.#output.nextList(base);
    const list = writeManifestList(
      this.#output.store,
      manifestList,
      {
        formatVersion: base.formatVersion,
        snapshotId: this.snapshotId,
        parentSnapshotId: parent?.snapshotId,
        sequenceNumber,
        firstRowId: base.formatVersion >= 3 ? base.nextRowId : undefined,
      },
      assigned.manifests,
      this.#change.signal,
    );
    this.#output.follow(list);
    const stored = Promise.all([this.#output.flush(), this.#change.stored?.()]).then(() => {});
    stored.catch(() => {}); // whoever commits reports it; until then it must not count as unhandled
    this.#last = new Set([manifestList, ...assigned.manifests.map((manifest) => manifest.manifestPath)]);
    const summary = this.#summary(base, removed).build(
      typeof operation === "function" ? operation(removed) : operation,
      parent,
      numberProperty(base, "write.summary.partition-limit"),
      {
        ...carriedTo(base, parent?.snapshotId),
        ...this.#change.summary,
        "manifests-created": String(
          assigned.manifests.filter((m) => m.addedSnapshotId === this.snapshotId).length,
        ),
        "manifests-kept": String(
          assigned.manifests.filter((m) => m.addedSnapshotId !== this.snapshotId).length,
        ),
        "manifests-replaced": String(replaced),
      },
    );
    const now = BigInt(Date.now());
    const snapshot: Snapshot = {
      snapshotId: this.snapshotId,
      parentSnapshotId: parent?.snapshotId,
      sequenceNumber,
      // Clocks differ between writers; a table's own time never goes back.
      timestampMs: now > base.lastUpdatedMs ? now : base.lastUpdatedMs,
      manifestList,
      summary,
      schemaId: base.currentSchemaId,
      ...(base.formatVersion >= 3
        ? { firstRowId: base.nextRowId, addedRows: assigned.nextRowId - base.nextRowId }
        : {}),
    };
    return { snapshot, stored };
  }

  /**
   * A manifest with its counts. v1 lists may leave them out; v2 requires them, and row ids are given out by them, so
   * then the manifest is counted.
   */
  async #counted(base: TableMetadata, manifest: ManifestFile): Promise<ManifestFile> {
    const known = manifest.addedRowsCount !== undefined && manifest.existingRowsCount !== undefined;
    if (base.formatVersion === 1 || (known && manifest.deletedFilesCount !== undefined)) return manifest;
    const entries = await this.#output.read(manifest, specsById(base));
    const count = (status: EntryStatus): { files: number; rows: bigint } => {
      const files = entries.filter((entry) => entry.status === status);
      return {
        files: files.length,
        rows: files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n),
      };
    };
    const [added, existing, deleted] = [count("added"), count("existing"), count("deleted")];
    return {
      ...manifest,
      addedFilesCount: added.files,
      existingFilesCount: existing.files,
      deletedFilesCount: deleted.files,
      addedRowsCount: added.rows,
      existingRowsCount: existing.rows,
      deletedRowsCount: deleted.rows,
    };
  }

  async #apply(
    base: TableMetadata,
    before: readonly ManifestFile[],
  ): Promise<{ manifests: ManifestFile[]; removed: ManifestEntry[]; replaced: number }> {
    const output = this.#output;
    const { removedDataFiles, removedDeleteFiles, merge = true } = this.#change;
    const of = (content: ManifestContent): ManifestFile[] =>
      before.filter((manifest) => manifest.content === content);
    const removed: ManifestEntry[] = [];
    let replaced = 0;
    let data: readonly ManifestFile[] = of("data");
    if (removedDataFiles !== undefined) {
      const filtered = await filterManifests(base, "data", data, removedDataFiles, output);
      data = filtered.manifests;
      removed.push(...filtered.removed);
      replaced += filtered.rewritten;
    }
    let deletes: readonly ManifestFile[] = of("deletes");
    const dangling = withDanglingDeletes(removedDeleteFiles, removed);
    if (dangling !== undefined && deletes.length > 0) {
      const filtered = await filterManifests(base, "deletes", deletes, dangling, output);
      deletes = filtered.manifests;
      removed.push(...filtered.removed);
      replaced += filtered.rewritten;
    } else removedDeleteFiles?.complete?.([]);
    const added = this.#addedManifests(base);
    const keep = (manifest: ManifestFile): boolean =>
      manifest.addedFilesCount !== 0 ||
      manifest.existingFilesCount !== 0 ||
      manifest.addedSnapshotId === this.snapshotId;
    const groups = [
      ["data", [...added.data, ...data.filter(keep)]],
      ["deletes", [...added.deletes, ...deletes.filter(keep)]],
    ] as const;
    const manifests: ManifestFile[] = [];
    for (const [content, group] of groups) {
      if (!merge) manifests.push(...group);
      else {
        const merged = await (merge === "all"
          ? clusterManifests(base, content, group, output)
          : mergeManifests(base, content, group, output));
        replaced += group.filter((m) => m.addedSnapshotId !== this.snapshotId && !merged.includes(m)).length;
        manifests.push(...merged);
      }
    }
    return { manifests, removed, replaced };
  }

  #addedManifests(base: TableMetadata): AddedManifests {
    if (this.#added === undefined) {
      const { addedDataFiles = [], addedDeleteFiles = [], dataSequenceNumber } = this.#change;
      const write = (content: ManifestContent, files: readonly DataFile[]): ManifestFile[] => {
        const manifests: ManifestFile[] = [];
        for (const [specId, group] of groupBySpec(files)) {
          const added = this.#output.write(base, content, specId, group, (writer, file) =>
            writer.added(file, content === "data" ? dataSequenceNumber : undefined),
          );
          manifests.push(...added);
        }
        return manifests;
      };
      this.#added = {
        data: write("data", addedDataFiles),
        deletes: write("deletes", addedDeleteFiles),
      };
    }
    return this.#added;
  }

  /** Gives the new manifests this commit's sequence number, and data manifests without one a first row id (v3). */
  #assign(
    base: TableMetadata,
    manifests: readonly ManifestFile[],
    sequenceNumber: SequenceNumber,
  ): { readonly manifests: readonly ManifestFile[]; readonly nextRowId: bigint } {
    const sequenced = manifests.map((manifest) => {
      if (manifest.sequenceNumber !== UNASSIGNED) return manifest;
      const known = manifest.minSequenceNumber !== UNASSIGNED;
      return {
        ...manifest,
        sequenceNumber,
        minSequenceNumber: known ? manifest.minSequenceNumber : sequenceNumber,
      };
    });
    if (base.formatVersion < 3) return { manifests: sequenced, nextRowId: base.nextRowId };
    return assignFirstRowIds(sequenced, base.nextRowId);
  }

  #summary(base: TableMetadata, removed: readonly ManifestEntry[]): SummaryBuilder {
    const specs = specsById(base);
    const path = (file: DataFile): string =>
      partitionPath(specOf(specs, file.specId, file.filePath), file.partition);
    const summary = new SummaryBuilder();
    const { addedDataFiles = [], addedDeleteFiles = [] } = this.#change;
    for (const file of addedDataFiles) summary.added(file, path(file));
    for (const file of addedDeleteFiles) summary.added(file, path(file));
    for (const { dataFile } of removed) summary.removed(dataFile, path(dataFile));
    return summary;
  }

  async settle(committed: TableMetadata | undefined): Promise<void> {
    // A concurrent commit with the same token may have gone through in place of this one: then nothing is kept.
    const kept = committed?.snapshots.some((snapshot) => snapshot.snapshotId === this.snapshotId);
    await this.#output.deleteExcept(kept ? this.#last : new Set());
  }
}

/**
 * The delete files to take out: those asked for, and those that are about a data file that goes and no other. The spec
 * asks writers to remove deletion vectors with their file; position delete files are dead weight from then on, too.
 */
function withDanglingDeletes(
  asked: FileSelector | undefined,
  removed: readonly ManifestEntry[],
): FileSelector | undefined {
  if (removed.length === 0) return asked;
  const paths = new Set(removed.map((entry) => entry.dataFile.filePath));
  const specIds = new Set(removed.map((entry) => entry.dataFile.specId));
  const dangles = ({ dataFile }: ManifestEntry): boolean =>
    dataFile.content === "position-deletes" && paths.has(referencedDataFile(dataFile) ?? "");
  return {
    // A delete file stands in its data file's partition, and so in its spec.
    mayContain: (manifest) => specIds.has(manifest.partitionSpecId) || (asked?.mayContain(manifest) ?? false),
    selects: (entry) => dangles(entry) || (asked?.selects(entry) ?? false),
    complete: (taken) => asked?.complete?.(taken.filter((entry) => asked.selects(entry))),
  };
}

function groupBySpec(files: readonly DataFile[]): Map<SpecId, DataFile[]> {
  const groups = new Map<SpecId, DataFile[]>();
  const seen = new Set<string>();
  for (const file of files) {
    if (seen.has(fileKey(file))) continue;
    seen.add(fileKey(file));
    const group = groups.get(file.specId);
    if (group === undefined) groups.set(file.specId, [file]);
    else group.push(file);
  }
  return groups;
}

function noBranch(ref: string, why: string): LakehouseError {
  return refConflict(ref, `Cannot commit to ${JSON.stringify(ref)}: it ${why}.`, "Name a branch.");
}
