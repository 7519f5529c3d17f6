import {
  type DataFile,
  partitionPath,
  readManifests,
  type ScanTask,
  specOf,
  specsById,
  type Table,
} from "../iceberg/index.js";
import type { FileChoice } from "./compaction/options.js";
import { deletedRows, fileLimits, planCompaction } from "./compaction/plan.js";

/** Sizes in bytes, of a table as it is: how its files lie, and what that costs. */
export interface TableLayout {
  readonly table: string;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly targetFileSizeBytes: number;
  /** Data files by size; the last one has no upper end. */
  readonly histogram: readonly SizeClass[];
  readonly partitions: number;
  /** Data files of a partition. */
  readonly filesPerPartition: { readonly min: number; readonly median: number; readonly max: number };
  /** The partitions with the most files, most first. */
  readonly crowded: readonly PartitionLayout[];
  readonly deletes: {
    readonly positionFiles: number;
    readonly vectors: number;
    readonly equalityFiles: number;
  };
  /** Files of a partition spec that is not the table's own any more. */
  readonly otherSpecFiles: number;
  readonly manifests: { readonly files: number; readonly bytes: number };
  readonly snapshots: number;
  readonly metadataBytes: number;
  readonly waste: Waste;
}

export interface SizeClass {
  /** Files smaller than this; `null` for those above all ends. */
  readonly below: number | null;
  readonly files: number;
  readonly bytes: number;
}

export interface PartitionLayout {
  /** As a path, such as `date_day=2001-01-01`; `""` of a table without partitions. */
  readonly partition: string;
  readonly files: number;
  readonly bytes: number;
}

/** What a compaction would save, estimated from metadata alone. */
export interface Waste {
  /** Files that a reader of all rows opens, and would not have to. */
  readonly files: number;
  /** Rows that are stored and deleted, as far as metadata tells. */
  readonly deletedRows: number;
  /** Delete files that readers have to apply. */
  readonly deleteFiles: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const ENDS = [64 * KIB, MIB, 8 * MIB, 32 * MIB, 128 * MIB, 512 * MIB];
const CROWDED = 10;

/** Looks at how a table's files lie. Only metadata is read. */
export async function tableLayout(table: Table, choice: FileChoice = {}): Promise<TableLayout> {
  const scan = table.scan();
  const [{ tasks }, manifests, { moving, staying }, metadataFile] = await Promise.all([
    scan.planAll(),
    scan.snapshot === undefined ? [] : readManifests(table.store, scan.snapshot),
    planCompaction(table, choice),
    table.store.head(table.metadataLocation),
  ]);
  const partitions = partitionsOf(table, tasks);
  const counts = partitions.map(({ files }) => files).sort((a, b) => a - b);
  const deleteFiles = [...new Set(tasks.flatMap((task) => task.deleteFiles))];
  const planned = [...moving, ...staying];
  return {
    table: table.name,
    rows: sum(tasks, ({ dataFile }) => dataFile.recordCount),
    files: tasks.length,
    bytes: sum(tasks, ({ dataFile }) => dataFile.fileSizeInBytes),
    targetFileSizeBytes: fileLimits(table, choice).targetFileSizeBytes,
    histogram: histogram(tasks),
    partitions: partitions.length,
    filesPerPartition: {
      min: counts[0] ?? 0,
      median: counts[Math.floor((counts.length - 1) / 2)] ?? 0,
      max: counts.at(-1) ?? 0,
    },
    crowded: partitions.sort((a, b) => b.files - a.files).slice(0, CROWDED),
    deletes: {
      positionFiles: deleteFiles.filter((file) => isPositions(file) && file.fileFormat !== "puffin").length,
      vectors: deleteFiles.filter((file) => isPositions(file) && file.fileFormat === "puffin").length,
      equalityFiles: deleteFiles.filter(({ content }) => content === "equality-deletes").length,
    },
    otherSpecFiles: tasks.filter(({ dataFile }) => dataFile.specId !== table.metadata.defaultSpecId).length,
    manifests: { files: manifests.length, bytes: sum(manifests, ({ manifestLength }) => manifestLength) },
    snapshots: table.metadata.snapshots.length,
    metadataBytes: metadataFile?.size ?? 0,
    waste: {
      files: planned.reduce((total, group) => total + Math.max(0, group.tasks.length - group.files), 0),
      deletedRows: tasks.reduce((total, task) => total + deletedRows(task), 0),
      deleteFiles: deleteFiles.length,
    },
  };
}

function isPositions({ content }: DataFile): boolean {
  return content === "position-deletes";
}

function sum<T>(items: readonly T[], value: (item: T) => bigint): number {
  return Number(items.reduce((total, item) => total + value(item), 0n));
}

function histogram(tasks: readonly ScanTask[]): SizeClass[] {
  const classes = [...ENDS, null].map((below) => ({ below, files: 0, bytes: 0 }));
  for (const { dataFile } of tasks) {
    const size = Number(dataFile.fileSizeInBytes);
    const found = classes.find(({ below }) => below === null || size < below);
    if (found === undefined) continue;
    found.files += 1;
    found.bytes += size;
  }
  return classes;
}

function partitionsOf(table: Table, tasks: readonly ScanTask[]): PartitionLayout[] {
  const specs = specsById(table.metadata);
  const partitions = new Map<string, { partition: string; files: number; bytes: number }>();
  for (const { dataFile } of tasks) {
    const { specId, partition, filePath, fileSizeInBytes } = dataFile;
    const path = partitionPath(specOf(specs, specId, filePath), partition);
    const row = partitions.get(path) ?? { partition: path, files: 0, bytes: 0 };
    row.files += 1;
    row.bytes += Number(fileSizeInBytes);
    partitions.set(path, row);
  }
  return [...partitions.values()];
}
