import { commitConflict } from "../../errors.js";
import { partitionKey } from "../../files/deletes/delete-rules.js";
import type { DataFile, ManifestEntry, ManifestFile } from "../../model/metadata/manifest-types.js";
import type { SpecId } from "../../model/partitioning/types.js";

/**
 * Which files a snapshot takes out of the table. Asked of manifests first, so that those without such a file are
 * kept as they are; then of the live entries of the rest.
 */
export interface FileSelector {
  /** False only when the manifest cannot have a selected entry. */
  mayContain(manifest: ManifestFile): boolean;
  selects(entry: ManifestEntry): boolean;
  /** Called after all entries were asked; throws when something that had to be there was not. */
  complete?(removed: readonly ManifestEntry[]): void;
}

/** A file's identity: deletion vectors share Puffin files, so their blob's offset belongs to it. */
export function fileKey(file: DataFile): string {
  return file.contentOffset === undefined ? file.filePath : `${file.filePath}#${file.contentOffset}`;
}

/**
 * Selects exactly these files. All must still be there: that one is gone means that another commit took it.
 *
 * @throws (on `complete`) LakehouseError COMMIT_CONFLICT naming the missing files.
 */
export function selectFiles(files: readonly DataFile[]): FileSelector {
  const keys = new Set(files.map(fileKey));
  const specIds = new Set(files.map((file) => file.specId));
  return {
    mayContain: (manifest) => specIds.has(manifest.partitionSpecId),
    selects: (entry) => keys.has(fileKey(entry.dataFile)),
    complete: (removed) => {
      if (removed.length >= keys.size) return;
      const found = new Set(removed.map((entry) => fileKey(entry.dataFile)));
      const missing = [...keys].filter((key) => !found.has(key));
      throw commitConflict(
        missing[0] ?? "",
        `${missing.length} of the files to be replaced are no longer in the table, first ${missing[0]}.`,
        "Another commit removed them: refresh the table and run the operation again.",
      );
    },
  };
}

/** Selects every file of the given partitions. */
export function selectPartitions(
  partitions: ReadonlySet<string>,
  specIds: ReadonlySet<SpecId>,
): FileSelector {
  return {
    mayContain: (manifest) => specIds.has(manifest.partitionSpecId),
    selects: ({ dataFile }) => partitions.has(partitionKey(dataFile.specId, dataFile.partition)),
  };
}

/** Selects every file. */
export const selectAll: FileSelector = { mayContain: () => true, selects: () => true };
