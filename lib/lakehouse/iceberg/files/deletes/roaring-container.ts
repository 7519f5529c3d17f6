/**
 * The containers of a 32-bit roaring bitmap: each holds the low 16 bits of the values which share their high
 * 16 bits. Which kind holds them is a matter of size only; every function takes and gives any kind.
 */

/** Sorted values. The array may have spare room behind `size`. */
export interface ArrayContainer {
  readonly kind: "array";
  values: Uint16Array;
  size: number;
}

/** One bit a value, 2048 words of 32 bits. */
export interface BitmapContainer {
  readonly kind: "bitmap";
  readonly words: Uint32Array;
  size: number;
}

/** Sorted, disjoint, non-touching runs as pairs of (first value, number of values - 1). Never changed in place. */
export interface RunContainer {
  readonly kind: "run";
  readonly runs: Uint16Array;
  readonly size: number;
}

export type Container = ArrayContainer | BitmapContainer | RunContainer;

/** The format's own limit: up to this many values are an array, above it a bitmap. */
export const MAX_ARRAY_SIZE = 4096;
export const CONTAINER_VALUES = 65_536;
export const BITMAP_WORDS = CONTAINER_VALUES / 32;
export const BITMAP_BYTES = CONTAINER_VALUES / 8;

export function emptyContainer(): ArrayContainer {
  return { kind: "array", values: new Uint16Array(4), size: 0 };
}

/** The container of `first..last`, both within. */
export function rangeContainer(first: number, last: number): RunContainer {
  return { kind: "run", runs: Uint16Array.of(first, last - first), size: last - first + 1 };
}

export function containerHas(container: Container, value: number): boolean {
  switch (container.kind) {
    case "array": {
      const at = lowerBound(container.values, container.size, value, 1);
      return at < container.size && container.values[at] === value;
    }
    case "bitmap":
      return ((container.words[value >>> 5]! >>> (value & 31)) & 1) === 1;
    case "run": {
      const run = runAtOrBefore(container, value);
      return run >= 0 && value - container.runs[2 * run]! <= container.runs[2 * run + 1]!;
    }
  }
}

/** Adds a value, in place where the kind allows it; the container given must not be used afterwards. */
export function containerAdd(container: Container, value: number): Container {
  switch (container.kind) {
    case "array":
      return arrayAdd(container, value);
    case "bitmap": {
      const word = value >>> 5;
      const before = container.words[word]!;
      const after = (before | (1 << (value & 31))) >>> 0;
      if (after !== before) {
        container.words[word] = after;
        container.size++;
      }
      return container;
    }
    case "run":
      return containerHas(container, value) ? container : containerAdd(expand(container), value);
  }
}

function arrayAdd(container: ArrayContainer, value: number): Container {
  const { size } = container;
  // Positions mostly arrive in order, so the end of the array is tried before the search.
  const at =
    size === 0 || container.values[size - 1]! < value ? size : lowerBound(container.values, size, value, 1);
  if (at < size && container.values[at] === value) return container;
  if (size === MAX_ARRAY_SIZE) return containerAdd(toBitmap(container), value);
  if (size === container.values.length) {
    const grown = new Uint16Array(Math.min(MAX_ARRAY_SIZE, Math.max(4, size * 2)));
    grown.set(container.values);
    container.values = grown;
  }
  if (at < size) container.values.copyWithin(at + 1, at, size);
  container.values[at] = value;
  container.size = size + 1;
  return container;
}

/** Adds `first..last`, both within; the container given must not be used afterwards. */
export function containerAddRange(container: Container, first: number, last: number): Container {
  if (container.size === 0 || last - first + 1 === CONTAINER_VALUES) return rangeContainer(first, last);
  const bitmap = toBitmap(container);
  setBits(bitmap.words, first, last);
  bitmap.size = countBits(bitmap.words);
  return shrink(bitmap);
}

/** The union; `a` must not be used afterwards, `b` stays as it is. */
export function containerUnion(a: Container, b: Container): Container {
  if (a.kind === "array" && b.kind === "array" && a.size + b.size <= MAX_ARRAY_SIZE) return mergeArrays(a, b);
  const union = toBitmap(a);
  if (b.kind === "bitmap") {
    for (let i = 0; i < BITMAP_WORDS; i++) union.words[i] = union.words[i]! | b.words[i]!;
  } else if (b.kind === "array") {
    for (let i = 0; i < b.size; i++) {
      const value = b.values[i]!;
      union.words[value >>> 5] = union.words[value >>> 5]! | (1 << (value & 31));
    }
  } else {
    for (let i = 0; i < b.runs.length; i += 2) setBits(union.words, b.runs[i]!, b.runs[i]! + b.runs[i + 1]!);
  }
  union.size = countBits(union.words);
  return shrink(union);
}

function mergeArrays(a: ArrayContainer, b: ArrayContainer): ArrayContainer {
  const values = new Uint16Array(a.size + b.size);
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < a.size && j < b.size) {
    const left = a.values[i]!;
    const right = b.values[j]!;
    values[size++] = Math.min(left, right);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  while (i < a.size) values[size++] = a.values[i++]!;
  while (j < b.size) values[size++] = b.values[j++]!;
  return { kind: "array", values, size };
}

/** A copy which shares nothing that may change. */
export function containerCopy(container: Container): Container {
  switch (container.kind) {
    case "array":
      return { kind: "array", values: container.values.slice(0, container.size), size: container.size };
    case "bitmap":
      return { kind: "bitmap", words: container.words.slice(), size: container.size };
    case "run":
      return container;
  }
}

/** Calls `visit` with each run of consecutive values as `first..last`, both within, in ascending order. */
export function forEachRun(container: Container, visit: (first: number, last: number) => void): void {
  if (container.kind === "run") {
    const { runs } = container;
    for (let i = 0; i < runs.length; i += 2) visit(runs[i]!, runs[i]! + runs[i + 1]!);
    return;
  }
  let first = -1;
  let last = -2;
  forEachValue(container, (value) => {
    if (value === last + 1) {
      last = value;
      return;
    }
    if (first >= 0) visit(first, last);
    first = value;
    last = value;
  });
  if (first >= 0) visit(first, last);
}

/** Calls `visit` with each value in ascending order. */
export function forEachValue(container: Container, visit: (value: number) => void): void {
  switch (container.kind) {
    case "array":
      for (let i = 0; i < container.size; i++) visit(container.values[i]!);
      return;
    case "bitmap":
      for (let i = 0; i < BITMAP_WORDS; i++) {
        let word = container.words[i]!;
        while (word !== 0) {
          visit(i * 32 + 31 - Math.clz32(word & -word));
          word &= word - 1;
        }
      }
      return;
    case "run":
      for (let i = 0; i < container.runs.length; i += 2) {
        const last = container.runs[i]! + container.runs[i + 1]!;
        for (let value = container.runs[i]!; value <= last; value++) visit(value);
      }
  }
}

/** How many values lie in `first..last`, both within. */
export function containerCount(container: Container, first: number, last: number): number {
  if (first === 0 && last === CONTAINER_VALUES - 1) return container.size;
  if (container.kind === "array") {
    const { values, size } = container;
    return lowerBound(values, size, last + 1, 1) - lowerBound(values, size, first, 1);
  }
  let count = 0;
  if (container.kind === "run") {
    forEachRun(container, (from, to) => {
      count += Math.max(0, Math.min(to, last) - Math.max(from, first) + 1);
    });
    return count;
  }
  const mask = new Uint32Array(BITMAP_WORDS);
  setBits(mask, first, last);
  for (let i = first >>> 5; i <= last >>> 5; i++) count += popCount(container.words[i]! & mask[i]!);
  return count;
}

/** The same values in the kind that serializes smallest; the one given when that is already so. */
export function containerOptimize(container: Container): Container {
  const runs = countRuns(container);
  const plainBytes = container.size <= MAX_ARRAY_SIZE ? 2 * container.size : BITMAP_BYTES;
  if (2 + 4 * runs < plainBytes) return container.kind === "run" ? container : toRuns(container, runs);
  return container.kind === "run" ? expand(container) : container;
}

function countRuns(container: Container): number {
  if (container.kind === "run") return container.runs.length / 2;
  let runs = 0;
  if (container.kind === "array") {
    for (let i = 0; i < container.size; i++) {
      if (i === 0 || container.values[i]! !== container.values[i - 1]! + 1) runs++;
    }
    return runs;
  }
  // A run starts at each set bit whose lower neighbour is not set; the neighbour of bit 0 is the last word's bit 31.
  let carry = 0;
  for (const word of container.words) {
    runs += popCount(word & ~((word << 1) | carry));
    carry = word >>> 31;
  }
  return runs;
}

function toRuns(container: Container, count: number): RunContainer {
  const runs = new Uint16Array(2 * count);
  let at = 0;
  forEachRun(container, (first, last) => {
    runs[at++] = first;
    runs[at++] = last - first;
  });
  return { kind: "run", runs, size: container.size };
}

/** A run container as the array or the bitmap that its size calls for. */
function expand(container: RunContainer): ArrayContainer | BitmapContainer {
  if (container.size > MAX_ARRAY_SIZE) return toBitmap(container);
  const values = new Uint16Array(container.size);
  let size = 0;
  forEachValue(container, (value) => {
    values[size++] = value;
  });
  return { kind: "array", values, size };
}

function toBitmap(container: Container): BitmapContainer {
  if (container.kind === "bitmap") return container;
  const words = new Uint32Array(BITMAP_WORDS);
  if (container.kind === "run") forEachRun(container, (first, last) => setBits(words, first, last));
  else forEachValue(container, (value) => setBits(words, value, value));
  return { kind: "bitmap", words, size: container.size };
}

/** A bitmap of few values becomes an array, as the format demands. */
function shrink(bitmap: BitmapContainer): Container {
  if (bitmap.size > MAX_ARRAY_SIZE) return bitmap;
  const values = new Uint16Array(bitmap.size);
  let size = 0;
  forEachValue(bitmap, (value) => {
    values[size++] = value;
  });
  return { kind: "array", values, size };
}

/** The index of the first of `count` values, `stride` apart, that is not below `value`. */
function lowerBound(values: Uint16Array, count: number, value: number, stride: 1 | 2): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle * stride]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function runAtOrBefore(container: RunContainer, value: number): number {
  return lowerBound(container.runs, container.runs.length / 2, value + 1, 2) - 1;
}

function setBits(words: Uint32Array, first: number, last: number): void {
  const firstWord = first >>> 5;
  const lastWord = last >>> 5;
  const head = -1 << (first & 31);
  const tail = -1 >>> (31 - (last & 31));
  if (firstWord === lastWord) {
    words[firstWord] = words[firstWord]! | (head & tail);
    return;
  }
  words[firstWord] = words[firstWord]! | head;
  words.fill(0xffffffff, firstWord + 1, lastWord);
  words[lastWord] = words[lastWord]! | tail;
}

export function countBits(words: Uint32Array): number {
  let count = 0;
  for (const word of words) count += popCount(word);
  return count;
}

function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
