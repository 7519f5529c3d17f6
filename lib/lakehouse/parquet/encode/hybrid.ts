/**
 * The RLE / bit-packing hybrid (Encodings.md): runs of one value, and groups of eight values packed side by side. It
 * holds dictionary indices and levels.
 */

/** Bits that hold every value up to `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/** The most bytes that `count` values can take. */
export function hybridSize(count: number, width: number): number {
  return Math.ceil(count / 8) * width + 5 * (2 + Math.ceil(count / 8)) + 8;
}

let words = new Int32Array(1024);
let bytes = new Uint8Array(words.buffer);

/** Writes values `from` to `to`, none wider than `width` bits, and returns where they end in `out`. */
export function writeHybrid(
  values: Int32Array,
  from: number,
  to: number,
  width: number,
  out: Uint8Array,
  start: number,
): number {
  let at = start;
  for (let packed = from; packed < to; ) {
    const run = nextRun(values, packed, to);
    at = writePacked(values, packed, run, width, out, at);
    if (run === to) break;
    packed = runEnd(values, run, to);
    at = writeRun(values[run]!, packed - run, width, out, at);
  }
  return at;
}

/**
 * Where the next run begins; `to` where none does. Only one that fills a whole group is taken for a run: the groups
 * before it then need no padding.
 */
function nextRun(values: Int32Array, from: number, to: number): number {
  for (let i = from; i + 8 <= to; i += 8) {
    const value = values[i]!;
    if (
      value === values[i + 7]! &&
      value === values[i + 1]! &&
      value === values[i + 2]! &&
      value === values[i + 3]! &&
      value === values[i + 4]! &&
      value === values[i + 5]! &&
      value === values[i + 6]!
    )
      return i;
  }
  return to;
}

function runEnd(values: Int32Array, from: number, to: number): number {
  const value = values[from]!;
  let end = from + 8;
  while (end < to && values[end] === value) end++;
  return end;
}

/** One value over and over: the levels of a column without nulls. */
export function writeRun(
  value: number,
  count: number,
  width: number,
  out: Uint8Array,
  start: number,
): number {
  let at = writeVarint(count * 2, out, start);
  for (let bits = 0; bits < width; bits += 8) out[at++] = value >>> bits;
  return at;
}

function writePacked(
  values: Int32Array,
  from: number,
  to: number,
  width: number,
  out: Uint8Array,
  start: number,
): number {
  if (from === to) return start;
  const groups = (to - from + 7) >> 3;
  const at = writeVarint(groups * 2 + 1, out, start);
  const size = groups * width;
  if (size + 4 > bytes.length) {
    words = new Int32Array((size >> 2) * 2 + 2);
    bytes = new Uint8Array(words.buffer);
  }
  pack(values, from, to, width, words, (size + 3) >> 2);
  out.set(bytes.subarray(0, size), at);
  return at + size;
}

/** Packs values side by side into `end` words: the last group is padded with zeros. */
function pack(
  values: Int32Array,
  from: number,
  to: number,
  width: number,
  target: Int32Array,
  end: number,
): void {
  let word = 0;
  let filled = 0;
  let next = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    word |= value << filled;
    filled += width;
    if (filled >= 32) {
      target[next++] = word;
      filled -= 32;
      word = filled > 0 ? value >>> (width - filled) : 0;
    }
  }
  while (next < end) {
    target[next++] = word;
    word = 0;
  }
}

export function writeVarint(value: number, out: Uint8Array, start: number): number {
  let rest = value;
  let at = start;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
}
