/** Brings what an earlier process has left in the write-ahead log to its partitions. */
import { isDeepStrictEqual } from "node:util";
import type { ObjectStore } from "../storage/index.js";
import type { Cluster } from "./cluster/cluster.js";
import { fenced, metadataLost, noSuchTopic, notLeader } from "./errors.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import { logLost } from "./metrics.js";
import { Learner } from "./partition/learn.js";
import type { Partition } from "./partition/partition.js";
import { type Place, segmentName } from "./partition/place.js";
import { Segments } from "./partition/segments.js";
import { nextOffset } from "./partition/tail.js";
import { leaderEpochOf, readHeader } from "./records/header.js";
import { readRecords } from "./records/read-records.js";
import { HEADER_BYTES, offsets, type StoredSegment } from "./segment/layout.js";
import type { HeldBatch } from "./segment/segment-builder.js";
import { readWriterId } from "./segment/segment-reader.js";
import type { WalEntry } from "./wal/layout.js";
import { partitionKey, type Wal } from "./wal/wal.js";

/** Of blocks that another writer has put. */
const CACHE_BYTES = 16 * 1024 * 1024;
/** Above every offset. */
export const NEVER_MORE = 2n ** 63n - 1n;

export interface TakeUpParts {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
  readonly wal: Wal;
  readonly cluster: Cluster;
  readonly partition: (topic: TopicRecord, number: number) => Promise<Partition>;
}

/**
 * An entry is either in the object store already, or stands right behind what is; or its topic is deleted. All else is an
 * error, since these records were acknowledged.
 *
 * @throws LakehouseError LOG_METADATA_LOST where the metadata knows too little; FENCED where another writer's records have
 *   the offsets; CORRUPT_SEGMENT, STORAGE_FAILED
 */
export async function takeUp(parts: TakeUpParts, entries: readonly WalEntry[]): Promise<void> {
  if (parts.cluster.isShared) return takeUpShared(parts, entries);
  const stored = new StoredRecords(parts);
  const topics = new Map((await parts.meta.topics()).map((topic) => [topic.id, topic]));
  const partitions = new Set<Partition>();
  for (const { topicId, partition: number, batch } of entries) {
    const topic = topics.get(topicId);
    if (topic === undefined) await checkDeleted(parts, topicId);
    const partition = topic && (await openUnlessDeleted(parts, topic, number));
    if (topic === undefined || partition === undefined) {
      await parts.wal.stored(partitionKey(topicId, number), NEVER_MORE);
      continue;
    }
    const name = `${topic.name}/${number}`;
    partitions.add(partition);
    const held = { bytes: batch, header: readHeader(batch, 0, name) };
    if (nextOffset(held) <= partition.stored) await stored.check(topic, number, held);
    else if (held.header.baseOffset === partition.highWatermark) partition.restore(held);
    else
      throw metadataLost(
        name,
        `The write-ahead log has offset ${held.header.baseOffset} of ${name}, and the metadata ends at ${partition.highWatermark}.`,
        "Make the metadata again from the object store, with recover.",
      );
  }
  for (const partition of partitions)
    await parts.wal.stored(partitionKey(partition.topicId, partition.number), partition.stored);
}

/**
 * The same where other servers may have led the partitions since. Of those that nobody else has, which their epochs tell,
 * entries go on where they stand; of the others they are in the object store, or are lost: that is what `wal` survives there.
 */
async function takeUpShared(parts: TakeUpParts, entries: readonly WalEntry[]): Promise<void> {
  const { cluster, wal } = parts;
  const stored = new StoredRecords(parts);
  const learner = new Learner(parts);
  const topics = new Map((await parts.meta.topics()).map((topic) => [topic.id, topic]));
  const lost = new Map<string, { records: number; readonly from: bigint }>();
  const keys = new Set<string>();
  const opened = new Set<Partition>();
  for (const { topicId, partition: number, batch } of entries) {
    const key = partitionKey(topicId, number);
    const topic = topics.get(topicId);
    if (topic === undefined) await checkDeleted(parts, topicId);
    if (!keys.has(key) && topic !== undefined) await learner.learn(topicId, number);
    keys.add(key);
    if (topic === undefined) continue;
    const name = `${topic.name}/${number}`;
    const held = { bytes: batch, header: readHeader(batch, 0, name) };
    const epoch = leaderEpochOf(batch);
    const isOwn = cluster.epoch(topicId, number) === epoch;
    const partition = isOwn ? await openWhereLed(parts, topic, number, epoch) : undefined;
    if (partition !== undefined && held.header.baseOffset === partition.durable) {
      partition.restore(held);
      opened.add(partition);
    } else if (!(await stored.has(topic, number, held))) {
      const before = lost.get(name) ?? { records: 0, from: held.header.baseOffset };
      lost.set(name, { ...before, records: before.records + held.header.count });
    }
  }
  for (const [partition, { records, from }] of lost) logLost.publish({ partition, records, from });
  const restored = new Map([...opened].map((partition) => [partition.key, partition.stored]));
  for (const key of keys) {
    const end = restored.get(key);
    await (end === undefined ? wal.forget(key) : wal.stored(key, end));
  }
}

async function openWhereLed(parts: TakeUpParts, topic: TopicRecord, number: number, epoch: number) {
  try {
    return await openUnlessDeleted(parts, topic, number);
  } catch (error) {
    // Where nobody else leads yet, it is too early to call anything lost.
    if (notLeader.is(error) && parts.cluster.epoch(topic.id, number) !== epoch) return undefined;
    throw error;
  }
}

/** The deletion of a topic may have ended with its process: then the metadata still knows it. */
async function openUnlessDeleted(
  { partition }: TakeUpParts,
  topic: TopicRecord,
  number: number,
): Promise<Partition | undefined> {
  try {
    return await partition(topic, number);
  } catch (error) {
    if (noSuchTopic.is(error)) return undefined;
    throw error;
  }
}

/** A topic that the metadata does not know is deleted; else it was the metadata that was. */
async function checkDeleted({ store, place }: TakeUpParts, topicId: string): Promise<void> {
  if ((await store.head(place.topic(topicId))) === undefined) return;
  if ((await store.head(place.deleted(topicId))) !== undefined) return;
  throw metadataLost(
    topicId,
    `The write-ahead log has records of the topic ${topicId}, which is in the object store, and which the metadata does not know.`,
    "Make the metadata again from the object store, with recover.",
  );
}

/** Whether all records of one batch are in the other, as they are there. */
function isPartOf(part: HeldBatch, whole: HeldBatch): boolean {
  const byOffset = new Map(readRecords(whole.bytes, "write-ahead log").map((one) => [one.offset, one]));
  return readRecords(part.bytes, "segment").every((one) => isDeepStrictEqual(one, byOffset.get(one.offset)));
}

/** A segment is asked once whose it is, however many entries it has. */
class StoredRecords {
  readonly #parts: TakeUpParts;
  readonly #segments: Segments;
  readonly #own = new Map<string, boolean>();

  constructor(parts: TakeUpParts) {
    this.#parts = parts;
    this.#segments = new Segments(parts.store, parts.place, CACHE_BYTES);
  }

  /** Whether it is in the object store, as it was acknowledged here. */
  async has(topic: TopicRecord, number: number, held: HeldBatch): Promise<boolean> {
    const { meta } = this.#parts;
    const last = await meta.lastSegment(topic.id, number);
    if (nextOffset(held) > (last?.nextOffset ?? 0n)) return false;
    const segment = await meta.segmentOf(topic.id, number, held.header.baseOffset);
    return segment === undefined || this.#isIn(segment, held);
  }

  /** What another writer has put at these offsets is not what was acknowledged here. */
  async check(topic: TopicRecord, number: number, held: HeldBatch): Promise<void> {
    const { meta, place } = this.#parts;
    const { baseOffset } = held.header;
    const segment = await meta.segmentOf(topic.id, number, baseOffset);
    // Where retention has taken it, it was there.
    if (segment === undefined) return;
    const uri = place.object(segment);
    if ((await this.#isOwn(uri)) || (await this.#isIn(segment, held))) return;
    throw fenced(
      uri,
      `The write-ahead log has acknowledged records for ${offsets(baseOffset, nextOffset(held))} of ${topic.name}/${number}, and another writer has put others there.`,
      "Let one machine write a log. To give up what only this one has, move its write-ahead log away.",
    );
  }

  async #isIn(segment: StoredSegment, held: HeldBatch): Promise<boolean> {
    const { baseOffset } = held.header;
    const { batches } = await this.#segments.blockOf(segment, baseOffset);
    const stored = batches.find((one) => one.header.baseOffset <= baseOffset && baseOffset < nextOffset(one));
    if (stored !== undefined && Buffer.compare(stored.bytes, held.bytes) === 0) return true;
    // Compaction takes records out, and may have taken all of these. It puts no others in their place.
    if (segment.object === segmentName(segment.sequence)) return false;
    return stored === undefined || (stored.header.baseOffset === baseOffset && isPartOf(stored, held));
  }

  async #isOwn(uri: string): Promise<boolean> {
    const { store, meta } = this.#parts;
    let isOwn = this.#own.get(uri);
    if (isOwn === undefined) {
      isOwn = await meta.hasWritten(
        readWriterId(await store.read(uri, { start: 0, end: HEADER_BYTES }), uri),
      );
      this.#own.set(uri, isOwn);
    }
    return isOwn;
  }
}
