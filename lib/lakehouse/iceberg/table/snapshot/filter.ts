import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { specsById } from "../../files/manifest/specs.js";
import type { ManifestContent, ManifestEntry, ManifestFile } from "../../model/metadata/manifest-types.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { ManifestOutput } from "./manifest-output.js";
import type { FileSelector } from "./selector.js";

export interface Filtered {
  /** The manifests without the selected files, in the order given; those of them that were rewritten are new. */
  readonly manifests: readonly ManifestFile[];
  /** The entries that were taken out. */
  readonly removed: readonly ManifestEntry[];
  readonly rewritten: number;
}

/**
 * Takes the selected files out of manifests. A manifest with such a file is rewritten: the file's entry turns to
 * `deleted`, the other live ones to `existing`; entries deleted earlier are dropped.
 */
export async function filterManifests(
  metadata: TableMetadata,
  content: ManifestContent,
  manifests: readonly ManifestFile[],
  selector: FileSelector,
  output: ManifestOutput,
): Promise<Filtered> {
  const specs = specsById(metadata);
  const removed: ManifestEntry[] = [];
  let rewritten = 0;
  const filtered = await mapConcurrent(manifests, READ_CONCURRENCY, async (manifest) => {
    const live = manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0;
    if (!live || !selector.mayContain(manifest)) return [manifest];
    const entries = (await output.read(manifest, specs)).filter((entry) => entry.status !== "deleted");
    const selected = new Set(entries.filter((entry) => selector.selects(entry)));
    if (selected.size === 0) return [manifest];
    removed.push(...selected);
    rewritten += 1;
    return output.write(metadata, content, manifest.partitionSpecId, entries, (writer, entry) => {
      if (selected.has(entry)) writer.deleted(entry);
      else writer.existing(entry);
    });
  });
  selector.complete?.(removed);
  return { manifests: filtered.flat(), removed, rewritten };
}
