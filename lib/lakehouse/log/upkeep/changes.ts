/** What upkeep changes of a partition: always its manifest first, then the metadata, then what is in memory. */
import type { Manifest } from "../manifest/manifest.js";
import type { ManifestChange } from "../manifest/manifest-file.js";
import type { LogMeta } from "../meta/log-meta.js";
import type { Clock } from "../partition/clock.js";
import type { Partition } from "../partition/partition.js";
import type { StoredSegment } from "../segment/layout.js";
import { beginningAt, countingSegments, doomedBy } from "./retention.js";
import { type Keeping, type RewriteParts, replacing, rewriteSegments } from "./rewrite.js";

export interface ChangeParts {
  readonly meta: LogMeta;
  readonly clock: Clock;
}

export type RewritingParts = ChangeParts & RewriteParts;

/**
 * @param change gets the manifest, and all segments that count.
 * @throws LakehouseError FENCED where another writer has taken the partition over; STORAGE_FAILED
 */
export async function changeManifest(
  { meta }: ChangeParts,
  partition: Partition,
  change: (manifest: Manifest, segments: readonly StoredSegment[]) => ManifestChange | undefined,
): Promise<void> {
  const { topicId, number } = partition;
  const known = await meta.segments(topicId, number);
  const manifest = await partition.manifest.change((manifest) => {
    partition.checkOwner(manifest);
    return change(manifest, countingSegments(manifest, known));
  });
  if (manifest !== undefined) await meta.setManifest(topicId, number, manifest);
}

/** Readers have nothing before the offset from then on. */
export async function beginAt(parts: ChangeParts, partition: Partition, start: bigint): Promise<void> {
  const now = parts.clock.now();
  await changeManifest(parts, partition, (manifest, segments) => beginningAt(manifest, segments, start, now));
  partition.begin(start);
}

/**
 * Puts one segment in the place of several.
 *
 * @param run consecutive ones.
 * @param keeping what stays of them; all where not given.
 * @param change of the manifest, beside.
 * @returns whether it was done: else others have changed the partition meanwhile, and it is to be planned anew.
 */
export async function replaceRun(
  parts: RewritingParts,
  partition: Partition,
  run: readonly StoredSegment[],
  keeping?: Keeping,
  change: ManifestChange = {},
): Promise<boolean> {
  const { meta, clock } = parts;
  const { topicId, number, manifest: file } = partition;
  const before = await file.read();
  if (before === undefined) return false;
  partition.checkOwner(before);
  const known = await meta.manifest(topicId, number);
  if (known === undefined || known.revision < before.revision) {
    await meta.setManifest(topicId, number, before);
    return false;
  }
  const { foreign } = file;
  const merged = await rewriteSegments(parts, run, keeping);
  const now = clock.now();
  let isReplaced = false;
  await changeManifest(parts, partition, (manifest, segments) => {
    // What another has forgotten, or deleted already, must not be listed.
    const replaced = file.foreign === foreign ? replacing(manifest, segments, run, merged, now) : undefined;
    isReplaced = replaced !== undefined;
    if (replaced !== undefined) return { ...replaced, ...change };
    return { doomed: [...manifest.doomed, ...doomedBy([merged.segment], now)] };
  });
  return isReplaced;
}
