import { invalidArgument } from "../../../errors.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { SequenceNumber } from "../../model/metadata/types.js";
import { selectAll, selectFiles } from "../snapshot/selector.js";
import { validateNoNewDeletesFor } from "../snapshot/validate.js";
import {
  FileChange,
  type OverwriteOptions,
  type SnapshotOptions,
  sinceOf,
  type TableState,
} from "./file-change.js";
import { REWRITE, SNAPSHOT } from "./option-names.js";

/** Takes every file out of the branch, whatever others added meanwhile. */
export function truncate(state: TableState, options: SnapshotOptions): FileChange {
  checkOptions("truncate", options, SNAPSHOT);
  return new FileChange(
    state,
    { operation: "delete", removedDataFiles: selectAll, removedDeleteFiles: selectAll },
    options,
  );
}

/** Writes the manifests anew, the entries of a partition side by side. The table's files and rows stay. */
export function rewriteManifests(state: TableState, options: SnapshotOptions): FileChange {
  checkOptions("rewriteManifests", options, SNAPSHOT);
  return new FileChange(state, { operation: "replace", merge: "all" }, options);
}

export interface RewriteFiles {
  /** Data files whose rows the added ones hold now. */
  readonly removedDataFiles: readonly DataFile[];
  readonly addedDataFiles: readonly DataFile[];
  readonly removedDeleteFiles?: readonly DataFile[] | undefined;
  readonly addedDeleteFiles?: readonly DataFile[] | undefined;
  /**
   * Data sequence number of the added files. Give that of the snapshot which was read: then equality deletes that came
   * in meanwhile go on to apply, and are no conflict.
   */
  readonly dataSequenceNumber?: SequenceNumber | undefined;
}

const FILES: OptionNames<RewriteFiles> = {
  removedDataFiles: true,
  addedDataFiles: true,
  removedDeleteFiles: true,
  addedDeleteFiles: true,
  dataSequenceNumber: true,
};

/** Replaces files without changing the table's rows: compaction. */
export function rewriteFiles(
  state: TableState,
  files: RewriteFiles,
  options: Pick<OverwriteOptions, "validateFrom"> & SnapshotOptions,
): FileChange {
  checkOptions("rewriteFiles", options, REWRITE);
  checkOptions("rewriteFiles", files, FILES);
  for (const name of ["removedDataFiles", "addedDataFiles"] as const) {
    if (!Array.isArray(files[name])) throw invalidArgument(name, `${name} is no array of data files.`);
  }
  const since = sinceOf(state, options);
  const removedDeletes = files.removedDeleteFiles ?? [];
  return new FileChange(
    state,
    {
      operation: "replace",
      addedDataFiles: files.addedDataFiles,
      addedDeleteFiles: files.addedDeleteFiles ?? [],
      dataSequenceNumber: files.dataSequenceNumber,
      removedDataFiles: files.removedDataFiles.length === 0 ? undefined : selectFiles(files.removedDataFiles),
      removedDeleteFiles: removedDeletes.length === 0 ? undefined : selectFiles(removedDeletes),
      validate: (base, parent) =>
        validateNoNewDeletesFor(
          since(base, parent),
          files.removedDataFiles,
          files.dataSequenceNumber !== undefined,
        ),
    },
    options,
  );
}
