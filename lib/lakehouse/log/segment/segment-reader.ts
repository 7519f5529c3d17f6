/** Reads segments: what is in the tail, and what is in a block. Each byte that is used has its checksum verified before. */
import { crc32c } from "../../codecs/index.js";
import { isLakehouseError } from "../../errors.js";
import { readHeader, viewOf } from "../records/header.js";
import {
  BLOCK_HEADER_BYTES,
  type BlockEntry,
  damagedSegment,
  FOOTER_BYTES,
  FOOTER_MAGIC,
  FOOTER_STATE_BYTES,
  HAS_GAPS,
  HEADER_BYTES,
  HEADER_MAGIC,
  INDEX_ENTRY_BYTES,
  idText,
  offsets,
  type SectionEntry,
  type SegmentFooter,
  type SegmentIdentity,
  type SegmentSummary,
  TAIL_BYTES,
  VERSION,
} from "./layout.js";
import type { HeldBatch } from "./segment-builder.js";
import { checkSection } from "./segment-state.js";

/** Which bytes of a segment of `size` bytes are its tail. */
export function tailOf(size: number): { readonly start: number; readonly end: number } {
  return { start: Math.max(0, size - TAIL_BYTES), end: size };
}

/**
 * Decodes footer and index.
 *
 * @param tail the last bytes of the object: `tailOf` says which.
 * @param size of the object.
 * @param holds which offsets it has, as far as the caller knows, for errors.
 * @throws LakehouseError CORRUPT_SEGMENT
 */
export function readFooter(
  tail: Uint8Array,
  size: number,
  uri: string,
  holds = "its offsets",
): SegmentFooter {
  const fail = (why: string): never => {
    throw damagedSegment(uri, holds, why);
  };
  const at = tail.length - FOOTER_BYTES;
  if (at < 0) return fail(`it has ${size} bytes, fewer than a footer`);
  const view = viewOf(tail);
  if (!endsWith(tail, FOOTER_MAGIC))
    return fail("it does not end as a segment does, so it is torn or was cut short");
  const version = view.getUint16(at + 68);
  const stateBytes = version === 1 ? 0 : FOOTER_STATE_BYTES;
  const footerAt = at - stateBytes;
  if (footerAt < 0) return fail(`it has ${size} bytes, fewer than a footer`);
  if (view.getUint32(at + 88) !== crc32c(tail.subarray(footerAt, at + 88)))
    return fail("its footer does not have its checksum");
  if (version !== 1 && version !== VERSION)
    return fail(`its version is ${version}, where 1 to ${VERSION} are understood`);
  const length = Number(view.getBigUint64(at + 80));
  if (length !== size) return fail(`it has ${size} bytes, and was written with ${length}`);
  const indexBytes = view.getUint32(at);
  const indexAt = footerAt - indexBytes;
  if (indexAt < 0 || indexBytes !== view.getUint32(at + 8) * INDEX_ENTRY_BYTES)
    return fail("its index does not fit");
  if (crc32c(tail.subarray(indexAt, footerAt)) !== view.getUint32(at + 4))
    return fail("its index does not have its checksum");
  const blocks: BlockEntry[] = [];
  for (let entry = indexAt; entry < footerAt; entry += INDEX_ENTRY_BYTES) blocks.push(readEntry(view, entry));
  const nextOffset = view.getBigInt64(at + 32);
  const state =
    version === 1
      ? { producers: NO_SECTION, aborted: NO_SECTION, lastStable: nextOffset }
      : readState(view, footerAt, size - (tail.length - indexAt));
  return {
    topicId: idText(tail.subarray(at + 48, at + 64)),
    partition: view.getInt32(at + 64),
    sequence: Number(view.getBigUint64(at + 72)),
    epoch: view.getInt32(at + 12),
    baseOffset: view.getBigInt64(at + 24),
    nextOffset,
    records: Number(view.getBigUint64(at + 16)),
    maxTimestamp: view.getBigInt64(at + 40),
    bytes: size,
    hasGaps: (view.getUint16(at + 70) & HAS_GAPS) !== 0,
    blocks,
    ...state,
  };
}

const NO_SECTION: SectionEntry = { position: 0, bytes: 0, crc: 0 };

/** @param indexAt where the index begins in the object. */
function readState(view: DataView, at: number, indexAt: number) {
  const aborted = view.getUint32(at + 8);
  const producers = view.getUint32(at);
  return {
    producers: { position: indexAt - aborted - producers, bytes: producers, crc: view.getUint32(at + 4) },
    aborted: { position: indexAt - aborted, bytes: aborted, crc: view.getUint32(at + 12) },
    lastStable: view.getBigInt64(at + 16),
  };
}

function readEntry(view: DataView, at: number): BlockEntry {
  return {
    position: Number(view.getBigUint64(at)),
    bytes: view.getUint32(at + 8),
    crc: view.getUint32(at + 12),
    baseOffset: view.getBigInt64(at + 16),
    lastOffset: view.getBigInt64(at + 24),
    maxTimestamp: view.getBigInt64(at + 32),
  };
}

/** Where a segment stands, and what it holds, as far as that is known. */
export type WantedSegment = Omit<SegmentIdentity, "epoch"> &
  Partial<Pick<SegmentSummary, "epoch" | "baseOffset" | "nextOffset" | "records" | "maxTimestamp">>;

/**
 * Decodes footer and index of the segment that stands at a place: another, put there by mistake, is damage too.
 *
 * @throws LakehouseError CORRUPT_SEGMENT
 */
export function readFooterOf(
  tail: Uint8Array,
  size: number,
  uri: string,
  wanted: WantedSegment,
): SegmentFooter {
  const { baseOffset, nextOffset } = wanted;
  const holds =
    baseOffset === undefined || nextOffset === undefined ? undefined : offsets(baseOffset, nextOffset);
  const footer = readFooter(tail, size, uri, holds);
  const same = (name: (typeof IDENTITY)[number]) =>
    wanted[name] === undefined || wanted[name] === footer[name];
  if (!IDENTITY.every(same))
    throw damagedSegment(uri, holds ?? "its offsets", "it is another segment than should be there");
  return footer;
}

const IDENTITY = [
  "topicId",
  "partition",
  "sequence",
  "epoch",
  "baseOffset",
  "nextOffset",
  "records",
  "maxTimestamp",
] as const;

/** The id of the writer that wrote a segment, from its first bytes. @throws LakehouseError CORRUPT_SEGMENT */
export function readWriterId(head: Uint8Array, uri: string): bigint {
  const view = viewOf(head);
  if (
    head.length < HEADER_BYTES ||
    !HEADER_MAGIC.equals(head.subarray(0, HEADER_MAGIC.length)) ||
    view.getUint32(60) !== crc32c(head.subarray(0, 60))
  )
    throw damagedSegment(uri, "its offsets", "it does not begin as a segment does");
  return view.getBigUint64(48);
}

/**
 * The batches of a block.
 *
 * @param bytes the block's batches, as the index says where they are.
 * @throws LakehouseError CORRUPT_SEGMENT
 */
export function readBlock(bytes: Uint8Array, entry: BlockEntry, uri: string): HeldBatch[] {
  const holds = offsets(entry.baseOffset, entry.lastOffset + 1n);
  if (bytes.length !== entry.bytes)
    throw damagedSegment(uri, holds, `${bytes.length} bytes came of a block of ${entry.bytes}`);
  if (crc32c(bytes) !== entry.crc)
    throw damagedSegment(uri, holds, `the block at byte ${entry.position} does not have its checksum`);
  const batches: HeldBatch[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const header = readHeader(bytes, at, uri);
      batches.push({ bytes: bytes.subarray(at, at + header.size), header });
      at += header.size;
    }
  } catch (cause) {
    if (!isLakehouseError(cause)) throw cause;
    throw damagedSegment(uri, holds, "a batch in it is damaged, and was so when it was written", cause);
  }
  return batches;
}

/**
 * The whole of a segment is right: header, each block's frame and bytes, producers, aborted, index, footer.
 *
 * @throws LakehouseError CORRUPT_SEGMENT
 */
export function verifySegment(body: Uint8Array, uri: string): SegmentFooter {
  const { start, end } = tailOf(body.length);
  const footer = readFooter(body.subarray(start, end), body.length, uri);
  readWriterId(body.subarray(0, HEADER_BYTES), uri);
  const view = viewOf(body);
  let at = HEADER_BYTES;
  let next = footer.baseOffset;
  for (const entry of footer.blocks) {
    const holds = offsets(entry.baseOffset, entry.lastOffset + 1n);
    const frame = body.subarray(at, at + 12);
    if (
      entry.position !== at + BLOCK_HEADER_BYTES ||
      view.getUint32(at + 12) !== crc32c(frame) ||
      view.getUint32(at) !== entry.bytes ||
      view.getUint32(at + 4) !== entry.crc
    )
      throw damagedSegment(uri, holds, `the frame of the block at byte ${at} is not what the index says`);
    at = entry.position + entry.bytes;
    for (const { header } of readBlock(body.subarray(entry.position, at), entry, uri)) {
      if (footer.hasGaps ? header.baseOffset < next : header.baseOffset !== next)
        throw damagedSegment(uri, holds, `offset ${next} is missing`);
      next = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n;
    }
  }
  for (const name of ["producers", "aborted"] as const) {
    const section = footer[name];
    const { position, bytes } = section;
    checkSection(body.subarray(position, position + bytes), section, uri, footer, name);
  }
  if (footer.hasGaps ? next > footer.nextOffset : next !== footer.nextOffset)
    throw damagedSegment(uri, offsets(footer.baseOffset, footer.nextOffset), `it ends before offset ${next}`);
  return footer;
}

function endsWith(bytes: Uint8Array, end: Buffer): boolean {
  return end.equals(bytes.subarray(bytes.length - end.length));
}
