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
  let packed = from;
  let i = from;
  // Only a run that fills a whole group is taken for one: the groups before it then need no padding.
  while (i + 8 <= to) {
    const value = values[i]!;
    if (
      value === values[i + 7]! &&
      value === values[i + 1]! &&
      value === values[i + 2]! &&
      value === values[i + 3]! &&
      value === values[i + 4]! &&
      value === values[i + 5]! &&
      value === values[i + 6]!
    ) {
      at = writePacked(values, packed, i, width, out, at);
      let end = i + 8;
      while (end < to && values[end] === value) end++;
      at = writeRun(value, end - i, width, out, at);
      i = end;
      packed = end;
    } else i += 8;
  }
  return writePacked(values, packed, to, width, out, at);
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
  const target = words;
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
  // The last group is padded with zeros, also where that takes more than the current word.
  const end = (size + 3) >> 2;
  while (next < end) {
    target[next++] = word;
    word = 0;
  }
  out.set(bytes.subarray(0, size), at);
  return at + size;
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
