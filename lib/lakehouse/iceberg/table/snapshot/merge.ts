import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { specsById } from "../../files/manifest/specs.js";
import type { ManifestContent, ManifestEntry, ManifestFile } from "../../model/metadata/manifest-types.js";
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
  const merged: ManifestFile[] = [];
  for (const [specId, group] of groupBySpec(manifests)) {
    for (const bin of packFromEnd(group, target)) {
      const keep = bin.length === 1 || (bin.includes(first) && bin.length < minimum);
      if (keep) merged.push(...bin);
      else merged.push(...(await mergeBin(metadata, content, specId, bin, output)));
    }
  }
  return merged;
}

/** Newest spec first. */
function groupBySpec(manifests: readonly ManifestFile[]): [SpecId, ManifestFile[]][] {
  const bySpec = new Map<SpecId, ManifestFile[]>();
  for (const manifest of manifests) {
    const group = bySpec.get(manifest.partitionSpecId);
    if (group === undefined) bySpec.set(manifest.partitionSpecId, [manifest]);
    else group.push(manifest);
  }
  return [...bySpec].sort(([a], [b]) => b - a);
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

/**
 * Writes all live entries of manifests anew, those of a partition side by side, so that a reader of some partitions reads
 * few manifests. Where one manifest of a spec is all there is, it stays.
 */
export async function clusterManifests(
  metadata: TableMetadata,
  content: ManifestContent,
  manifests: readonly ManifestFile[],
  output: ManifestOutput,
): Promise<ManifestFile[]> {
  const clustered: ManifestFile[] = [];
  for (const [specId, group] of groupBySpec(manifests)) {
    if (group.length === 1) clustered.push(...group);
    else clustered.push(...(await mergeBin(metadata, content, specId, group, output, byPartition)));
  }
  return clustered;
}

/** By the values of the partition, null first: stable, so that entries of one partition keep their order. */
function byPartition({ dataFile: a }: ManifestEntry, { dataFile: b }: ManifestEntry): number {
  for (const [i, value] of a.partition.entries()) {
    const other = b.partition[i] ?? null;
    if (value === other) continue;
    if (value === null || other === null) return value === null ? -1 : 1;
    if (value < other) return -1;
    if (value > other) return 1;
  }
  return 0;
}

async function mergeBin(
  metadata: TableMetadata,
  content: ManifestContent,
  specId: SpecId,
  bin: readonly ManifestFile[],
  output: ManifestOutput,
  order?: (a: ManifestEntry, b: ManifestEntry) => number,
): Promise<ManifestFile[]> {
  const specs = specsById(metadata);
  const entries = await mapConcurrent(bin, READ_CONCURRENCY, (manifest) => {
    // v1 writes no sequence numbers, not even of entries that a manifest of this commit has deleted: all are 0.
    const isUnnumbered = metadata.formatVersion === 1 && manifest.sequenceNumber === UNASSIGNED;
    return output.read(isUnnumbered ? { ...manifest, sequenceNumber: 0n } : manifest, specs);
  });
  // Deletions of earlier snapshots have done their work: only this snapshot's are carried on.
  const carried = entries.flat().filter((e) => e.status !== "deleted" || e.snapshotId === output.snapshotId);
  if (order !== undefined) carried.sort(order);
  return output.write(metadata, content, specId, carried, (writer, entry) => writer.carry(entry));
}
