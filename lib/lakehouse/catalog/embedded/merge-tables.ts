import {
  appendsToRebase,
  metadataFileVersion,
  rebaseAppends,
  writeTableMetadata,
} from "../../iceberg/index.js";
import type { ObjectStore } from "../../storage/index.js";
import type { IcebergTableContent } from "../model/content.js";
import type { MergedTable, MergeTables } from "../model/table-merge.js";
import { discard } from "../versioned/files.js";
import type { MetadataCache } from "../versioned/metadata-cache.js";
import { TABLE } from "../versioned/tables.js";

/**
 * Puts the changes of two branches to one table together, where both only appended: the files that the source added are
 * added to the target's table, in one snapshot that names where they come from. They count as written now: deletes that
 * the table has do not reach them, since a delete reaches what has a lower sequence number.
 */
export function mergeTablesIn(store: ObjectStore, metadata: MetadataCache): MergeTables {
  return async ({ base, source, target, from, isMerge, dryRun }): Promise<MergedTable> => {
    const read = ({ metadataLocation }: IcebergTableContent) => metadata.read(metadataLocation);
    const [before, theirs, ours] = await Promise.all([read(base), read(source), read(target)]);
    const rebase = await appendsToRebase({
      store,
      base: before,
      source: theirs,
      target: ours,
      targetHasBase: isMerge,
    });
    if (typeof rebase === "string") return { refused: rebase };
    if (dryRun || rebase.files.length === 0) return { content: target, settle: async () => {} };
    const { metadataLocation } = target;
    const summary = {
      "sololakehouse.merged-from": from,
      "source-snapshot-id": String(theirs.currentSnapshotId),
    };
    const made = await rebaseAppends(store, { metadata: ours, metadataLocation }, rebase, summary);
    try {
      const version = (metadataFileVersion(metadataLocation) ?? 0) + 1;
      const location = await writeTableMetadata(store, made.metadata, version);
      metadata.remember(location, made.metadata);
      return {
        content: TABLE.toContent(target.id, location, made.metadata),
        async settle(committed) {
          await made.settle(committed);
          if (!committed) await discard(store, [location]);
        },
      };
    } catch (error) {
      await made.settle(false).catch(() => {}); // the failure that led here is the one to report
      throw error;
    }
  };
}
