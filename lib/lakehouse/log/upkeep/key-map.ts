import { hash } from "node:crypto";

/** Of each slot: 16 for the key's hash, 8 for the offset. */
const SLOT_BYTES = 24;
const MOST_BYTES = 64 * 1024 * 1024;
/** Of the slots. */
const MOST_FILLED = 0.75;
const WORDS = 4;

/** How many keys one map has at most: a partition with more is compacted in several rounds. */
export const MOST_KEYS = Math.floor((MOST_BYTES / SLOT_BYTES) * MOST_FILLED);

/**
 * The latest offset of each key, in a fixed amount of memory: keys are known by 128 bits of their SHA-256, so that two that
 * are taken for one are not to be feared, nor to be made.
 */
export class KeyMap {
  readonly capacity: number;
  readonly #base: bigint;
  readonly #slots: number;
  readonly #hashes: Uint32Array;
  /** From the base on, plus 1; 0 where the slot is free. */
  readonly #offsets: Float64Array;
  #count = 0;

  /**
   * @param capacity how many keys.
   * @param base no offset is before it.
   */
  constructor(capacity: number, base: bigint) {
    this.capacity = capacity;
    this.#base = base;
    this.#slots = Math.ceil(capacity / MOST_FILLED) + 1;
    this.#hashes = new Uint32Array(this.#slots * WORDS);
    this.#offsets = new Float64Array(this.#slots);
  }

  /** How many more keys there is room for. */
  get room(): number {
    return this.capacity - this.#count;
  }

  /** @param offset larger than all before. */
  set(key: Uint8Array, offset: bigint): void {
    const words = hashOf(key);
    const slot = this.#slotOf(words);
    if (this.#offsets[slot] === 0) {
      this.#hashes.set(words, slot * WORDS);
      this.#count++;
    }
    this.#offsets[slot] = Number(offset - this.#base) + 1;
  }

  get(key: Uint8Array): bigint | undefined {
    const offset = this.#offsets[this.#slotOf(hashOf(key))] as number;
    return offset === 0 ? undefined : this.#base + BigInt(offset - 1);
  }

  /** The key's slot, or the free one that it would get. */
  #slotOf(words: Uint32Array): number {
    const hashes = this.#hashes;
    let slot = (words[0] as number) % this.#slots;
    while (this.#offsets[slot] !== 0) {
      const at = slot * WORDS;
      if (
        hashes[at] === words[0] &&
        hashes[at + 1] === words[1] &&
        hashes[at + 2] === words[2] &&
        hashes[at + 3] === words[3]
      )
        break;
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
    return slot;
  }
}

function hashOf(key: Uint8Array): Uint32Array {
  const digest = hash("sha256", key, "buffer");
  const words = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i++) words[i] = digest.readUInt32LE(4 * i);
  return words;
}
