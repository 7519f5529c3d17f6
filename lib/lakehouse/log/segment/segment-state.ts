/** What a segment says beside its records: producers, and transactions that were aborted. */
import { crc32c } from "../../codecs/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { viewOf } from "../records/header.js";
import { damagedSegment, offsets, type SectionEntry, type SegmentFooter } from "./layout.js";

/** A batch that a producer has appended, by which it is known when it comes again. */
export interface ProducedBatch {
  readonly firstSequence: number;
  /** Smaller than the first where the numbers have begun again. */
  readonly lastSequence: number;
  readonly baseOffset: bigint;
}

/** What a partition knows of a producer. */
export interface ProducerEntry {
  readonly producerId: bigint;
  readonly epoch: number;
  /** The last five, the oldest first. None where an epoch began with a marker. */
  readonly batches: readonly ProducedBatch[];
  /** The first offset of its open transaction. */
  readonly openSince: bigint | undefined;
  /** By the writer's clock, in milliseconds since the epoch. */
  readonly lastUsed: number;
}

/** A transaction of which readers of what is committed see nothing. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  /** Of its marker. */
  readonly lastOffset: bigint;
  /** Where the last stable offset was behind its marker: later ones begin there, or later. */
  readonly lastStable: bigint;
}

/** As of a segment's end. */
export interface SegmentState {
  readonly producers: readonly ProducerEntry[];
  /** Those whose marker is in the segment, in the order of their markers. */
  readonly aborted: readonly AbortedTransaction[];
  readonly lastStable: bigint;
}

const PRODUCER_BYTES = 28;
const BATCH_BYTES = 16;
const ABORTED_BYTES = 32;
const NOT_OPEN = -1n;

export function encodeProducers(producers: readonly ProducerEntry[]): Uint8Array {
  const batches = producers.reduce((sum, producer) => sum + producer.batches.length, 0);
  const bytes = Buffer.alloc(producers.length * PRODUCER_BYTES + batches * BATCH_BYTES);
  let at = 0;
  for (const { producerId, epoch, batches, openSince, lastUsed } of producers) {
    bytes.writeBigInt64BE(producerId, at);
    bytes.writeInt16BE(epoch, at + 8);
    bytes.writeUInt8(batches.length, at + 10);
    bytes.writeUInt8(openSince === undefined ? 0 : 1, at + 11);
    bytes.writeBigInt64BE(BigInt(lastUsed), at + 12);
    bytes.writeBigInt64BE(openSince ?? NOT_OPEN, at + 20);
    at += PRODUCER_BYTES;
    for (const { firstSequence, lastSequence, baseOffset } of batches) {
      bytes.writeInt32BE(firstSequence, at);
      bytes.writeInt32BE(lastSequence, at + 4);
      bytes.writeBigInt64BE(baseOffset, at + 8);
      at += BATCH_BYTES;
    }
  }
  return bytes;
}

export function encodeAborted(aborted: readonly AbortedTransaction[]): Uint8Array {
  const bytes = Buffer.alloc(aborted.length * ABORTED_BYTES);
  for (const [i, { producerId, firstOffset, lastOffset, lastStable }] of aborted.entries()) {
    bytes.writeBigInt64BE(producerId, i * ABORTED_BYTES);
    bytes.writeBigInt64BE(firstOffset, i * ABORTED_BYTES + 8);
    bytes.writeBigInt64BE(lastOffset, i * ABORTED_BYTES + 16);
    bytes.writeBigInt64BE(lastStable, i * ABORTED_BYTES + 24);
  }
  return bytes;
}

/** The producers as of a segment's end. @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED */
export async function readProducers(
  store: ObjectStore,
  uri: string,
  footer: SegmentFooter,
): Promise<ProducerEntry[]> {
  const bytes = await readSection(store, uri, footer, "producers");
  const view = viewOf(bytes);
  const producers: ProducerEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const count = view.getUint8(at + 10);
    const batchesAt = at + PRODUCER_BYTES;
    producers.push({
      producerId: view.getBigInt64(at),
      epoch: view.getInt16(at + 8),
      batches: Array.from({ length: count }, (_, i) => readBatch(view, batchesAt + i * BATCH_BYTES)),
      openSince: view.getUint8(at + 11) === 0 ? undefined : view.getBigInt64(at + 20),
      lastUsed: Number(view.getBigInt64(at + 12)),
    });
    at = batchesAt + count * BATCH_BYTES;
  }
  return producers;
}

function readBatch(view: DataView, at: number): ProducedBatch {
  return {
    firstSequence: view.getInt32(at),
    lastSequence: view.getInt32(at + 4),
    baseOffset: view.getBigInt64(at + 8),
  };
}

/** The transactions whose abort markers are in a segment. @throws LakehouseError CORRUPT_SEGMENT, STORAGE_FAILED */
export async function readAborted(
  store: ObjectStore,
  uri: string,
  footer: SegmentFooter,
): Promise<AbortedTransaction[]> {
  const view = viewOf(await readSection(store, uri, footer, "aborted"));
  return Array.from({ length: view.byteLength / ABORTED_BYTES }, (_, i) => ({
    producerId: view.getBigInt64(i * ABORTED_BYTES),
    firstOffset: view.getBigInt64(i * ABORTED_BYTES + 8),
    lastOffset: view.getBigInt64(i * ABORTED_BYTES + 16),
    lastStable: view.getBigInt64(i * ABORTED_BYTES + 24),
  }));
}

async function readSection(
  store: ObjectStore,
  uri: string,
  footer: SegmentFooter,
  name: "producers" | "aborted",
): Promise<Uint8Array> {
  const { position, bytes } = footer[name];
  if (bytes === 0) return new Uint8Array();
  const section = await store.read(uri, { start: position, end: position + bytes });
  checkSection(section, footer[name], uri, footer, name);
  return section;
}

/** @throws LakehouseError CORRUPT_SEGMENT */
export function checkSection(
  section: Uint8Array,
  { bytes, crc }: SectionEntry,
  uri: string,
  { baseOffset, nextOffset }: { readonly baseOffset: bigint; readonly nextOffset: bigint },
  name: "producers" | "aborted",
): void {
  if (section.length === bytes && crc32c(section) === crc) return;
  throw damagedSegment(uri, offsets(baseOffset, nextOffset), `its ${name} do not have their checksum`);
}
