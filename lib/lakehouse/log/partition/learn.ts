/** Makes known what others have put into the object store. */
import type { ObjectStore } from "../../storage/index.js";
import { fenced } from "../errors.js";
import { firstManifest, type Manifest } from "../manifest/manifest.js";
import { readManifest } from "../manifest/manifest-file.js";
import type { LogMeta } from "../meta/log-meta.js";
import { summaryOf } from "../segment/layout.js";
import { readFooterOf, tailOf } from "../segment/segment-reader.js";
import { partitionKey } from "../wal/wal.js";
import { type Place, segmentName } from "./place.js";

export interface LearnParts {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
}

/** Where the next segment goes, and the next record. */
export interface Learned {
  readonly sequence: number;
  readonly offset: bigint;
}

/**
 * Looks for segments by their numbers, from where the metadata and the manifest end.
 *
 * @param manifest of the partition, as it is now; the metadata knows it.
 * @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED, FENCED where a segment is none of this sequence
 */
export async function learnSegments(
  { store, meta, place }: LearnParts,
  topicId: string,
  number: number,
  { next, nextOffset }: Pick<Manifest, "next" | "nextOffset">,
): Promise<Learned> {
  const last = await meta.lastSegment(topicId, number);
  const isBehind = last === undefined || last.lastSequence < next;
  let offset = isBehind ? nextOffset : last.nextOffset;
  let sequence = isBehind ? next : last.lastSequence + 1;
  for (;;) {
    const uri = place.segment(topicId, number, sequence);
    const info = await store.head(uri);
    if (info === undefined) return { sequence, offset };
    const wanted = { topicId, partition: number, sequence };
    const footer = readFooterOf(await store.read(uri, tailOf(info.size)), info.size, uri, wanted);
    if (footer.baseOffset !== offset)
      throw fenced(
        uri,
        `The segment ${uri} begins at offset ${footer.baseOffset}, where the one before ends at ${offset}.`,
        "Make the log's metadata again from the object store, with recover.",
      );
    const storedAt = info.lastModified.getTime();
    await meta.addSegments([
      { ...summaryOf(footer), lastSequence: sequence, object: segmentName(sequence), storedAt },
    ]);
    offset = footer.nextOffset;
    sequence++;
  }
}

/** Learns what the servers that lead have put, for a server that reads. Who asks while it is asked waits for the same. */
export class Learner {
  readonly #parts: LearnParts;
  readonly #running = new Map<string, Promise<void>>();
  /** Where each partition's manifest ended, when it had that tag. */
  readonly #manifests = new Map<string, Pick<Manifest, "next" | "nextOffset"> & { readonly etag: string }>();

  constructor(parts: LearnParts) {
    this.#parts = parts;
  }

  /** @throws LakehouseError CORRUPT_SEGMENT, CORRUPT_FILE, STORAGE_FAILED, FENCED */
  learn(topicId: string, number: number): Promise<void> {
    const key = partitionKey(topicId, number);
    let running = this.#running.get(key);
    if (running === undefined) {
      running = this.#learn(topicId, number, key).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return running;
  }

  async #learn(topicId: string, number: number, key: string): Promise<void> {
    await learnSegments(this.#parts, topicId, number, await this.#manifest(topicId, number, key));
  }

  async #manifest(topicId: string, number: number, key: string) {
    const { store, meta, place } = this.#parts;
    const uri = place.manifest(topicId, number);
    const info = await store.head(uri);
    const known = this.#manifests.get(key);
    if (known !== undefined && known.etag === info?.etag) return known;
    const manifest = info === undefined ? undefined : await readManifest(store, uri);
    if (info === undefined || manifest === undefined) return firstManifest();
    await meta.setManifest(topicId, number, manifest);
    // What was read may be newer than the tag: then it is read again.
    this.#manifests.set(key, { etag: info.etag, next: manifest.next, nextOffset: manifest.nextOffset });
    return manifest;
  }
}
