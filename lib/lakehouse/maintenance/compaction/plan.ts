import {
  type DataFile,
  type FileGroup,
  partitionKey,
  type ScanTask,
  type Snapshot,
  type Table,
} from "../../iceberg/index.js";
import type { CompactOptions, FileChoice } from "./options.js";
import { rowOrder } from "./order.js";

/** A group of files to be rewritten together. */
export interface PlannedGroup extends FileGroup {
  readonly bytes: number;
  /** How many files are expected of it. */
  readonly files: number;
}

/** What a compaction rewrites of a table. */
export interface CompactionPlan {
  /** The state that it was planned on; `undefined` for a table without one, which has nothing to rewrite. */
  readonly snapshot: Snapshot | undefined;
  /** Files that move from an older partition spec to the table's own: small ones may be left by it, for another plan. */
  readonly moving: readonly PlannedGroup[];
  /** Files that stay in their partitions. */
  readonly staying: readonly PlannedGroup[];
}

const DEFAULT_GROUP_BYTES = 4 * 1024 ** 3;

/** The limits that hold for a table. In bytes. */
export function fileLimits(table: Table, choice: FileChoice): Required<{ [K in keyof FileChoice]: number }> {
  const target =
    choice.targetFileSizeBytes ?? Number(table.properties["write.target-file-size-bytes"] ?? 536_870_912);
  return {
    targetFileSizeBytes: target,
    minFileSizeBytes: choice.minFileSizeBytes ?? Math.floor(target * 0.75),
    maxFileSizeBytes: choice.maxFileSizeBytes ?? Math.floor(target * 1.8),
    minInputFiles: choice.minInputFiles ?? 5,
    maxDeleteFiles: choice.maxDeleteFiles ?? 2,
    maxDeletedShare: choice.maxDeletedShare ?? 0.2,
  };
}

/**
 * Finds the groups of files that are worth rewriting: of a partition those that are too small or too large, or have too
 * many deletes. Files of older partition specs are grouped by spec, since their rows go to other partitions.
 *
 * @param skipped paths of files that are not to be looked at.
 */
export async function planCompaction(
  table: Table,
  options: CompactOptions,
  skipped: ReadonlySet<string> = new Set(),
): Promise<CompactionPlan> {
  const scan = table.scan({ ref: options.branch, filter: options.where });
  const { tasks } = await scan.planAll();
  const limits = fileLimits(table, options);
  const order = rowOrder(table, options);
  const all = rewritesAll(options);
  const moving: PlannedGroup[] = [];
  const staying: PlannedGroup[] = [];
  for (const [, files] of byPlace(
    table,
    tasks.filter(({ dataFile }) => !skipped.has(dataFile.filePath)),
  )) {
    const candidates = all ? files : files.filter((task) => isCandidate(task, limits));
    for (const bin of bins(candidates, options.maxGroupSizeBytes ?? DEFAULT_GROUP_BYTES)) {
      if (!all && !isWorth(bin, limits)) continue;
      const bytes = bytesOf(bin);
      const count = Math.max(1, Math.round(bytes / limits.targetFileSizeBytes));
      // Evenly: not full ones, and one small one that is left over.
      const targetFileSizeBytes = Math.max(limits.targetFileSizeBytes, Math.ceil(bytes / count));
      const moves = bin[0]?.dataFile.specId !== table.metadata.defaultSpecId;
      (moves ? moving : staying).push({ tasks: bin, order, targetFileSizeBytes, bytes, files: count });
    }
  }
  return { snapshot: scan.snapshot, moving, staying };
}

/** Whether files are rewritten that are as they should be: an order that was asked for is one of all rows. */
export function rewritesAll({ rewriteAll, strategy, by }: CompactOptions): boolean {
  return rewriteAll ?? (by !== undefined || (strategy !== undefined && strategy !== "bin-pack"));
}

function byPlace(table: Table, tasks: readonly ScanTask[]): Map<string, ScanTask[]> {
  const places = new Map<string, ScanTask[]>();
  for (const task of tasks) {
    const { specId, partition } = task.dataFile;
    const key = specId === table.metadata.defaultSpecId ? partitionKey(specId, partition) : `spec ${specId}`;
    const place = places.get(key);
    if (place === undefined) places.set(key, [task]);
    else place.push(task);
  }
  return places;
}

type Limits = ReturnType<typeof fileLimits>;

function isCandidate(task: ScanTask, limits: Limits): boolean {
  const size = Number(task.dataFile.fileSizeInBytes);
  return size < limits.minFileSizeBytes || size > limits.maxFileSizeBytes || hasManyDeletes(task, limits);
}

/** Whether readers are slowed by what is deleted of a file. */
function hasManyDeletes(task: ScanTask, { maxDeleteFiles, maxDeletedShare }: Limits): boolean {
  if (task.deleteFiles.length > maxDeleteFiles) return true;
  return deletedRows(task) > Number(task.dataFile.recordCount) * maxDeletedShare;
}

/** The rows that position deletes and vectors of this file alone take out of it. Others may, too. */
export function deletedRows({ dataFile, deleteFiles }: ScanTask): number {
  const own = (file: DataFile): boolean =>
    file.content === "position-deletes" && file.referencedDataFile === dataFile.filePath;
  return deleteFiles.filter(own).reduce((sum, { recordCount }) => sum + Number(recordCount), 0);
}

function isWorth(bin: readonly ScanTask[], limits: Limits): boolean {
  if (bin.some((task) => hasManyDeletes(task, limits))) return true;
  if (bin.some(({ dataFile }) => Number(dataFile.fileSizeInBytes) > limits.maxFileSizeBytes)) return true;
  return bin.length > 1 && (bin.length >= limits.minInputFiles || bytesOf(bin) >= limits.targetFileSizeBytes);
}

/** In the order given, as many files at a time as the bytes allow. */
function bins(tasks: readonly ScanTask[], maxBytes: number): ScanTask[][] {
  const filled: ScanTask[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const size = Number(task.dataFile.fileSizeInBytes);
    if (bytes + size > maxBytes) {
      filled.push([]);
      bytes = 0;
    }
    filled.at(-1)?.push(task);
    bytes += size;
  }
  return filled;
}

export function bytesOf(tasks: readonly ScanTask[]): number {
  return tasks.reduce((sum, { dataFile }) => sum + Number(dataFile.fileSizeInBytes), 0);
}
