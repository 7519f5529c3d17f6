import {
  CONTAINER_VALUES,
  type Container,
  containerAdd,
  containerAddRange,
  containerCopy,
  containerCount,
  containerHas,
  containerOptimize,
  containerUnion,
  emptyContainer,
  forEachRun,
  forEachValue,
} from "./roaring-container.js";

/**
 * A set of unsigned 32-bit integers as a roaring bitmap: sorted containers of 65,536 values each.
 *
 * It is written here, and not taken from npm, because the kept libraries need a native build (`roaring`) or
 * live in a WebAssembly heap that must be freed by hand (`roaring-wasm`); this one is collected like any object
 * and its decoder allocates no more than its input warrants.
 */
export class RoaringBitmap {
  /** High 16 bits, ascending; `containers[i]` holds the values of `keys[i]` and is never empty. */
  readonly #keys: number[];
  readonly #containers: Container[];
  /** The place of the latest container touched: positions mostly come in order. */
  #last = 0;

  /** @param keys strictly ascending, with one non-empty container each; both arrays are kept. */
  constructor(keys: number[] = [], containers: Container[] = []) {
    this.#keys = keys;
    this.#containers = containers;
  }

  get keys(): readonly number[] {
    return this.#keys;
  }

  get containers(): readonly Container[] {
    return this.#containers;
  }

  /** How many values are set, at most 2^32. */
  get cardinality(): number {
    let count = 0;
    for (const container of this.#containers) count += container.size;
    return count;
  }

  has(value: number): boolean {
    const at = this.#find(value >>> 16);
    return at >= 0 && containerHas(this.#containers[at]!, value & 0xffff);
  }

  add(value: number): void {
    const key = value >>> 16;
    let at = this.#find(key);
    if (at < 0) at = this.#insert(~at, key, emptyContainer());
    this.#containers[at] = containerAdd(this.#containers[at]!, value & 0xffff);
  }

  /** Adds `first..last`, both within. */
  addRange(first: number, last: number): void {
    for (let key = first >>> 16; key <= last >>> 16; key++) {
      const low = key === first >>> 16 ? first & 0xffff : 0;
      const high = key === last >>> 16 ? last & 0xffff : CONTAINER_VALUES - 1;
      let at = this.#find(key);
      if (at < 0) at = this.#insert(~at, key, emptyContainer());
      this.#containers[at] = containerAddRange(this.#containers[at]!, low, high);
    }
  }

  /** Adds all values of `other`, which stays as it is. */
  addAll(other: RoaringBitmap): void {
    for (let i = 0; i < other.#keys.length; i++) {
      const key = other.#keys[i]!;
      const at = this.#find(key);
      if (at < 0) this.#insert(~at, key, containerCopy(other.#containers[i]!));
      else this.#containers[at] = containerUnion(this.#containers[at]!, other.#containers[i]!);
    }
  }

  /** Calls `visit` with each value in ascending order. */
  forEach(visit: (value: number) => void): void {
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * CONTAINER_VALUES;
      forEachValue(this.#containers[i]!, (low) => visit(base + low));
    }
  }

  /** Calls `visit` with `first..last`, both within, ascending. Runs that touch across containers come apart. */
  forEachRun(visit: (first: number, last: number) => void): void {
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * CONTAINER_VALUES;
      forEachRun(this.#containers[i]!, (first, last) => visit(base + first, base + last));
    }
  }

  /** How many values lie in `first..last`, both within. */
  count(first: number, last: number): number {
    let count = 0;
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * CONTAINER_VALUES;
      const low = Math.max(first - base, 0);
      const high = Math.min(last - base, CONTAINER_VALUES - 1);
      if (low <= high) count += containerCount(this.#containers[i]!, low, high);
    }
    return count;
  }

  /** Puts each container into the kind that serializes smallest. */
  optimize(): void {
    for (let i = 0; i < this.#containers.length; i++) {
      this.#containers[i] = containerOptimize(this.#containers[i]!);
    }
  }

  /** The place of `key`, or the complement of the place where it belongs. */
  #find(key: number): number {
    const keys = this.#keys;
    if (keys[this.#last] === key) return this.#last;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    if (keys[low] !== key) return ~low;
    this.#last = low;
    return low;
  }

  #insert(at: number, key: number, container: Container): number {
    this.#keys.splice(at, 0, key);
    this.#containers.splice(at, 0, container);
    this.#last = at;
    return at;
  }
}
