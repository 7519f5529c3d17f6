/** Begins to write a partition behind what others have put. */
import type { Cluster } from "./cluster/cluster.js";
import { ledElsewhere, noSuchTopic, topicDeleted } from "./errors.js";
import { firstManifest, type Manifest } from "./manifest/manifest.js";
import type { ManifestFile } from "./manifest/manifest-file.js";
import type { TopicRecord, Writing } from "./meta/log-meta.js";
import { findSegments } from "./partition/learn.js";
import type { PartitionEnd } from "./partition/partition.js";
import { fencePartition, type UploaderParts } from "./partition/uploader.js";
import { checkFirst } from "./recover.js";
import type { StoredSegment } from "./segment/layout.js";
import { readFooterOf, tailOf } from "./segment/segment-reader.js";
import { type ProducerEntry, readProducers } from "./segment/segment-state.js";

export interface AdoptParts extends UploaderParts, Writing {
  readonly cluster: Cluster;
}

/**
 * Makes segments known that an earlier process had put, and not yet made known; then says where the next one goes. Where
 * another may have led, a segment without records goes there first: so whatever that one has on its way comes too late.
 *
 * @throws LakehouseError NO_SUCH_TOPIC, NOT_LEADER, CORRUPT_SEGMENT, STORAGE_FAILED, FENCED
 */
export async function adoptPartition(
  parts: AdoptParts,
  topic: TopicRecord,
  number: number,
  manifest: ManifestFile,
): Promise<PartitionEnd> {
  const { meta, store, place, cluster } = parts;
  if ((await store.head(place.deleted(topic.id))) !== undefined)
    throw noSuchTopic(
      topic.name,
      `The topic ${topic.name} is deleted, and some of its objects are still there.`,
      "Call deleteTopic again, which ends that.",
    );
  for (;;) {
    const current =
      (await manifest.read()) ?? (await manifest.create(await newManifest(parts, topic, number)));
    await meta.setManifest(topic.id, number, current);
    const { segments, sequence, offset } = await findSegments(parts, topic.id, number, current);
    if (cluster.isShared && (await manifest.read()) !== current) continue;
    await meta.addSegments(segments);
    const last = await meta.lastSegment(topic.id, number);
    const producers = last === undefined ? [] : await producersOf(parts, last);
    const end = { start: current.start, offset, sequence, producers };
    if (!cluster.isShared) return end;
    if (!cluster.leads(topic.id, number)) throw ledElsewhere(`${topic.name}/${number}`);
    const at = { topicId: topic.id, partition: number, sequence };
    if (await fencePartition(parts, manifest, at, offset, producers))
      return { ...end, sequence: sequence + 1 };
  }
}

/** The metadata knows what a manifest has said that is lost. */
async function newManifest(
  { meta, store, place }: AdoptParts,
  topic: TopicRecord,
  number: number,
): Promise<Manifest> {
  const { id, name } = topic;
  // What is behind a deletion must not begin anew.
  if ((await store.head(place.topic(id))) === undefined) throw topicDeleted(name);
  const known = await meta.manifest(id, number);
  if (known === undefined) {
    for await (const { uri } of store.list(place.partition(id, number)))
      if (uri.endsWith(".segment")) {
        await checkFirst(store, place, topic, number);
        break;
      }
    return firstManifest();
  }
  const { revision, ...rest } = known;
  const all = await meta.segments(id, number);
  const segments = all.filter(({ sequence }) => sequence < known.next);
  const behind = all.find(({ sequence }) => sequence >= known.next);
  const nextOffset = behind?.baseOffset ?? segments.at(-1)?.nextOffset ?? known.start;
  return { ...firstManifest(), ...rest, revision: revision + 1, nextOffset, segments };
}

/** As of its end. */
async function producersOf({ store, place }: AdoptParts, segment: StoredSegment): Promise<ProducerEntry[]> {
  const uri = place.object(segment);
  const tail = await store.read(uri, tailOf(segment.bytes));
  return readProducers(store, uri, readFooterOf(tail, segment.bytes, uri, segment));
}
