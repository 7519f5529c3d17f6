import type { ContentKey, IcebergTableContent } from "./content.js";

/** A table that both sides of a merge changed: as it was where what the source brings begins, and as either has it. */
export interface PartedTable {
  readonly key: ContentKey;
  readonly base: IcebergTableContent;
  readonly source: IcebergTableContent;
  readonly target: IcebergTableContent;
  /** The branch, tag or hash that the changes come from. */
  readonly from: string;
  /** True for a merge, whose target has grown from `base`; false where single commits are taken from elsewhere. */
  readonly isMerge: boolean;
  /** Finds out, and writes nothing. */
  readonly dryRun: boolean;
}

/** Both sides' changes together, or why they cannot be put together: after "and". */
export type MergedTable =
  | {
      readonly content: IcebergTableContent;
      /** To be called when it is known whether the content was committed: deletes what nothing refers to. */
      settle(committed: boolean): Promise<void>;
    }
  | { readonly refused: string };

export type MergeTables = (parted: PartedTable) => Promise<MergedTable>;
