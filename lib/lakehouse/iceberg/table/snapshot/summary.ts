import { isDeletionVector } from "../../files/deletes/deletion-vector.js";
import type { DataFile, FileContent } from "../../model/metadata/manifest-types.js";
import type { Operation, Snapshot, SnapshotSummary } from "../../model/metadata/types.js";

/** Written into every summary, as the spec's Appendix F names them. */
const ENGINE = { "engine-name": "sololakehouse", "engine-version": "0.1.0" } as const;

/** Counts of one kind of change, over a snapshot or over one of its partitions. */
class ChangeCounts {
  readonly #counts = new Map<string, bigint>();

  add(key: string, value: bigint): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0n) + value);
  }

  /** The non-zero counts as text, in the order in which summaries list them. */
  entries(): [string, string][] {
    return COUNT_KEYS.flatMap((key) => {
      const count = this.#counts.get(key) ?? 0n;
      return count > 0n ? [[key, String(count)] as [string, string]] : [];
    });
  }

  addedFile(file: DataFile): void {
    this.add("added-files-size", contentSize(file));
    const { records, files } = COUNTED[file.content].added(file);
    for (const key of files) this.add(key, 1n);
    this.add(records, file.recordCount);
  }

  removedFile(file: DataFile): void {
    this.add("removed-files-size", contentSize(file));
    const { records, files } = COUNTED[file.content].removed(file);
    for (const key of files) this.add(key, 1n);
    this.add(records, file.recordCount);
  }
}

/** Under which keys a file and its records count. */
interface Keys {
  readonly files: readonly CountKey[];
  readonly records: CountKey;
}

type CountKey = (typeof COUNT_KEYS)[number];

const COUNTED: Readonly<
  Record<FileContent, Readonly<Record<"added" | "removed", (file: DataFile) => Keys>>>
> = {
  data: {
    added: () => ({ files: ["added-data-files"], records: "added-records" }),
    removed: () => ({ files: ["deleted-data-files"], records: "deleted-records" }),
  },
  "position-deletes": {
    added: (file) => ({
      files: ["added-delete-files", isDeletionVector(file) ? "added-dvs" : "added-position-delete-files"],
      records: "added-position-deletes",
    }),
    removed: (file) => ({
      files: [
        "removed-delete-files",
        isDeletionVector(file) ? "removed-dvs" : "removed-position-delete-files",
      ],
      records: "removed-position-deletes",
    }),
  },
  "equality-deletes": {
    added: () => ({
      files: ["added-delete-files", "added-equality-delete-files"],
      records: "added-equality-deletes",
    }),
    removed: () => ({
      files: ["removed-delete-files", "removed-equality-delete-files"],
      records: "removed-equality-deletes",
    }),
  },
};

const COUNT_KEYS = [
  "added-data-files",
  "deleted-data-files",
  "added-equality-delete-files",
  "removed-equality-delete-files",
  "added-position-delete-files",
  "removed-position-delete-files",
  "added-dvs",
  "removed-dvs",
  "added-delete-files",
  "removed-delete-files",
  "added-records",
  "deleted-records",
  "added-files-size",
  "removed-files-size",
  "added-position-deletes",
  "removed-position-deletes",
  "added-equality-deletes",
  "removed-equality-deletes",
] as const;

/** A total, and the counts that raise and lower it. */
const TOTALS = [
  ["total-records", "added-records", "deleted-records"],
  ["total-files-size", "added-files-size", "removed-files-size"],
  ["total-data-files", "added-data-files", "deleted-data-files"],
  ["total-delete-files", "added-delete-files", "removed-delete-files"],
  ["total-position-deletes", "added-position-deletes", "removed-position-deletes"],
  ["total-equality-deletes", "added-equality-deletes", "removed-equality-deletes"],
] as const;

/** Bytes that the entry stands for: of a Puffin file, only its own blob. */
function contentSize(file: DataFile): bigint {
  return isDeletionVector(file) ? (file.contentSizeInBytes ?? file.fileSizeInBytes) : file.fileSizeInBytes;
}

/** Gathers what a snapshot changes into its summary (spec, Appendix F), with the keys and rules of Java's writer. */
export class SummaryBuilder {
  readonly #total = new ChangeCounts();
  readonly #partitions = new Map<string, ChangeCounts>();

  /** @param partitionPath the file's partition as a path, `""` in an unpartitioned spec. */
  added(file: DataFile, partitionPath: string): void {
    this.#total.addedFile(file);
    this.#partition(partitionPath).addedFile(file);
  }

  removed(file: DataFile, partitionPath: string): void {
    this.#total.removedFile(file);
    this.#partition(partitionPath).removedFile(file);
  }

  #partition(path: string): ChangeCounts {
    let counts = this.#partitions.get(path);
    if (counts === undefined) {
      counts = new ChangeCounts();
      this.#partitions.set(path, counts);
    }
    return counts;
  }

  /**
   * @param parent whose totals go on; totals start at 0 where there is none, and stay unknown where the parent has none.
   * @param partitionLimit summaries by partition are included when no more partitions than this changed.
   * @param extra keys of the caller: `wap.id`, the commit token, whatever a user adds.
   */
  build(
    operation: Operation,
    parent: Snapshot | undefined,
    partitionLimit: number,
    extra: Readonly<Record<string, string>>,
  ): SnapshotSummary {
    const summary: { operation: Operation; [key: string]: string } = { operation, ...extra };
    for (const [key, value] of this.#total.entries()) summary[key] = value;
    summary["changed-partition-count"] = String(this.#partitions.size);
    if (this.#partitions.size > 0 && this.#partitions.size <= partitionLimit) {
      summary["partition-summaries-included"] = "true";
      for (const [path, counts] of this.#partitions) {
        if (path === "") continue;
        summary[`partitions.${path}`] = counts
          .entries()
          .map(([key, value]) => `${key}=${value}`)
          .join(",");
      }
    }
    for (const [total, raises, lowers] of TOTALS) {
      const before = parent === undefined ? "0" : parent.summary?.[total];
      if (before === undefined || !/^-?\d+$/.test(before)) continue;
      const after = BigInt(before) + BigInt(summary[raises] ?? 0) - BigInt(summary[lowers] ?? 0);
      if (after >= 0n) summary[total] = String(after);
    }
    return { ...summary, ...ENGINE };
  }
}
