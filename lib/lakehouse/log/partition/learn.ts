/** Makes known what others have put into the object store. */
import type { ObjectStore } from "../../storage/index.js";
import { fenced } from "../errors.js";
import { firstManifest, type Manifest } from "../manifest/manifest.js";
import { readManifest } from "../manifest/manifest-file.js";
import type { LogMeta } from "../meta/log-meta.js";
import { type StoredSegment, summaryOf } from "../segment/layout.js";
import { readFooterOf, tailOf } from "../segment/segment-reader.js";
import { partitionKey } from "../wal/wal.js";
import { type Place, segmentName } from "./place.js";

export interface LearnParts {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
}

/** Segments that the metadata does not know, and where the next one goes, and the next record. */
export interface Found {
  readonly segments: readonly StoredSegment[];
  readonly sequence: number;
  readonly offset: bigint;
}

/**
 * Looks for segments by their numbers, from where the metadata and the manifest end. They count if the manifest is still the
 * same afterwards: else a number may be free whose segment was merged, or have what a writer put there too late.
 *
 * @param manifest of the partition; the metadata knows it.
 * @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED, FENCED where a segment is none of this sequence
 */
export async function findSegments(
  { store, meta, place }: LearnParts,
  topicId: string,
  number: number,
  { next, nextOffset }: Pick<Manifest, "next" | "nextOffset">,
): Promise<Found> {
  const last = await meta.lastSegment(topicId, number);
  const isBehind = last === undefined || last.lastSequence < next;
  let offset = isBehind ? nextOffset : last.nextOffset;
  let sequence = isBehind ? next : last.lastSequence + 1;
  const segments: StoredSegment[] = [];
  for (;;) {
    const uri = place.segment(topicId, number, sequence);
    const info = await store.head(uri);
    if (info === undefined) return { segments, sequence, offset };
    const wanted = { topicId, partition: number, sequence };
    const footer = readFooterOf(await store.read(uri, tailOf(info.size)), info.size, uri, wanted);
    if (footer.baseOffset !== offset)
      throw fenced(
        uri,
        `The segment ${uri} begins at offset ${footer.baseOffset}, where the one before ends at ${offset}.`,
        "Make the log's metadata again from the object store, with recover.",
      );
    const storedAt = info.lastModified.getTime();
    segments.push({ ...summaryOf(footer), lastSequence: sequence, object: segmentName(sequence), storedAt });
    offset = footer.nextOffset;
    sequence++;
  }
}

/** Where a partition's manifest ends, and its tag; there is none where it has no tag. */
interface KnownEnd extends Pick<Manifest, "next" | "nextOffset"> {
  readonly etag: string | undefined;
}

/**
 * Learns what the servers that lead have put, for a server that reads. Who asks while it is asked waits for the next round,
 * which is everybody's who has asked by then: what was put before he asked is known to him.
 */
export class Learner {
  readonly #parts: LearnParts;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();
  readonly #manifests = new Map<string, KnownEnd>();

  constructor(parts: LearnParts) {
    this.#parts = parts;
  }

  /** @throws LakehouseError CORRUPT_SEGMENT, CORRUPT_FILE, STORAGE_FAILED, FENCED */
  learn(topicId: string, number: number): Promise<void> {
    const key = partitionKey(topicId, number);
    const running = this.#running.get(key);
    if (running === undefined) return this.#begin(topicId, number, key);
    let next = this.#next.get(key);
    if (next === undefined) {
      const begin = () => {
        this.#next.delete(key);
        return this.#begin(topicId, number, key);
      };
      next = running.then(begin, begin);
      this.#next.set(key, next);
    }
    return next;
  }

  #begin(topicId: string, number: number, key: string): Promise<void> {
    const running = this.#learn(topicId, number, key).finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }

  async #learn(topicId: string, number: number, key: string): Promise<void> {
    let known = this.#manifests.get(key) ?? (await this.#manifest(topicId, number, undefined));
    for (;;) {
      const [found] = await Promise.allSettled([findSegments(this.#parts, topicId, number, known)]);
      const now = await this.#manifest(topicId, number, known);
      if (now !== known) {
        known = now;
        continue;
      }
      if (found.status === "rejected") throw found.reason;
      await this.#parts.meta.addSegments(found.value.segments);
      break;
    }
    this.#manifests.set(key, known);
  }

  /** As it is now. @returns `known` where that is so still. */
  async #manifest(topicId: string, number: number, known: KnownEnd | undefined): Promise<KnownEnd> {
    const { store, meta, place } = this.#parts;
    const uri = place.manifest(topicId, number);
    const info = await store.head(uri);
    if (known !== undefined && known.etag === info?.etag) return known;
    const manifest = info === undefined ? undefined : await readManifest(store, uri);
    if (info === undefined || manifest === undefined) {
      const { next, nextOffset } = firstManifest();
      return { etag: undefined, next, nextOffset };
    }
    await meta.setManifest(topicId, number, manifest);
    // What was read may be newer than the tag: then it is read again.
    return { etag: info.etag, next: manifest.next, nextOffset: manifest.nextOffset };
  }
}
