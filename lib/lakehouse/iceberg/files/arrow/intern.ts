/**
 * Numbers byte strings from 0 in the order of their first appearance, without making a JavaScript string of each: a
 * hash table with open addressing over ranges of the caller's buffers.
 */
export class ByteInterner {
  /** Each distinct byte string once, at its code. */
  readonly values: Uint8Array[] = [];
  private hashes: number[] = [];
  private slots = new Int32Array(64).fill(-1);

  code(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    let hash = 0x811c9dc5 ^ length;
    for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash = (hash ^ (hash >>> 15)) >>> 0;
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const code = this.slots[slot]!;
      if (code < 0) return this.add(bytes.slice(start, end), hash, slot);
      if (this.hashes[code] === hash && this.equals(this.values[code]!, bytes, start, length)) return code;
      slot = (slot + 1) & mask;
    }
  }

  private equals(value: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
    if (value.length !== length) return false;
    for (let i = 0; i < length; i += 1) if (value[i] !== bytes[start + i]) return false;
    return true;
  }

  private add(value: Uint8Array, hash: number, slot: number): number {
    const code = this.values.length;
    this.values.push(value);
    this.hashes.push(hash);
    this.slots[slot] = code;
    // At most half full, so that runs stay short.
    if (this.values.length * 2 > this.slots.length) this.grow();
    return code;
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (const [code, hash] of this.hashes.entries()) {
      let slot = hash & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = code;
    }
    this.slots = slots;
  }
}
