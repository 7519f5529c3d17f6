/** Which segments of a partition become one. */
import type { TopicConfig } from "../meta/topic-config.js";
import type { StoredSegment } from "../segment/layout.js";
import { timeOf } from "./retention.js";

/** What a merged segment is at most. */
export interface MergeLimits {
  readonly bytes: number;
  /** From its first record to its last, in milliseconds. */
  readonly span: number;
  /** How many become one, at least. */
  readonly fewest: number;
}

const FEWEST = 8;
const MOST = 1_000;
const MOST_BYTES = 512 * 1024 * 1024;
const SMALLEST_BYTES = 1024;

/**
 * Retention takes whole segments: a merged one must not keep much longer what is to go, nor take much more with it.
 *
 * @param fewest how many become one, at least; 8 where not given.
 */
export function mergeLimits(
  { cleanupPolicy, retentionMs, retentionBytes }: TopicConfig,
  fewest = FEWEST,
): MergeLimits {
  const isDeleted = cleanupPolicy !== "compact";
  return {
    bytes: isDeleted && retentionBytes >= 0 ? Math.min(MOST_BYTES, retentionBytes / FEWEST) : MOST_BYTES,
    span: isDeleted && retentionMs >= 0 ? retentionMs / FEWEST : Number.POSITIVE_INFINITY,
    fewest,
  };
}

/**
 * Some neighbours that are to become one, small ones first; `undefined` where all is well.
 *
 * What comes of them is twice as large as the largest of them at least: so no byte is written again more often than
 * log2(largest / smallest) times, 19 from 1 KB to 512 MB. Of segments of one size, eight become one: then it is seven times.
 *
 * @param segments consecutive ones.
 */
export function planMerge(
  segments: readonly StoredSegment[],
  limits: MergeLimits,
): readonly StoredSegment[] | undefined {
  const tiers = segments.map(tierOf);
  for (const tier of [...new Set(tiers)].sort((a, b) => a - b)) {
    let run = new Run(limits);
    for (const [i, segment] of segments.entries()) {
      const isSmall = (tiers[i] as number) <= tier;
      if (isSmall && run.add(segment)) continue;
      if (run.isWorthIt) return run.segments;
      run = new Run(limits);
      if (isSmall) run.add(segment);
    }
    if (run.isWorthIt) return run.segments;
  }
  return undefined;
}

/** Neighbours, as many at once as may become one. */
export function groupsOf(segments: readonly StoredSegment[], limits: MergeLimits): StoredSegment[][] {
  const groups: StoredSegment[][] = [];
  let run = new Run(limits);
  for (const segment of segments) {
    if (run.add(segment)) continue;
    if (run.segments.length > 0) groups.push(run.segments);
    run = new Run(limits);
    // Alone, it may be larger than what is made.
    if (!run.add(segment)) groups.push([segment]);
  }
  if (run.segments.length > 0) groups.push(run.segments);
  return groups;
}

/** Sizes of one tier are within a factor of eight. */
function tierOf({ bytes }: StoredSegment): number {
  return Math.max(0, Math.floor(Math.log(bytes / SMALLEST_BYTES) / Math.log(FEWEST)));
}

class Run {
  readonly segments: StoredSegment[] = [];
  readonly #limits: MergeLimits;
  #bytes = 0;
  #largest = 0;
  #earliest = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;

  constructor(limits: MergeLimits) {
    this.#limits = limits;
  }

  /** @returns whether there was room. */
  add(segment: StoredSegment): boolean {
    const time = timeOf(segment);
    const [earliest, latest] = [Math.min(this.#earliest, time), Math.max(this.#latest, time)];
    const bytes = this.#bytes + segment.bytes;
    const { length } = this.segments;
    if (length === MOST || bytes > this.#limits.bytes || latest - earliest > this.#limits.span) return false;
    this.segments.push(segment);
    this.#bytes = bytes;
    this.#largest = Math.max(this.#largest, segment.bytes);
    this.#earliest = earliest;
    this.#latest = latest;
    return true;
  }

  get isWorthIt(): boolean {
    return this.segments.length >= this.#limits.fewest && this.#bytes >= 2 * this.#largest;
  }
}
