import type { HeldBatch } from "../segment/segment-builder.js";

/** The newest batches of a partition, in memory: those that are not in the object store, and some that are. */
export class Tail {
  readonly #keptBytes: number;
  #batches: HeldBatch[] = [];
  #bytes = 0;

  /** @param keptBytes how much stays in memory of what is in the object store. */
  constructor(keptBytes: number) {
    this.#keptBytes = keptBytes;
  }

  /** From which offset on it has all: `undefined` where it has nothing. */
  get start(): bigint | undefined {
    return this.#batches[0]?.header.baseOffset;
  }

  push(batch: HeldBatch): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes.length;
  }

  /** The batches with offsets from `from` to before `end`: at least one where there is one, and no more than `maxBytes` else. */
  read(from: bigint, end: bigint, maxBytes = Number.POSITIVE_INFINITY): HeldBatch[] {
    const batches: HeldBatch[] = [];
    let bytes = 0;
    for (let i = this.#indexOf(from); i < this.#batches.length; i++) {
      const batch = this.#batches[i] as HeldBatch;
      bytes += batch.bytes.length;
      if (batch.header.baseOffset >= end || (batches.length > 0 && bytes > maxBytes)) break;
      batches.push(batch);
    }
    return batches;
  }

  /** Forgets the oldest, as far as they are before `stored` and there is more than is to be kept. */
  trim(stored: bigint): void {
    let count = 0;
    for (const batch of this.#batches) {
      if (this.#bytes <= this.#keptBytes || nextOffset(batch) > stored) break;
      this.#bytes -= batch.bytes.length;
      count++;
    }
    if (count > 0) this.#batches = this.#batches.slice(count);
  }

  /** Forgets the newest, from this offset on. */
  cut(from: bigint): void {
    const index = this.#indexOf(from);
    for (const batch of this.#batches.splice(index)) this.#bytes -= batch.bytes.length;
  }

  /** Of the first batch that ends behind this offset. */
  #indexOf(offset: bigint): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (nextOffset(this.#batches[middle] as HeldBatch) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** One behind the batch's last. */
export function nextOffset({ header }: HeldBatch): bigint {
  return header.baseOffset + BigInt(header.lastOffsetDelta) + 1n;
}
