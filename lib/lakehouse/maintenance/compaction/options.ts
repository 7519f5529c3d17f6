import { type Abortable, invalidArgument } from "../../errors.js";
import type { Expression, SortFieldInit } from "../../iceberg/index.js";
import { checkOptions, type OptionNames } from "../../options.js";

/**
 * How rows come to lie in the new files. `bin-pack`: as they come, quickest. `sort`: in order, so that filters on the first
 * columns of it read few files. `z-order`: along a curve through several columns, so that filters on any of them do.
 */
export type CompactionStrategy = "bin-pack" | "sort" | "z-order";

/** Which files are worth rewriting. */
export interface FileChoice {
  /** The size that files shall have, in bytes. Default: the table's `write.target-file-size-bytes`, 512 MiB. */
  readonly targetFileSizeBytes?: number | undefined;
  /** Files smaller than this are too small. Default: 75% of the target. */
  readonly minFileSizeBytes?: number | undefined;
  /** Files larger than this are too large. Default: 180% of the target. */
  readonly maxFileSizeBytes?: number | undefined;
  /** So many small files of a partition are worth one commit, where they don't make a file of the target size. Default 5. */
  readonly minInputFiles?: number | undefined;
  /** A file with more delete files than this is rewritten, whatever its size. Default 2. */
  readonly maxDeleteFiles?: number | undefined;
  /** So is a file of which a larger part of the rows is deleted, as far as metadata tells. Default 0.2. */
  readonly maxDeletedShare?: number | undefined;
}

export interface CompactOptions extends FileChoice, Abortable {
  /** The table's own branch, not the catalog's. Default `main`. */
  readonly branch?: string | undefined;
  /** Default: `sort` where the table has a sort order, else `bin-pack`. */
  readonly strategy?: CompactionStrategy | undefined;
  /** What `sort` sorts by (default: the table's sort order), or the columns of `z-order`. */
  readonly by?: readonly (string | SortFieldInit)[] | undefined;
  /** Only files that may have a row for which this is true: a few partitions, say. */
  readonly where?: Expression | undefined;
  /** True rewrites every file, be it worth it or not. Default: where an order is asked for, by `strategy` or `by`. */
  readonly rewriteAll?: boolean | undefined;
  /** Bytes that are read and written at a time: what is lost when another commit is in the way. Default 4 GiB. */
  readonly maxGroupSizeBytes?: number | undefined;
  /** Commits at most. Of several, each is of some of the groups, and one that fails leaves what the others did. Default 10. */
  readonly maxCommits?: number | undefined;
  /** Says what would be rewritten, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** For the catalog's log. */
  readonly message?: string | undefined;
}

const COMPACT: OptionNames<CompactOptions> = {
  targetFileSizeBytes: true,
  minFileSizeBytes: true,
  maxFileSizeBytes: true,
  minInputFiles: true,
  maxDeleteFiles: true,
  maxDeletedShare: true,
  branch: true,
  strategy: true,
  by: true,
  where: true,
  rewriteAll: true,
  maxGroupSizeBytes: true,
  maxCommits: true,
  dryRun: true,
  message: true,
  signal: true,
};

const STRATEGIES: readonly CompactionStrategy[] = ["bin-pack", "sort", "z-order"];

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkCompactOptions(options: CompactOptions): void {
  checkOptions("compact", options, COMPACT);
  const { strategy, by, maxDeletedShare: share } = options;
  if (strategy !== undefined && !STRATEGIES.includes(strategy)) {
    throw invalidArgument(
      "strategy",
      `There is no strategy ${JSON.stringify(strategy)}.`,
      `Use ${STRATEGIES.join(", ")}.`,
    );
  }
  if (by !== undefined && !Array.isArray(by)) {
    throw invalidArgument("by", "What to sort by is no array of columns.", 'Write ["date", "origin"].');
  }
  if (by !== undefined && strategy === "bin-pack") {
    throw invalidArgument(
      "by",
      "bin-pack keeps rows as they are, and sorts by nothing.",
      "Use sort or z-order.",
    );
  }
  for (const name of ["targetFileSizeBytes", "minInputFiles", "maxGroupSizeBytes", "maxCommits"] as const)
    requireWhole(name, options[name], 1);
  for (const name of ["minFileSizeBytes", "maxFileSizeBytes", "maxDeleteFiles"] as const)
    requireWhole(name, options[name], 0);
  if (share !== undefined && !(share >= 0 && share <= 1)) {
    throw invalidArgument("maxDeletedShare", `${String(share)} is no share.`, "Give a number from 0 to 1.");
  }
}

function requireWhole(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw invalidArgument(name, `${name} is ${String(value)}.`, `Give a whole number from ${least} up.`);
}
