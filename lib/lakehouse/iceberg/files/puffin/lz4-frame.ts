/**
 * LZ4 frames as Puffin uses them: one frame, its content size present. The kept libraries decode bare blocks
 * only, and not those that refer to the block before, which is what the `lz4` tool writes.
 */

const MAGIC = 0x184d2204;
/** A match byte stands for at most 255 bytes, so a claim beyond this is false. */
const MAX_RATIO = 255;
const UNCOMPRESSED = 0x80000000;

/** What is wrong with a frame; the caller knows the file and makes the error of it. */
export class InvalidFrame extends Error {}

/**
 * Decompresses one frame that fills `frame`. The header's, blocks' and content's checksums are verified.
 *
 * @param limit the most bytes that the content may have
 * @throws InvalidFrame
 */
export function decompressLz4Frame(frame: Uint8Array, limit: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 15 || view.getUint32(0, true) !== MAGIC) throw new InvalidFrame("it is no LZ4 frame");
  const flags = frame[4]!;
  if (flags >>> 6 !== 1) throw new InvalidFrame(`LZ4 frame version ${flags >>> 6} is unknown`);
  if ((flags & 0x08) === 0) throw new InvalidFrame("the LZ4 frame does not give its content size");
  if ((flags & 0x01) !== 0) throw new InvalidFrame("the LZ4 frame needs a dictionary");
  const blockChecksums = (flags & 0x10) !== 0;
  const contentChecksum = (flags & 0x04) !== 0;
  if (((xxHash32(frame.subarray(4, 14)) >>> 8) & 0xff) !== frame[14]) {
    throw new InvalidFrame("the LZ4 frame header fails its checksum");
  }
  const contentSize = view.getBigUint64(6, true);
  if (contentSize > BigInt(Math.min(limit, frame.length * MAX_RATIO))) {
    throw new InvalidFrame(`the LZ4 frame claims ${contentSize} bytes`);
  }

  const output = new Uint8Array(Number(contentSize));
  let written = 0;
  let at = 15;
  const u32 = (): number => {
    if (at + 4 > frame.length) throw new InvalidFrame("the LZ4 frame ends early");
    at += 4;
    return view.getUint32(at - 4, true);
  };
  for (let header = u32(); header !== 0; header = u32()) {
    const size = header & ~UNCOMPRESSED;
    const block = frame.subarray(at, at + size);
    if (block.length < size) throw new InvalidFrame("an LZ4 block ends early");
    at += size;
    if (blockChecksums && u32() !== xxHash32(block))
      throw new InvalidFrame("an LZ4 block fails its checksum");
    if ((header & UNCOMPRESSED) === 0) {
      written = decompressBlock(block, output, written);
    } else {
      if (written + size > output.length) throw new InvalidFrame("the LZ4 content is longer than it claims");
      output.set(block, written);
      written += size;
    }
  }
  if (written !== output.length) throw new InvalidFrame("the LZ4 content is shorter than it claims");
  if (contentChecksum && u32() !== xxHash32(output))
    throw new InvalidFrame("the LZ4 content fails its checksum");
  if (at !== frame.length) throw new InvalidFrame("bytes follow the LZ4 frame");
  return output;
}

/** Decompresses a block into `output` from `start` on, where matches may reach back before it; returns the end. */
function decompressBlock(block: Uint8Array, output: Uint8Array, start: number): number {
  let at = 0;
  let end = start;
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble === 15) {
      let byte: number | undefined;
      do {
        byte = block[at++];
        if (byte === undefined) throw new InvalidFrame("an LZ4 length ends early");
        total += byte;
      } while (byte === 255);
    }
    return total;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = length(token >>> 4);
    if (at + literals > block.length || end + literals > output.length) {
      throw new InvalidFrame("LZ4 literals are out of bounds");
    }
    output.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence has no match.
    if (at === block.length) return end;
    if (at + 2 > block.length) throw new InvalidFrame("an LZ4 match ends early");
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const match = length(token & 15) + 4;
    if (offset === 0 || offset > end || end + match > output.length) {
      throw new InvalidFrame("an LZ4 match is out of bounds");
    }
    // A match may overlap what it writes, so it is copied byte by byte unless it cannot.
    if (offset >= match) output.copyWithin(end, end - offset, end - offset + match);
    else for (let i = 0; i < match; i++) output[end + i] = output[end + i - offset]!;
    end += match;
  }
  return end;
}

const PRIME1 = 0x9e3779b1;
const PRIME2 = 0x85ebca77;
const PRIME3 = 0xc2b2ae3d;
const PRIME4 = 0x27d4eb2f;
const PRIME5 = 0x165667b1;

/** xxHash32 with seed 0, the checksum of LZ4 frames. */
function xxHash32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
  let at = 0;
  let hash = PRIME5;
  if (bytes.length >= 16) {
    const lanes = [PRIME1 + PRIME2, PRIME2, 0, -PRIME1];
    for (; at + 16 <= bytes.length; at += 16) {
      for (let lane = 0; lane < 4; lane++) {
        const input = Math.imul(view.getUint32(at + 4 * lane, true), PRIME2);
        lanes[lane] = Math.imul(rotate((lanes[lane]! + input) | 0, 13), PRIME1);
      }
    }
    hash = rotate(lanes[0]!, 1) + rotate(lanes[1]!, 7) + rotate(lanes[2]!, 12) + rotate(lanes[3]!, 18);
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (hash + Math.imul(view.getUint32(at, true), PRIME3)) | 0;
    hash = Math.imul(rotate(hash, 17), PRIME4);
  }
  for (; at < bytes.length; at++) {
    hash = (hash + Math.imul(bytes[at]!, PRIME5)) | 0;
    hash = Math.imul(rotate(hash, 11), PRIME1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
