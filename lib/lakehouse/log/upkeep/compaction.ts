/** Key compaction: of each key, the latest record stays; offsets and order do. */
import type { ObjectStore } from "../../storage/index.js";
import type { TopicConfig } from "../meta/topic-config.js";
import type { Place } from "../partition/place.js";
import { nextOffset } from "../partition/tail.js";
import { prepareCompression } from "../records/compression.js";
import { CONTROL, TRANSACTIONAL } from "../records/header.js";
import type { StoredSegment } from "../segment/layout.js";
import { deleteHorizon, keepRecords, keyedRecords, markHorizon } from "../segment/rewrite-batch.js";
import type { HeldBatch } from "../segment/segment-builder.js";
import { type AbortedTransaction, readAborted } from "../segment/segment-state.js";
import { KeyMap, MOST_KEYS } from "./key-map.js";
import { batchesOf, openSegments } from "./read-segment.js";
import { timeOf } from "./retention.js";
import type { Keeping } from "./rewrite.js";

/** What is to be compacted of a partition. */
export interface CompactionPlan {
  /** From the partition's first segment on. */
  readonly segments: readonly StoredSegment[];
  /** Those with records that were never looked at, and all behind them: transactions may end there. */
  readonly recent: readonly StoredSegment[];
  /** One behind the last record that may be looked at. */
  readonly end: bigint;
}

/**
 * What there is to compact, if it is enough to be worth it. Never the newest segment, nor what is before an open
 * transaction ends: its end has to be in the object store, as the records that take others' places are.
 *
 * @param segments all that count.
 * @param cleaned up to where it was done before.
 */
export function planCompaction(
  segments: readonly StoredSegment[],
  cleaned: bigint,
  { cleanupPolicy, minCompactionLagMs, minCleanableDirtyRatio }: TopicConfig,
  now: number,
): CompactionPlan | undefined {
  const newest = segments.at(-1);
  if (cleanupPolicy === "delete" || newest === undefined) return undefined;
  const isTooNew = (segment: StoredSegment) =>
    segment === newest ||
    segment.nextOffset > newest.lastStable ||
    (minCompactionLagMs > 0 && now - timeOf(segment) < minCompactionLagMs);
  const count = segments.findIndex(isTooNew);
  const old = segments.slice(0, count);
  const dirty = old.filter((segment) => segment.nextOffset > cleaned);
  const last = dirty.at(-1);
  if (last === undefined || sizeOf(dirty) < minCleanableDirtyRatio * sizeOf(old)) return undefined;
  const recent = segments.slice(segments.indexOf(dirty[0] as StoredSegment));
  return { segments: old, recent, end: last.nextOffset };
}

function sizeOf(segments: readonly StoredSegment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}

export interface CompactionParts {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly signal: AbortSignal;
}

/**
 * What stays of a partition's batches. Records before `end` stay where no later one before it has their key; those behind
 * it all do. A record without a value, which deletes its key, and a transaction's marker stay until `deleteRetentionMs` after
 * they were first looked at here: who has read what was before them reads them, too.
 */
export class Compaction implements Keeping {
  readonly end: bigint;
  readonly #latest: KeyMap;
  readonly #aborted: Aborted;
  readonly #now: bigint;
  readonly #horizon: bigint;
  readonly #droppedMarkers = new Set<bigint>();

  private constructor(
    latest: KeyMap,
    end: bigint,
    aborted: Aborted,
    now: number,
    { deleteRetentionMs }: TopicConfig,
  ) {
    this.#latest = latest;
    this.end = end;
    this.#aborted = aborted;
    this.#now = BigInt(now);
    this.#horizon = BigInt(now + deleteRetentionMs);
  }

  /**
   * Reads the keys that were never looked at: as many as one map has room for.
   *
   * @param cleaned up to where it was done before.
   * @throws LakehouseError CORRUPT_SEGMENT, CORRUPT_RECORD_BATCH, STORAGE_FAILED
   */
  static async prepare(
    { store, place, signal }: CompactionParts,
    plan: CompactionPlan,
    cleaned: bigint,
    config: TopicConfig,
    now: number,
    mostKeys = MOST_KEYS,
  ): Promise<Compaction> {
    await prepareCompression("zstd");
    const aborted = new Aborted();
    for await (const { uri, footer } of openSegments(store, place, plan.recent))
      aborted.add(await readAborted(store, uri, footer));
    const dirty = plan.recent.filter(({ baseOffset }) => baseOffset < plan.end);
    const records = dirty.reduce((sum, segment) => sum + segment.records, 1);
    let latest = new KeyMap(Math.min(records, mostKeys), cleaned);
    let end = cleaned;
    for await (const segment of openSegments(store, place, dirty))
      for await (const batch of batchesOf(store, segment)) {
        signal.throwIfAborted();
        const next = nextOffset(batch);
        if (next <= cleaned) continue;
        if (latest.room < batch.header.count) {
          if (end > cleaned) return new Compaction(latest, end, aborted, now, config);
          latest = new KeyMap(batch.header.count, cleaned);
        }
        if (!isControl(batch) && !aborted.has(batch))
          for (const { key, offset } of keyedRecords(batch, segment.uri))
            if (key !== null) latest.set(key, offset);
        end = next;
      }
    return new Compaction(latest, plan.end, aborted, now, config);
  }

  keep(batch: HeldBatch, subject: string): HeldBatch | undefined {
    if (nextOffset(batch) > this.end) return batch;
    if (this.#aborted.has(batch)) return undefined;
    const horizon = deleteHorizon(batch);
    const isOver = horizon !== undefined && horizon <= this.#now;
    if (isControl(batch)) {
      if (isOver) this.#droppedMarkers.add(batch.header.baseOffset);
      return isOver ? undefined : horizon === undefined ? markHorizon(batch, this.#horizon) : batch;
    }
    return keepRecords(
      batch,
      ({ key, offset, hasValue }) => {
        if (key === null) return true;
        const latest = this.#latest.get(key);
        return (latest === undefined || latest <= offset) && (hasValue || !isOver);
      },
      this.#horizon,
      subject,
    );
  }

  /** An aborted transaction is known as long as its marker is there. */
  keepsAborted({ lastOffset }: AbortedTransaction): boolean {
    return !this.#droppedMarkers.has(lastOffset);
  }
}

function isControl({ header }: HeldBatch): boolean {
  return (header.attributes & CONTROL) !== 0;
}

/** Aborted transactions, by producer. */
class Aborted {
  readonly #byProducer = new Map<bigint, AbortedTransaction[]>();

  add(aborted: readonly AbortedTransaction[]): void {
    for (const one of aborted) {
      const known = this.#byProducer.get(one.producerId);
      if (known === undefined) this.#byProducer.set(one.producerId, [one]);
      else known.push(one);
    }
  }

  /** Whether the batch's records were aborted; a marker has none. */
  has(batch: HeldBatch): boolean {
    const { attributes, producerId, baseOffset } = batch.header;
    if ((attributes & TRANSACTIONAL) === 0 || isControl(batch)) return false;
    const own = this.#byProducer.get(producerId) ?? [];
    return own.some(({ firstOffset, lastOffset }) => firstOffset <= baseOffset && baseOffset < lastOffset);
  }
}
