/** Makes a log's metadata from its objects. */
import { corruptFile } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { corruptSegment, topicExists } from "./errors.js";
import type { LogMeta, TopicRecord } from "./meta/log-meta.js";
import type { Place } from "./partition/place.js";
import type { SegmentSummary } from "./segment/layout.js";
import { readFooterOf, tailOf } from "./segment/segment-reader.js";

export interface Recovered {
  readonly topics: number;
  readonly segments: number;
}

const ID = /\/([0-9a-f-]{36})\/(topic\.json|deleted|(\d+)\/(\d{20})\.segment)$/;

/**
 * Lists what is below the log's place, and makes known what is not. A store may list late or in any order: a partition's
 * segments are numbered, and one that is missing among them is asked for by its name.
 *
 * @throws LakehouseError CORRUPT_SEGMENT where one is missing or damaged; CORRUPT_FILE for the description of a topic;
 *   TOPIC_EXISTS where two of one name have records.
 */
export async function recoverLog(store: ObjectStore, place: Place, meta: LogMeta): Promise<Recovered> {
  const topics: string[] = [];
  const deleted = new Set<string>();
  const sizes = new Map<string, Map<number, Map<number, number>>>();
  for await (const { uri, size } of store.list(`${place.root}/`)) {
    const [, id, what, partition, sequence] = ID.exec(uri) ?? [];
    if (id === undefined) continue;
    if (what === "topic.json") topics.push(id);
    else if (what === "deleted") deleted.add(id);
    else under(under(sizes, id), Number(partition)).set(Number(sequence), size);
  }
  const known = await meta.topics();
  for (const { id } of known) if (deleted.has(id)) await meta.deleteTopic(id);
  const found = topics.filter((id) => !deleted.has(id));
  const chosen = chooseTopics(
    await Promise.all(found.map((id) => readTopic(store, place.topic(id)))),
    new Set(known.map(({ id }) => id)),
    new Set(sizes.keys()),
  );
  let count = 0;
  for (const { topic, isKnown } of chosen.topics) {
    if (isKnown) await meta.changeTopic(topic);
    else await meta.createTopic(topic);
    for (const [partition, objects] of sizes.get(topic.id) ?? []) {
      const segments = await readSegments(store, place, topic, partition, objects);
      await meta.addSegments(segments);
      count += segments.length;
    }
  }
  if (chosen.refused !== undefined) {
    const { id, name } = chosen.refused;
    throw topicExists(
      name,
      `There are two topics ${name} with records: ${place.folder(id)} has those of another than the metadata knows. All else is recovered.`,
      "The topic was made anew where the metadata was lost. Copy the records of the one that is known to another topic and delete it, then recover again.",
    );
  }
  return { topics: chosen.topics.length, segments: count };
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
    return JSON.parse(Buffer.from(await store.read(uri)).toString()) as TopicRecord;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw corruptFile(uri, `The topic's description ${uri} is no JSON.`, "Restore it from a backup.", cause);
  }
}

async function readSegments(
  store: ObjectStore,
  place: Place,
  topic: TopicRecord,
  partition: number,
  found: ReadonlyMap<number, number>,
): Promise<SegmentSummary[]> {
  const numbers = [...found.keys()].sort((a, b) => a - b);
  const first = numbers[0] as number;
  const segments: SegmentSummary[] = [];
  for (let sequence = first; ; sequence++) {
    const uri = place.segment(topic.id, partition, sequence);
    const size = found.get(sequence) ?? (await store.head(uri))?.size;
    if (size === undefined) {
      if (sequence > (numbers.at(-1) as number)) return segments;
      throw corruptSegment(
        uri,
        `The segment ${uri} is missing: it would hold what is behind offset ${(segments.at(-1)?.nextOffset ?? 0n) - 1n}.`,
        "Restore the object from a backup.",
      );
    }
    const wanted = { topicId: topic.id, partition, sequence, baseOffset: segments.at(-1)?.nextOffset };
    const { blocks: _, ...segment } = readFooterOf(await store.read(uri, tailOf(size)), size, uri, wanted);
    segments.push(segment);
  }
}

function under<Key, Inner>(map: Map<Key, Map<number, Inner>>, key: Key): Map<number, Inner> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}
