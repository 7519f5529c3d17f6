import { mapConcurrent } from "../../../concurrency.js";
import { type Abortable, throwIfAborted } from "../../../errors.js";
import { commitConflict } from "../../errors.js";
import { storedSchema } from "../../files/arrow/schema.js";
import { writeDataFiles } from "../../files/data/writer.js";
import type { SequencedFile } from "../../files/deletes/delete-rules.js";
import { alwaysFalse } from "../../model/expressions/builders.js";
import { currentSchema, defaultSortOrder } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { SequenceNumber, Snapshot, TableMetadata } from "../../model/metadata/types.js";
import { isKnownOrder, UNSORTED } from "../../model/partitioning/sort-order.js";
import type { SortField, SortOrder } from "../../model/partitioning/types.js";
import type { ScanTask } from "../scan/scan.js";
import { LiveDeletes, liveFiles } from "../snapshot/live-deletes.js";
import type { PendingSnapshot } from "../snapshot/pending.js";
import { type FileSelector, fileKey, selectFiles } from "../snapshot/selector.js";
import { FileChange, type SnapshotOptions, type TableState, Written } from "./file-change.js";
import { type RowOrder, requireEngine } from "./row-engine.js";
import { lineageSchema, requireSameIds } from "./stored-rows.js";

/** While one is read, another is encoded. */
const PARALLEL_GROUPS = 2;

/** Files whose rows are to be written again together. All of one partition spec, and of its default one of one partition. */
export interface FileGroup {
  readonly tasks: readonly ScanTask[];
  readonly order?: RowOrder | undefined;
  /** The size from which on a file is finished. */
  readonly targetFileSizeBytes: number;
}

/** A group, and the files that hold its rows now. */
export interface RewrittenGroup {
  readonly tasks: readonly ScanTask[];
  readonly files: readonly DataFile[];
}

/**
 * Writes the rows of groups of files again: deletes applied, with the columns and partitioning that the table has now, and
 * in v3 with their row lineage. Nothing is committed; what was written is deleted when anything fails.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE without an engine, or for files in ORC; OBJECT_NOT_FOUND, CORRUPT_FILE.
 */
export async function rewriteGroups(
  state: TableState,
  groups: readonly FileGroup[],
  { signal }: Abortable = {},
): Promise<RewrittenGroup[]> {
  const { store, metadata } = state;
  const engine = requireEngine(state.engine, metadata.location);
  const schema = storedSchema(currentSchema(metadata));
  const written = new Written(store);
  return written.guard(async () => {
    return mapConcurrent(groups, PARALLEL_GROUPS, async ({ tasks, order, targetFileSizeBytes }) => {
      throwIfAborted(signal);
      const rows = engine.remainingRows({ store, metadata, tasks, where: alwaysFalse, schema, order });
      const [first] = tasks;
      const partition =
        first?.dataFile.specId === metadata.defaultSpecId ? first.dataFile.partition : undefined;
      const files = await writeDataFiles(store, metadata, rows, {
        schema: lineageSchema(metadata),
        signal,
        targetFileSizeBytes,
        arranged: partition && { partition, order: storedOrder(metadata, order) },
      });
      return { tasks, files: written.keep(files) };
    });
  });
}

/** The table's sort order where rows in this order are sorted by it. */
function storedOrder(metadata: TableMetadata, order: RowOrder | undefined): SortOrder {
  const known = defaultSortOrder(metadata);
  if (order?.kind !== "sort" || !isKnownOrder(known) || known.fields.length > order.fields.length)
    return UNSORTED;
  return known.fields.every((field, i) => sameTerm(field, order.fields[i] as SortField)) ? known : UNSORTED;
}

function sameTerm(a: SortField, b: SortField): boolean {
  return (
    a.sourceIds[0] === b.sourceIds[0] &&
    a.transform.transform === b.transform.transform &&
    a.direction === b.direction &&
    a.nullOrder === b.nullOrder
  );
}

/**
 * Puts rewritten files in the place of those that they were made of, in one snapshot, and takes out delete files that apply
 * to no file after it.
 *
 * The new files are as old as the snapshot that was read: equality deletes that came in meanwhile apply to their rows as
 * they did before. Not so for files that move to another partition spec, in which such a delete may not hold, or another
 * may: these are as old as the commit, and any delete that came for their rows meanwhile is a conflict.
 *
 * @throws (on commit) LakehouseError COMMIT_CONFLICT when one of the files is gone, or has other deletes than it had.
 */
export function replaceGroups(
  state: TableState,
  groups: readonly RewrittenGroup[],
  read: Snapshot,
  options: SnapshotOptions,
): PendingSnapshot {
  const { store, metadata } = state;
  const tasks = groups.flatMap((group) => group.tasks);
  const added = groups.flatMap(({ files }) => files);
  const stays = tasks.every(({ dataFile }) => dataFile.specId === metadata.defaultSpecId);
  const age = metadata.formatVersion >= 2 && stays ? read.sequenceNumber : undefined;
  const idle = new IdleDeletes();
  return new FileChange(
    state,
    {
      operation: "replace",
      addedDataFiles: added,
      dataSequenceNumber: age,
      removedDataFiles: selectFiles(tasks.map(({ dataFile }) => dataFile)),
      removedDeleteFiles: idle,
      validate: async (base, parent) => {
        idle.take([]);
        if (base.formatVersion === 1) return;
        await requireSameIds(tasks, state, base, parent);
        const deletes = await LiveDeletes.of(store, base, parent);
        requireSameDeletes(tasks, deletes, age);
        if (deletes.files.length === 0) return;
        const gone = new Set(tasks.map(({ dataFile }) => dataFile.filePath));
        const left = (await liveFiles(store, base, parent, "data")).filter(
          ({ file }) => !gone.has(file.filePath),
        );
        const sequenceNumber = age ?? base.lastSequenceNumber + 1n;
        idle.take(deletes.idle([...left, ...added.map((file): SequencedFile => ({ file, sequenceNumber }))]));
      },
    },
    options,
  );
}

/**
 * Told by the deletes that apply now and those that were read, and not by the history between: that may have expired, or
 * have been rolled back.
 *
 * @param age of the new files: equality deletes that are younger go on to apply to them.
 */
function requireSameDeletes(
  tasks: readonly ScanTask[],
  deletes: LiveDeletes,
  age: SequenceNumber | undefined,
): void {
  for (const { dataFile, sequenceNumber, deleteFiles } of tasks) {
    const carriesOn = (file: DataFile): boolean =>
      age !== undefined && file.content === "equality-deletes" && deletes.ageOf(file) > age;
    const now = deletes.for({ file: dataFile, sequenceNumber }).filter((file) => !carriesOn(file));
    const read = new Set(deleteFiles.map(fileKey));
    if (now.length === read.size && now.every((file) => read.has(fileKey(file)))) continue;
    throw commitConflict(
      dataFile.filePath,
      `Other rows of ${dataFile.filePath} are deleted than when it was read to be rewritten.`,
      "Run the change again on the refreshed table.",
    );
  }
}

/** Selects the delete files that were found to apply to nothing, anew for each attempt. */
class IdleDeletes implements FileSelector {
  #keys: ReadonlySet<string> = new Set();
  #specIds: ReadonlySet<number> = new Set();

  take(files: readonly DataFile[]): void {
    this.#keys = new Set(files.map(fileKey));
    this.#specIds = new Set(files.map(({ specId }) => specId));
  }

  mayContain({ partitionSpecId }: { readonly partitionSpecId: number }): boolean {
    return this.#specIds.has(partitionSpecId);
  }

  selects({ dataFile }: { readonly dataFile: DataFile }): boolean {
    return this.#keys.has(fileKey(dataFile));
  }
}
