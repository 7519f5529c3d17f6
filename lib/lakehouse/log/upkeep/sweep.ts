/** Finds what nobody else knows of: objects of half-made merges, of deletions that ended with their process, of writers too late. */
import type { ObjectStore } from "../../storage/index.js";
import type { LogMeta } from "../meta/log-meta.js";
import type { Place } from "../partition/place.js";

/** Objects of a partition that the metadata does not know, and that are no new segments. By topic and partition. */
export type Unlisted = ReadonlyMap<string, ReadonlyMap<number, readonly FoundObject[]>>;

export interface FoundObject {
  readonly object: string;
  readonly bytes: number;
}

export interface Found {
  readonly unlisted: Unlisted;
  /** The partitions that have a manifest, by topic. */
  readonly manifests: ReadonlyMap<string, readonly number[]>;
  /** Ids of topics whose deletion has begun, and of folders that are no topic's. */
  readonly deleted: readonly string[];
}

const OBJECT = /^([0-9a-f-]{36})\/(?:(topic\.json|deleted)|(\d+)\/(manifest\.json|(\d{20})[^/]*\.segment))$/;

/**
 * Lists all objects of a log. Memory is bound by what should not be there.
 *
 * @throws LakehouseError STORAGE_FAILED
 */
export async function findUnlisted(store: ObjectStore, place: Place, meta: LogMeta): Promise<Found> {
  const topics = new Set((await meta.topics()).map(({ id }) => id));
  const unlisted = new Map<string, Map<number, FoundObject[]>>();
  const manifests = new Map<string, number[]>();
  const marked = new Set<string>();
  const used = new Set<string>();
  const unknown = new Set<string>();
  let known:
    | { readonly key: string; readonly objects: ReadonlySet<string>; readonly next: number }
    | undefined;
  for await (const { uri, size } of store.list(`${place.root}/`)) {
    const [, id, mark, number, object, sequence] = OBJECT.exec(uri.slice(place.root.length + 1)) ?? [];
    if (id === undefined) continue;
    if (mark === "deleted") marked.add(id);
    if (mark === "topic.json" || object === "manifest.json") used.add(id);
    if (!topics.has(id)) unknown.add(id);
    if (object === "manifest.json") manifests.set(id, [...(manifests.get(id) ?? []), Number(number)]);
    if (sequence === undefined || object === undefined || !topics.has(id)) continue;
    const partition = Number(number);
    const key = `${id}/${partition}`;
    if (known?.key !== key) {
      const objects = new Set((await meta.segments(id, partition)).map((segment) => segment.object));
      known = { key, objects, next: (await meta.manifest(id, partition))?.next ?? 0 };
    }
    const isNew = object === `${sequence}.segment` && Number(sequence) >= known.next;
    if (isNew || known.objects.has(object)) continue;
    const partitions = unlisted.get(id) ?? new Map<number, FoundObject[]>();
    unlisted.set(
      id,
      partitions.set(partition, [...(partitions.get(partition) ?? []), { object, bytes: size }]),
    );
  }
  const ownerless = [...unknown].filter((id) => !used.has(id) && !marked.has(id));
  return { unlisted, manifests, deleted: [...marked, ...ownerless] };
}

/**
 * Deletes what is left of a topic that is marked as deleted. Manifests go first: who puts a segment from then on sees that
 * it is too late. The mark goes last: until then it says that what is there is no topic.
 *
 * @throws LakehouseError STORAGE_FAILED
 */
export async function purgeTopic(store: ObjectStore, place: Place, topicId: string): Promise<void> {
  const marks = [place.topic(topicId), place.deleted(topicId)];
  const objects = async (isWanted: (uri: string) => boolean) => {
    const uris: string[] = [];
    for await (const { uri } of store.list(place.folder(topicId))) if (isWanted(uri)) uris.push(uri);
    return uris;
  };
  await store.delete(await objects((uri) => uri.endsWith("/manifest.json")));
  await store.delete(await objects((uri) => !marks.includes(uri)));
  for (const mark of marks) await store.delete([mark]);
}
