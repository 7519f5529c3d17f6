/** Brings segments into the object store, one after the other, each where none is. */
import { corruptFile } from "../../errors.js";
import { type ObjectInfo, type ObjectStore, preconditionFailed } from "../../storage/index.js";
import { fenced, noSuchTopic, topicDeleted } from "../errors.js";
import { type ManifestFile, missingManifest } from "../manifest/manifest-file.js";
import type { LogMeta } from "../meta/log-meta.js";
import { HEADER_BYTES, type SegmentIdentity } from "../segment/layout.js";
import { type BuiltSegment, buildSegment } from "../segment/segment-builder.js";
import { tailOf } from "../segment/segment-reader.js";
import type { ProducerEntry } from "../segment/segment-state.js";
import { type Clock, sleep } from "./clock.js";
import { type Place, segmentName } from "./place.js";

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

export interface UploaderParts {
  readonly store: ObjectStore;
  readonly meta: LogMeta;
  readonly place: Place;
  readonly clock: Clock;
  /** Of this writer alone: random. */
  readonly writerId: bigint;
  /** Hears of each failure of the store that is tried again. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/**
 * Puts a segment and makes it known. A store that fails is asked again, with growing waits, until it answers or `isOver`: the
 * records are in the write-ahead log meanwhile.
 *
 * @param manifest of the partition.
 * @returns whether it is done.
 * @throws LakehouseError FENCED where another writer's segment is there, or was; NO_SUCH_TOPIC where the topic is deleted.
 */
export async function uploadSegment(
  parts: UploaderParts,
  manifest: ManifestFile,
  { body, summary }: BuiltSegment,
  isOver: () => boolean,
): Promise<boolean> {
  const { topicId, partition, sequence } = summary;
  const uri = parts.place.segment(topicId, partition, sequence);
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    try {
      await putSegment(parts, manifest, { body, summary }, uri);
      return true;
    } catch (error) {
      if ([fenced, noSuchTopic, corruptFile].some((kind) => kind.is(error))) throw error;
      parts.onFailure?.(error);
      if (isOver()) return false;
      await sleep(parts.clock, wait);
    }
  }
}

async function putSegment(
  parts: UploaderParts,
  manifest: ManifestFile,
  { body, summary }: BuiltSegment,
  uri: string,
): Promise<void> {
  const { sequence } = summary;
  const { lastModified } = await putOnce(parts, uri, body);
  await checkOwner(parts, manifest, summary, uri);
  const storedAt = lastModified.getTime();
  await parts.meta.addSegments([
    { ...summary, lastSequence: sequence, object: segmentName(sequence), storedAt },
  ]);
}

/**
 * Begins a leadership, by a segment without records in the next place: who led before can put nothing there any more, and
 * hears of it.
 *
 * @param producers as of there.
 * @returns whether it is there; else another's segment is, which is to be learned of first.
 * @throws LakehouseError NO_SUCH_TOPIC, STORAGE_FAILED
 */
export async function fencePartition(
  parts: UploaderParts & { readonly epoch: number },
  manifest: ManifestFile,
  place: Omit<SegmentIdentity, "epoch">,
  offset: bigint,
  producers: readonly ProducerEntry[],
): Promise<boolean> {
  const since = producers.flatMap(({ openSince }) => openSince ?? []);
  const [lastStable = offset] = since.sort((a, b) => (a < b ? -1 : 1));
  const state = { producers, aborted: [], lastStable };
  const { body, summary } = buildSegment({ ...place, epoch: parts.epoch }, parts.writerId, offset, [], state);
  const uri = parts.place.segment(place.topicId, place.partition, place.sequence);
  try {
    await putSegment(parts, manifest, { body, summary }, uri);
    return true;
  } catch (error) {
    if (fenced.is(error)) return false;
    throw error;
  }
}

/** An earlier try may have put it before its answer was lost: then our own object is in the way. */
async function putOnce(
  { store }: UploaderParts,
  uri: string,
  body: Uint8Array,
): Promise<Pick<ObjectInfo, "lastModified">> {
  try {
    return await store.put(uri, body, { ifAbsent: true });
  } catch (error) {
    if (!preconditionFailed.is(error)) throw error;
    const there = await store.head(uri);
    if (there !== undefined && (await isSame(store, uri, there.size, body))) return there;
    throw takenOver(uri, error);
  }
}

/**
 * Whether an object is this segment. That this writer has put it is not enough: under an earlier leadership it may have
 * sent another of the same number, which has come late. The header says whose it is, and the checksums of the tail what is in it.
 */
async function isSame(store: ObjectStore, uri: string, size: number, body: Uint8Array): Promise<boolean> {
  if (size !== body.length) return false;
  for (const { start, end } of [{ start: 0, end: HEADER_BYTES }, tailOf(size)]) {
    const there = await store.read(uri, { start, end });
    if (Buffer.compare(there, body.subarray(start, end)) !== 0) return false;
  }
  return true;
}

/**
 * A number may be free because another writer's segment was there and is deleted. Before it was, the manifest said so: so
 * this look, behind the put, sees it. Whatever the clocks say, and however long the put was under way.
 */
async function checkOwner(
  { meta, store, place }: UploaderParts,
  file: ManifestFile,
  { topicId, partition, sequence }: SegmentIdentity,
  uri: string,
): Promise<void> {
  const before = file.known;
  const manifest = await file.read();
  if (manifest === undefined) {
    const isThere = (await store.head(place.topic(topicId))) !== undefined;
    throw isThere ? missingManifest(place.manifest(topicId, partition)) : topicDeleted(topicId);
  }
  if (manifest.next > sequence) throw takenOver(uri);
  if (manifest !== before) await meta.setManifest(topicId, partition, manifest);
}

/** @param subject the partition, or the segment that shows it. */
export function takenOver(subject: string, cause?: unknown) {
  return fenced(
    subject,
    `Another writer has taken the partition over: it has put the segment that ${subject} was to get.`,
    "Open the log again to go on behind the other's records. Where several processes are to write it, let them share its metadata by etcd.",
    cause,
  );
}
