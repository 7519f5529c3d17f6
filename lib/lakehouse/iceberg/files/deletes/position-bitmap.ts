import { corruptFile, invalidArgument, type LakehouseError, unsupported } from "../../../errors.js";
import { RoaringBitmap } from "./roaring.js";
import { readRoaring, roaringSize, writeRoaring } from "./roaring-format.js";

/** A half-open range of row positions: `start` is within, `end` is not. */
export interface PositionRange {
  readonly start: number;
  readonly end: number;
}

const KEY = 2 ** 32;
/** Rows are counted in doubles here: no file holds 2^53 of them. */
const MAX_POSITION = Number.MAX_SAFE_INTEGER;
const MAX_KEY = Math.floor(MAX_POSITION / KEY);

/**
 * A set of row positions within one data file, as 32-bit roaring bitmaps under the positions' upper 32 bits
 * (Puffin spec, `deletion-vector-v1`). Positions are numbers, 0 to 2^53 - 1; adding in ascending order is
 * fastest.
 *
 * @example
 * const deleted = PositionBitmap.from([3, 5, 8]);
 * deleted.has(5); // true
 */
export class PositionBitmap {
  /** Upper 32 bits, ascending, each with its bitmap. */
  readonly #keys: number[] = [];
  readonly #bitmaps: RoaringBitmap[] = [];

  static from(positions: Iterable<number>): PositionBitmap {
    const bitmap = new PositionBitmap();
    for (const position of positions) bitmap.add(position);
    return bitmap;
  }

  /** How many positions are set. */
  get cardinality(): number {
    let count = 0;
    for (const bitmap of this.#bitmaps) count += bitmap.cardinality;
    return count;
  }

  get isEmpty(): boolean {
    return this.#bitmaps.every((bitmap) => bitmap.keys.length === 0);
  }

  has(position: number): boolean {
    const at = this.#keys.indexOf(Math.floor(position / KEY));
    return at >= 0 && this.#bitmaps[at]!.has(position % KEY);
  }

  /** @throws INVALID_ARGUMENT for anything but a whole number from 0 to 2^53 - 1 */
  add(position: number): void {
    if (position >= 0 && position < KEY && Number.isInteger(position) && this.#keys[0] === 0) {
      this.#bitmaps[0]!.add(position);
      return;
    }
    checkPosition(position);
    this.#bitmap(Math.floor(position / KEY)).add(position % KEY);
  }

  /** Adds `start` to `end - 1`; nothing when the range is empty. */
  addRange(start: number, end: number): void {
    if (start >= end) return;
    checkPosition(start);
    checkPosition(end - 1);
    const last = end - 1;
    for (let key = Math.floor(start / KEY); key <= Math.floor(last / KEY); key++) {
      const low = Math.max(start - key * KEY, 0);
      const high = Math.min(last - key * KEY, KEY - 1);
      this.#bitmap(key).addRange(low, high);
    }
  }

  /** Adds all positions of `other`, which stays as it is. */
  addAll(other: PositionBitmap): void {
    for (let i = 0; i < other.#keys.length; i++) this.#bitmap(other.#keys[i]!).addAll(other.#bitmaps[i]!);
  }

  /** Calls `visit` with each position in ascending order. */
  forEach(visit: (position: number) => void): void {
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * KEY;
      this.#bitmaps[i]!.forEach((low) => {
        visit(base + low);
      });
    }
  }

  /** The positions in ascending order, for tests and for few positions; for many, `forEach` and `ranges` cost less. */
  toArray(): number[] {
    const positions: number[] = [];
    this.forEach((position) => {
      positions.push(position);
    });
    return positions;
  }

  /** The positions in ascending order, as the 64-bit column that a SQL engine joins with. */
  toBigInt64Array(): BigInt64Array {
    const positions = new BigInt64Array(this.cardinality);
    let at = 0;
    this.forEach((position) => {
      positions[at++] = BigInt(position);
    });
    return positions;
  }

  /** A bit for each of the first `rows` rows, the lowest of a byte first: set where the position is in the set. */
  toBits(rows: number): Uint8Array {
    const bits = new Uint8Array(Math.ceil(rows / 8));
    this.forEach((position) => {
      if (position < rows) bits[Math.floor(position / 8)]! |= 1 << (position % 8);
    });
    return bits;
  }

  /** The positions as the fewest ranges that hold them, ascending. */
  ranges(): PositionRange[] {
    const ranges: PositionRange[] = [];
    let start = -1;
    let end = -1;
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * KEY;
      this.#bitmaps[i]!.forEachRun((first, last) => {
        if (base + first === end) {
          end = base + last + 1;
          return;
        }
        if (end > start) ranges.push({ start, end });
        start = base + first;
        end = base + last + 1;
      });
    }
    if (end > start) ranges.push({ start, end });
    return ranges;
  }

  /** How many positions lie within the range: a row group whose rows are all deleted need not be read. */
  count({ start, end }: PositionRange): number {
    let count = 0;
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * KEY;
      const low = Math.max(start - base, 0);
      const high = Math.min(end - 1 - base, KEY - 1);
      if (low <= high) count += this.#bitmaps[i]!.count(low, high);
    }
    return count;
  }

  /**
   * The portable 64-bit serialization: number of bitmaps (8 bytes), then key (4 bytes) and bitmap each,
   * little-endian. Run-length encoded where that is smaller.
   */
  serialize(): Uint8Array {
    const filled = this.#keys.map((key, i) => ({ key, bitmap: this.#bitmaps[i]! }));
    const entries = filled.filter(({ bitmap }) => bitmap.keys.length > 0);
    let size = 8;
    for (const { bitmap } of entries) {
      bitmap.optimize();
      size += 4 + roaringSize(bitmap);
    }
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(entries.length), true);
    let at = 8;
    for (const { key, bitmap } of entries) {
      view.setUint32(at, key, true);
      at = writeRoaring(bitmap, view, at + 4);
    }
    return bytes;
  }

  /**
   * Reads what `serialize`, or any writer of the portable format, wrote. The whole of `bytes` must be used.
   *
   * @param subject what the bytes are, for errors
   * @throws CORRUPT_FILE when the bytes break a rule of the format, UNSUPPORTED_FEATURE for positions above 2^53 - 1
   */
  static deserialize(bytes: Uint8Array, subject: string): PositionBitmap {
    const result = new PositionBitmap();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 8) throw corrupt(subject, `it has ${bytes.length} bytes, its count alone takes 8`);
    const count = view.getBigUint64(0, true);
    // Even an empty bitmap takes 12 bytes with its key, so a larger count is refused before any work.
    if (count > BigInt(bytes.length) / 12n)
      throw corrupt(subject, `${count} bitmaps do not fit ${bytes.length} bytes`);
    let at = 8;
    let previous = -1;
    for (let i = 0n; i < count; i++) {
      if (at + 4 > bytes.length) throw corrupt(subject, `it ends within the key of bitmap ${i}`);
      const key = view.getUint32(at, true);
      if (key <= previous) throw corrupt(subject, `bitmap key ${key} follows ${previous}`);
      if (key > MAX_KEY) throw tooLarge(subject, key);
      const { bitmap, end } = readRoaring(bytes, at + 4, subject);
      result.#keys.push(key);
      result.#bitmaps.push(bitmap);
      previous = key;
      at = end;
    }
    if (at !== bytes.length) throw corrupt(subject, `${bytes.length - at} bytes follow the last bitmap`);
    return result;
  }

  #bitmap(key: number): RoaringBitmap {
    let at = this.#keys.findIndex((existing) => existing >= key);
    if (at < 0) at = this.#keys.length;
    if (this.#keys[at] !== key) {
      this.#keys.splice(at, 0, key);
      this.#bitmaps.splice(at, 0, new RoaringBitmap());
    }
    return this.#bitmaps[at]!;
  }
}

function checkPosition(position: number): void {
  if (Number.isSafeInteger(position) && position >= 0) return;
  throw invalidArgument(
    String(position),
    `${position} is no row position: positions are whole numbers from 0 to 2^53 - 1.`,
  );
}

function corrupt(subject: string, detail: string): LakehouseError {
  return corruptFile(
    subject,
    `The position bitmap in ${subject} cannot be read: ${detail}.`,
    "Restore the file from a backup.",
  );
}

function tooLarge(subject: string, key: number): LakehouseError {
  return unsupported(
    subject,
    `The position bitmap in ${subject} has positions from ${BigInt(key) << 32n} on; at most 2^53 - 1 can be held.`,
  );
}
