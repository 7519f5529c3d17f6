import type { OptionNames } from "../../../options.js";
import type { IngestOptions } from "../../files/data/source.js";
import type { CommitOptions } from "../commit.js";
import type { AddFilesOptions } from "./add-files.js";
import type { AppendOptions } from "./append.js";
import type { OverwriteOptions, SnapshotOptions } from "./file-change.js";
import type { RowMergeOptions } from "./merge.js";
import type { RowChangeOptions } from "./row-changes.js";

/** What the calls of a table take, for those whose types do not hold. */
export const SNAPSHOT: OptionNames<SnapshotOptions & CommitOptions> = {
  branch: true,
  summary: true,
  wapId: true,
  message: true,
  token: true,
  signal: true,
};

export const APPEND: OptionNames<AppendOptions & CommitOptions & IngestOptions> = {
  ...SNAPSHOT,
  fast: true,
  cast: true,
  extraFields: true,
  missingFields: true,
};

export const OVERWRITE: OptionNames<OverwriteOptions & CommitOptions> = {
  ...SNAPSHOT,
  isolation: true,
  validateFrom: true,
  caseSensitive: true,
  retry: true,
};

export const ROW_CHANGE: OptionNames<RowChangeOptions & CommitOptions> = { ...OVERWRITE, mode: true };

export const MERGE: OptionNames<RowMergeOptions & CommitOptions> = {
  ...SNAPSHOT,
  isolation: true,
  validateFrom: true,
  retry: true,
  mode: true,
  on: true,
  newest: true,
  nullKeys: true,
  whenMatched: true,
  whenNotMatched: true,
};

export const ADD_FILES: OptionNames<AddFilesOptions & CommitOptions> = {
  ...SNAPSHOT,
  ignoreExtraColumns: true,
};

export const REWRITE: OptionNames<Pick<OverwriteOptions, "validateFrom"> & SnapshotOptions & CommitOptions> =
  {
    ...SNAPSHOT,
    validateFrom: true,
  };
