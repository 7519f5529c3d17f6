import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { specsById } from "../../files/manifest/specs.js";
import type { ManifestContent, ManifestFile } from "../../model/metadata/manifest-types.js";
import { booleanProperty, numberProperty } from "../../model/metadata/properties.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { SpecId } from "../../model/partitioning/types.js";
import { type ManifestOutput, UNASSIGNED } from "./manifest-output.js";

/**
 * Merges small manifests of one content, as `commit.manifest-merge.enabled`, `commit.manifest.min-count-to-merge`
 * and `commit.manifest.target-size-bytes` say: manifests of a spec are packed from the oldest on into bins of the
 * target size; the bin that holds the newest manifest is left alone until it has the minimum count.
 *
 * @param manifests newest first; the first one is new in this snapshot, if any is.
 */
export async function mergeManifests(
  metadata: TableMetadata,
  content: ManifestContent,
  manifests: readonly ManifestFile[],
  output: ManifestOutput,
): Promise<ManifestFile[]> {
  const [first] = manifests;
  if (first === undefined || !booleanProperty(metadata, "commit.manifest-merge.enabled"))
    return [...manifests];
  const minimum = numberProperty(metadata, "commit.manifest.min-count-to-merge");
  const target = numberProperty(metadata, "commit.manifest.target-size-bytes");
  const bySpec = new Map<SpecId, ManifestFile[]>();
  for (const manifest of manifests) {
    const group = bySpec.get(manifest.partitionSpecId);
    if (group === undefined) bySpec.set(manifest.partitionSpecId, [manifest]);
    else group.push(manifest);
  }
  const merged: ManifestFile[] = [];
  for (const [specId, group] of [...bySpec].sort(([a], [b]) => b - a)) {
    for (const bin of packFromEnd(group, target)) {
      const keep = bin.length === 1 || (bin.includes(first) && bin.length < minimum);
      if (keep) merged.push(...bin);
      else merged.push(...(await mergeBin(metadata, content, specId, bin, output)));
    }
  }
  return merged;
}

/** Bins of manifests whose lengths add up to the target at most, filled from the end so that the first one is short. */
function packFromEnd(manifests: readonly ManifestFile[], target: number): ManifestFile[][] {
  const bins: ManifestFile[][] = [];
  let bin: ManifestFile[] = [];
  let size = 0;
  for (const manifest of manifests.toReversed()) {
    const length = Number(manifest.manifestLength);
    if (bin.length > 0 && size + length > target) {
      bins.push(bin.reverse());
      bin = [];
      size = 0;
    }
    bin.push(manifest);
    size += length;
  }
  if (bin.length > 0) bins.push(bin.reverse());
  return bins.reverse();
}

async function mergeBin(
  metadata: TableMetadata,
  content: ManifestContent,
  specId: SpecId,
  bin: readonly ManifestFile[],
  output: ManifestOutput,
): Promise<ManifestFile[]> {
  const specs = specsById(metadata);
  const entries = await mapConcurrent(bin, READ_CONCURRENCY, (manifest) => {
    // v1 writes no sequence numbers, not even of entries that a manifest of this commit has deleted: all are 0.
    const isUnnumbered = metadata.formatVersion === 1 && manifest.sequenceNumber === UNASSIGNED;
    return output.read(isUnnumbered ? { ...manifest, sequenceNumber: 0n } : manifest, specs);
  });
  // Deletions of earlier snapshots have done their work: only this snapshot's are carried on.
  const carried = entries.flat().filter((e) => e.status !== "deleted" || e.snapshotId === output.snapshotId);
  return output.write(metadata, content, specId, carried, (writer, entry) => writer.carry(entry));
}
