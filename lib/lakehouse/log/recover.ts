/** Makes a log's metadata from its objects. */
import { corruptFile } from "../errors.js";
import { type ObjectInfo, type ObjectStore, objectNotFound } from "../storage/index.js";
import { firstEpoch } from "./claim-epoch.js";
import { corruptSegment, topicExists } from "./errors.js";
import { isInternal } from "./internal-topics.js";
import { firstManifest, type Manifest } from "./manifest/manifest.js";
import { missingManifest, readManifest } from "./manifest/manifest-file.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import { DEFAULT_CONFIG } from "./meta/topic-config.js";
import type { Clock } from "./partition/clock.js";
import { type Place, segmentName } from "./partition/place.js";
import { offsets, type StoredSegment, summaryOf } from "./segment/layout.js";
import { readFooterOf, tailOf } from "./segment/segment-reader.js";

export interface Recovered {
  /** Without the log's own. */
  readonly topics: number;
  readonly segments: number;
}

const ID =
  /\/([0-9a-f-]{36})\/(?:(topic\.json|deleted)|(\d+)\/(?:(\d{20})(?:\.segment|-\S*)|manifest\.json))$/;

/** A segment that a listing has. */
type Found = Pick<ObjectInfo, "size" | "lastModified">;

interface RecoverParts {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly meta: LogMeta;
  readonly clock: Clock;
}

/** What the objects of a partition say. */
interface Learned {
  readonly partition: number;
  readonly manifest: Manifest | undefined;
  /** Behind the manifest's. */
  readonly segments: readonly StoredSegment[];
}

/**
 * Lists what is below the log's place, and makes known what is not. A store may list late or in any order: a partition's
 * segments are numbered, and one that is missing among them is asked for by its name. What is damaged is said when all else
 * is known.
 *
 * @throws LakehouseError CORRUPT_SEGMENT where one is missing or damaged; CORRUPT_FILE for the description of a topic;
 *   TOPIC_EXISTS where two of one name have records.
 */
export async function recoverLog(parts: RecoverParts): Promise<Recovered> {
  const { store, place, meta } = parts;
  const topics: string[] = [];
  const deleted = new Set<string>();
  const filled = new Set<string>();
  const listed = new Map<string, Map<number, Map<number, Found>>>();
  for await (const { uri, size, lastModified } of store.list(`${place.root}/`)) {
    const [, id, what, partition, sequence] = ID.exec(uri) ?? [];
    if (id === undefined) continue;
    if (what === "topic.json") topics.push(id);
    else if (what === "deleted") deleted.add(id);
    else {
      const segments = under(under(listed, id), Number(partition));
      if (sequence !== undefined) filled.add(id);
      if (uri.endsWith(`/${sequence}.segment`)) segments.set(Number(sequence), { size, lastModified });
    }
  }
  const known = await meta.topics();
  for (const { id } of known) if (deleted.has(id)) await meta.deleteTopic(id);
  const found = topics.filter((id) => !deleted.has(id));
  const chosen = chooseTopics(
    await Promise.all(found.map((id) => readTopic(store, place.topic(id)))),
    new Set(known.map(({ id }) => id)),
    filled,
  );
  let count = 0;
  let damage: unknown;
  for (const { topic, isKnown } of chosen.topics) {
    // Before the topic is known: from then on servers lead it, and epochs go on behind those that were.
    const learned: Learned[] = [];
    for (const [partition, found] of listed.get(topic.id) ?? []) {
      try {
        learned.push(await learnPartition(parts, topic, partition, found));
      } catch (error) {
        if (!corruptSegment.is(error) && !corruptFile.is(error)) throw error;
        damage ??= error;
      }
    }
    if (isKnown) await meta.changeTopic(topic);
    else await meta.createTopic({ ...topic, epoch: lastEpoch(parts, learned) });
    for (const { partition, manifest, segments } of learned) {
      if (manifest !== undefined) await meta.setManifest(topic.id, partition, manifest);
      await meta.addSegments(segments);
      count += (manifest?.segments.length ?? 0) + segments.length;
    }
  }
  if (damage !== undefined) throw damage;
  if (chosen.refused !== undefined) {
    const { id, name } = chosen.refused;
    throw topicExists(
      name,
      `There are two topics ${name} with records: ${place.folder(id)} has those of another than the metadata knows. All else is recovered.`,
      "The topic was made anew where the metadata was lost. Copy the records of the one that is known to another topic and delete it, then recover again.",
    );
  }
  return { topics: chosen.topics.filter(({ topic }) => !isInternal(topic.name)).length, segments: count };
}

/**
 * One topic for each name. The making of a topic that failed, or ended with the process, may have left its description:
 * such a one is not known, and has no records.
 */
function chooseTopics(
  found: readonly TopicRecord[],
  known: ReadonlySet<string>,
  filled: ReadonlySet<string>,
) {
  const rank = ({ id }: TopicRecord) => (known.has(id) ? 0 : filled.has(id) ? 1 : 2);
  const byName = new Map<string, TopicRecord>();
  let refused: TopicRecord | undefined;
  for (const topic of found.toSorted((a, b) => rank(a) - rank(b) || a.createdAt - b.createdAt)) {
    if (!byName.has(topic.name)) byName.set(topic.name, topic);
    else if (filled.has(topic.id)) refused ??= topic;
  }
  const topics = [...byName.values()].map((topic) => ({ topic, isKnown: known.has(topic.id) }));
  return { topics, refused };
}

/** @throws LakehouseError CORRUPT_FILE where the description is none. */
export async function readTopic(store: ObjectStore, uri: string): Promise<TopicRecord> {
  try {
    const topic = JSON.parse(Buffer.from(await store.read(uri)).toString()) as TopicRecord;
    return { ...topic, config: { ...DEFAULT_CONFIG, ...topic.config } };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw corruptFile(uri, `The topic's description ${uri} is no JSON.`, "Restore it from a backup.", cause);
  }
}

/** What was not written under it is not in the objects, and has been told by now: it is not beyond the clock's. */
function lastEpoch({ clock }: RecoverParts, learned: readonly Learned[]): number {
  let last = firstEpoch(clock.now());
  for (const { manifest, segments } of learned)
    for (const { epoch } of [...(manifest?.segments ?? []), ...segments]) last = Math.max(last, epoch);
  return last;
}

/**
 * What the manifest lists, and what is numbered from where it ends. Where something is missing, the manifest is read again:
 * another process may have put other objects in its place meanwhile.
 */
async function learnPartition(
  { store, place }: RecoverParts,
  topic: TopicRecord,
  partition: number,
  found: ReadonlyMap<number, Found>,
): Promise<Learned> {
  const uri = place.manifest(topic.id, partition);
  for (let manifest = await readManifest(store, uri); ; ) {
    try {
      if (manifest === undefined && found.size > 0 && !found.has(0))
        await checkFirst(store, place, topic, partition);
      const listed = manifest ?? firstManifest();
      for (const segment of listed.segments) await checkSegment(store, place, segment);
      const segments = await readSegments(store, place, topic, partition, found, listed);
      return { partition, manifest, segments };
    } catch (error) {
      if (!corruptSegment.is(error)) throw error;
      const again = await readManifest(store, uri);
      if (again?.revision === manifest?.revision) throw error;
      manifest = again;
    }
  }
}

/** @throws LakehouseError CORRUPT_FILE where the first segment is gone, and with it what said so. */
export async function checkFirst(
  store: ObjectStore,
  place: Place,
  { id }: TopicRecord,
  partition: number,
): Promise<void> {
  if ((await store.head(place.segment(id, partition, 0))) !== undefined) return;
  throw missingManifest(place.manifest(id, partition));
}

async function checkSegment(store: ObjectStore, place: Place, segment: StoredSegment): Promise<void> {
  const uri = place.object(segment);
  try {
    readFooterOf(await store.read(uri, tailOf(segment.bytes)), segment.bytes, uri, segment);
  } catch (error) {
    if (!objectNotFound.is(error)) throw error;
    throw missingSegment(uri, offsets(segment.baseOffset, segment.nextOffset));
  }
}

async function readSegments(
  store: ObjectStore,
  place: Place,
  topic: TopicRecord,
  partition: number,
  found: ReadonlyMap<number, Found>,
  { next, nextOffset }: Manifest,
): Promise<StoredSegment[]> {
  const last = Math.max(-1, ...found.keys());
  const segments: StoredSegment[] = [];
  for (let sequence = next; ; sequence++) {
    const uri = place.segment(topic.id, partition, sequence);
    const baseOffset = segments.at(-1)?.nextOffset ?? nextOffset;
    const info = found.get(sequence) ?? (await store.head(uri));
    if (info === undefined) {
      if (sequence > last) return segments;
      throw missingSegment(uri, `what is behind offset ${baseOffset - 1n}`);
    }
    const wanted = { topicId: topic.id, partition, sequence, baseOffset };
    const { size, lastModified } = info;
    const footer = readFooterOf(await store.read(uri, tailOf(size)), size, uri, wanted);
    segments.push({
      ...summaryOf(footer),
      lastSequence: sequence,
      object: segmentName(sequence),
      storedAt: lastModified.getTime(),
    });
  }
}

function missingSegment(uri: string, holds: string) {
  return corruptSegment(
    uri,
    `The segment ${uri} is missing: it would hold ${holds}.`,
    "Restore the object from a backup.",
  );
}

function under<Key, Inner>(map: Map<Key, Map<number, Inner>>, key: Key): Map<number, Inner> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}
