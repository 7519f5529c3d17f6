/**
 * Numbers values of one or two words in the order in which they come, by open addressing. The loops over values are
 * plain functions of typed arrays that hold nothing rare: an engine that compiles while it runs compiles each once,
 * where a rare branch inside would make it start over.
 */

/** Slots of a table when it is new. At most half of them are taken. */
const FIRST_BITS = 10;

/** Memory of the table under way. Encoding is synchronous, so one serves all, and nothing is left to collect. */
let slotMemory = new Int32Array(4 << FIRST_BITS);
let keyMemory = new Int32Array(1 << FIRST_BITS);

/** One table at a time: a new one takes the memory of the one before. */
export class WordTable {
  size = 0;
  /** Two words a key, in the order of their numbers: the low one, and the high one or 0. */
  keys = keyMemory;
  #bits = FIRST_BITS;

  constructor() {
    slotMemory.fill(0, 0, 4 << FIRST_BITS);
  }

  /** Numbers the values `from` to `to` of `words`, each of `width` words, into `out`. */
  add(words: Int32Array, width: number, from: number, to: number, out: Int32Array): void {
    for (let at = from; at < to; ) {
      const room = (1 << (this.#bits - 1)) - this.size;
      if (room < 1 << (this.#bits - 3)) {
        this.#grow();
        continue;
      }
      // No more keys can come than values: the table does not fill up on the way.
      const end = Math.min(to, at + room);
      const mask = (4 << this.#bits) - 1;
      this.size = number(words, width, at, end, slotMemory, mask, this.keys, this.size, out);
      at = end;
    }
  }

  #grow(): void {
    this.#bits++;
    const least = 4 << this.#bits;
    if (slotMemory.length < least) slotMemory = new Int32Array(least);
    else slotMemory.fill(0, 0, least);
    if (keyMemory.length < 1 << this.#bits) {
      const larger = new Int32Array(1 << this.#bits);
      larger.set(keyMemory);
      keyMemory = larger;
      this.keys = larger;
    }
    rehash(this.keys, this.size, slotMemory, least - 1);
  }
}

/** A slot is four words: the key's number plus one, or 0, and the key. Returns how many keys there are now. */
function number(
  words: Int32Array,
  width: number,
  from: number,
  to: number,
  slots: Int32Array,
  mask: number,
  keys: Int32Array,
  known: number,
  out: Int32Array,
): number {
  let size = known;
  let lastLow = 0;
  let lastHigh = 0;
  let last = -1;
  for (let i = from; i < to; i++) {
    const low = words[i * width]!;
    const high = width === 2 ? words[i * 2 + 1]! : 0;
    if (low !== lastLow || high !== lastHigh || last < 0) {
      let at = (hash(low, high) << 2) & mask;
      while (slots[at] !== 0 && (slots[at + 1] !== low || slots[at + 2] !== high)) at = (at + 4) & mask;
      last = slots[at]! - 1;
      if (last < 0) {
        last = size++;
        keys[2 * last] = low;
        keys[2 * last + 1] = high;
        slots[at] = size;
        slots[at + 1] = low;
        slots[at + 2] = high;
      }
      lastLow = low;
      lastHigh = high;
    }
    out[i] = last;
  }
  return size;
}

function rehash(keys: Int32Array, size: number, slots: Int32Array, mask: number): void {
  for (let key = 0; key < size; key++) {
    const low = keys[2 * key]!;
    const high = keys[2 * key + 1]!;
    let at = (hash(low, high) << 2) & mask;
    while (slots[at] !== 0) at = (at + 4) & mask;
    slots[at] = key + 1;
    slots[at + 1] = low;
    slots[at + 2] = high;
  }
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
