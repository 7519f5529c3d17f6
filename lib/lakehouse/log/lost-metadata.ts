import type { ObjectStore } from "../storage/index.js";
import { metadataLost } from "./errors.js";
import { isInternalId } from "./internal-topics.js";
import type { Place } from "./partition/place.js";

const RECORDS = /\/([0-9a-f-]{36})\/\d+\/\d{20}\S*\.segment$/;

/**
 * For metadata that knows no topic. Where one has records, the metadata's file was lost: a topic that is made anew then
 * stands in the way of the one that has its name. Those of the log's own are known by their names, whatever became of the
 * metadata.
 *
 * @throws LakehouseError LOG_METADATA_LOST, STORAGE_FAILED
 */
export async function checkNoTopics(store: ObjectStore, place: Place): Promise<void> {
  const seen = new Set<string>();
  for await (const { uri } of store.list(`${place.root}/`)) {
    const id = RECORDS.exec(uri)?.[1];
    if (id === undefined || isInternalId(id) || seen.has(id)) continue;
    seen.add(id);
    if ((await store.head(place.topic(id))) === undefined) continue;
    if ((await store.head(place.deleted(id))) !== undefined) continue;
    throw metadataLost(
      place.folder(id),
      `The log's metadata knows no topic, and ${place.folder(id)} has records of one: the metadata was lost.`,
      "Make it again from the object store: streamctl recover, or lake.log.recover().",
    );
  }
}
