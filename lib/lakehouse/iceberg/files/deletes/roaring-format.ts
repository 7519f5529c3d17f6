import { corruptFile, type LakehouseError } from "../../../errors.js";
import { RoaringBitmap } from "./roaring.js";
import {
  type ArrayContainer,
  BITMAP_BYTES,
  BITMAP_WORDS,
  type BitmapContainer,
  type Container,
  countBits,
  MAX_ARRAY_SIZE,
  type RunContainer,
} from "./roaring-container.js";

/**
 * The portable serialization of 32-bit roaring bitmaps (RoaringFormatSpec), little-endian:
 * cookie, [bits that mark run containers], per container (key, cardinality - 1), [offsets], containers.
 */

const COOKIE_WITHOUT_RUNS = 12346;
const COOKIE_WITH_RUNS = 12347;
/** With run containers present, offsets are written only from this many containers on. */
const OFFSETS_FROM = 4;

/** Bytes that `writeRoaring` will take. */
export function roaringSize(bitmap: RoaringBitmap): number {
  const { containers } = bitmap;
  const hasRuns = containers.some((container) => container.kind === "run");
  let size = headerSize(containers.length, hasRuns);
  for (const container of containers) size += containerSize(container);
  return size;
}

/** Writes `bitmap` into `view` at `offset`; returns the offset after it. Its containers are written as they are. */
export function writeRoaring(bitmap: RoaringBitmap, view: DataView, offset: number): number {
  const { keys, containers } = bitmap;
  const count = containers.length;
  const hasRuns = containers.some((container) => container.kind === "run");
  let at = offset;
  if (hasRuns) {
    view.setUint32(at, COOKIE_WITH_RUNS | ((count - 1) << 16), true);
    at += 4;
    for (let i = 0; i < count; i++) {
      if (containers[i]!.kind === "run")
        view.setUint8(at + (i >>> 3), view.getUint8(at + (i >>> 3)) | (1 << (i & 7)));
    }
    at += Math.ceil(count / 8);
  } else {
    view.setUint32(at, COOKIE_WITHOUT_RUNS, true);
    view.setUint32(at + 4, count, true);
    at += 8;
  }
  for (let i = 0; i < count; i++, at += 4) {
    view.setUint16(at, keys[i]!, true);
    view.setUint16(at + 2, containers[i]!.size - 1, true);
  }
  if (!hasRuns || count >= OFFSETS_FROM) {
    let start = headerSize(count, hasRuns);
    for (const container of containers) {
      view.setUint32(at, start, true);
      start += containerSize(container);
      at += 4;
    }
  }
  for (const container of containers) at = writeContainer(container, view, at);
  return at;
}

function headerSize(count: number, hasRuns: boolean): number {
  const offsets = !hasRuns || count >= OFFSETS_FROM ? 4 * count : 0;
  return (hasRuns ? 4 + Math.ceil(count / 8) : 8) + 4 * count + offsets;
}

function containerSize(container: Container): number {
  if (container.kind === "run") return 2 + 2 * container.runs.length;
  return container.kind === "array" ? 2 * container.size : BITMAP_BYTES;
}

function writeContainer(container: Container, view: DataView, offset: number): number {
  let at = offset;
  if (container.kind === "bitmap") {
    for (let i = 0; i < BITMAP_WORDS; i++, at += 4) view.setUint32(at, container.words[i]!, true);
    return at;
  }
  const values = container.kind === "run" ? container.runs : container.values;
  const length = container.kind === "run" ? container.runs.length : container.size;
  if (container.kind === "run") {
    view.setUint16(at, length / 2, true);
    at += 2;
  }
  for (let i = 0; i < length; i++, at += 2) view.setUint16(at, values[i]!, true);
  return at;
}

/**
 * Reads one bitmap from `bytes` at `offset`. Memory stays in proportion to the bytes read.
 *
 * @param subject what the bytes are, for errors
 * @returns the bitmap and the offset after it
 * @throws CORRUPT_FILE when the bytes end early or break a rule of the format
 */
export function readRoaring(
  bytes: Uint8Array,
  offset: number,
  subject: string,
): { bitmap: RoaringBitmap; end: number } {
  const input = new Input(bytes, offset, subject);
  const cookie = input.u32();
  const hasRuns = (cookie & 0xffff) === COOKIE_WITH_RUNS;
  if (!hasRuns && cookie !== COOKIE_WITHOUT_RUNS) throw input.corrupt(`cookie ${cookie} is unknown`);
  const count = hasRuns ? (cookie >>> 16) + 1 : input.u32();
  if (count > 65_536) throw input.corrupt(`${count} containers, of 65536 possible`);
  const runMarks = hasRuns ? input.take(Math.ceil(count / 8)) : undefined;
  const header = input.take(4 * count);
  // Containers follow one another, so the offsets, which serve random access only, tell nothing new.
  if (!hasRuns || count >= OFFSETS_FROM) input.take(4 * count);

  const keys: number[] = [];
  const containers: Container[] = [];
  for (let i = 0; i < count; i++) {
    const key = header.getUint16(4 * i, true);
    const size = header.getUint16(4 * i + 2, true) + 1;
    if (i > 0 && key <= keys[i - 1]!) throw input.corrupt(`container key ${key} follows ${keys[i - 1]}`);
    const isRun = runMarks !== undefined && ((runMarks.getUint8(i >>> 3) >>> (i & 7)) & 1) === 1;
    keys.push(key);
    if (isRun) containers.push(readRuns(input, size));
    else containers.push(size <= MAX_ARRAY_SIZE ? readArray(input, size) : readBitmap(input, size));
  }
  return { bitmap: new RoaringBitmap(keys, containers), end: input.offset };
}

function readArray(input: Input, size: number): ArrayContainer {
  const source = input.take(2 * size);
  const values = new Uint16Array(size);
  let previous = -1;
  for (let i = 0; i < size; i++) {
    const value = source.getUint16(2 * i, true);
    if (value <= previous) throw input.corrupt(`value ${value} follows ${previous} in an array container`);
    values[i] = value;
    previous = value;
  }
  return { kind: "array", values, size };
}

function readBitmap(input: Input, size: number): BitmapContainer {
  const source = input.take(BITMAP_BYTES);
  const words = new Uint32Array(BITMAP_WORDS);
  for (let i = 0; i < BITMAP_WORDS; i++) words[i] = source.getUint32(4 * i, true);
  const found = countBits(words);
  if (found !== size) throw input.corrupt(`a bitmap container has ${found} values and declares ${size}`);
  return { kind: "bitmap", words, size };
}

function readRuns(input: Input, size: number): RunContainer {
  const count = input.take(2).getUint16(0, true);
  const source = input.take(4 * count);
  const runs = new Uint16Array(2 * count);
  let used = 0;
  let end = -2;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const first = source.getUint16(4 * i, true);
    const last = first + source.getUint16(4 * i + 2, true);
    if (first <= end || last > 0xffff)
      throw input.corrupt(`run ${first}..${last} follows one that ends at ${end}`);
    found += last - first + 1;
    if (first === end + 1) {
      runs[used - 1] = runs[used - 1]! + (last - first + 1);
    } else {
      runs[used++] = first;
      runs[used++] = last - first;
    }
    end = last;
  }
  if (found !== size) throw input.corrupt(`a run container has ${found} values and declares ${size}`);
  return { kind: "run", runs: used === runs.length ? runs : runs.slice(0, used), size };
}

/** A cursor which throws CORRUPT_FILE, and allocates nothing, when more is asked for than there is. */
class Input {
  offset: number;
  readonly #bytes: Uint8Array;
  readonly #subject: string;

  constructor(bytes: Uint8Array, offset: number, subject: string) {
    this.#bytes = bytes;
    this.offset = offset;
    this.#subject = subject;
  }

  take(length: number): DataView {
    const left = this.#bytes.length - this.offset;
    if (length > left)
      throw this.corrupt(`${length} bytes are needed at byte ${this.offset}, ${left} are left`);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.offset, length);
    this.offset += length;
    return view;
  }

  u32(): number {
    return this.take(4).getUint32(0, true);
  }

  corrupt(detail: string): LakehouseError {
    return corruptFile(
      this.#subject,
      `The roaring bitmap in ${this.#subject} cannot be read: ${detail}.`,
      "Restore the file from a backup.",
    );
  }
}
