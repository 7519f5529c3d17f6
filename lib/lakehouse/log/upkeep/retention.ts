/** Which records of a partition are too old, or too many. */

import type { Doomed, Manifest } from "../manifest/manifest.js";
import type { ManifestChange } from "../manifest/manifest-file.js";
import type { TopicConfig } from "../meta/topic-config.js";
import type { StoredSegment } from "../segment/layout.js";

/**
 * When a segment's latest record is from, in milliseconds since the epoch. A time that was still to come when the segment
 * was stored counts as that moment: one wrong clock would else keep all that is behind it.
 */
export function timeOf({ maxTimestamp, storedAt }: StoredSegment): number {
  return maxTimestamp < 0n ? storedAt : Math.min(Number(maxTimestamp), storedAt);
}

/**
 * Where a partition begins, by its topic's settings. As Kafka does: whole segments go, the oldest first; by time when the
 * latest record is too old, by size when as much as is to be kept is behind them.
 *
 * @param segments in their order.
 * @param start where it begins as yet.
 */
export function retainedFrom(
  segments: readonly StoredSegment[],
  { cleanupPolicy, retentionMs, retentionBytes }: TopicConfig,
  start: bigint,
  now: number,
): bigint {
  if (cleanupPolicy === "compact") return start;
  const kept = segments.filter(({ nextOffset }) => nextOffset > start);
  let left = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  let from = start;
  for (const segment of kept) {
    const isOld = retentionMs >= 0 && now - timeOf(segment) > retentionMs;
    const isMuch = retentionBytes >= 0 && left - segment.bytes >= retentionBytes;
    if (!isOld && !isMuch) break;
    from = segment.nextOffset;
    left -= segment.bytes;
  }
  return from;
}

/** All segments of a partition that count. @param known to the metadata, in their order. */
export function countingSegments(manifest: Manifest, known: readonly StoredSegment[]): StoredSegment[] {
  return [...manifest.segments, ...known.filter(({ sequence }) => sequence >= manifest.next)];
}

/**
 * Lets a partition begin at an offset. Segments before it count no more, but for the newest: it says what is known of
 * producers.
 *
 * @param segments all that count.
 */
export function beginningAt(
  manifest: Manifest,
  segments: readonly StoredSegment[],
  start: bigint,
  now: number,
): ManifestChange | undefined {
  if (start <= manifest.start) return undefined;
  const dropped = segments.slice(0, -1).filter(({ nextOffset }) => nextOffset <= start);
  const last = dropped.at(-1);
  if (last === undefined) return { start };
  const isListed = last.sequence < manifest.next;
  return {
    start,
    next: isListed ? manifest.next : last.lastSequence + 1,
    nextOffset: isListed ? manifest.nextOffset : last.nextOffset,
    segments: manifest.segments.slice(dropped.length),
    doomed: [...manifest.doomed, ...doomedBy(dropped, now)],
  };
}

export function doomedBy(segments: readonly StoredSegment[], since: number): Doomed[] {
  return segments.map(({ object }) => ({ object, since }));
}
