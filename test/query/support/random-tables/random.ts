/** Choices that a seed determines: a step is a seed, and means something in whatever state the table is. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 on, below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % end;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  one<T>(of: readonly T[]): T {
    const found = of[this.below(of.length)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }

  /** Some of them, in their order; at least `least`. */
  some<T>(of: readonly T[], least = 1): T[] {
    const places = new Set<number>();
    const size = Math.min(of.length, least + this.below(of.length - least + 1));
    while (places.size < size) places.add(this.below(of.length));
    return of.filter((_, i) => places.has(i));
  }

  many<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, make);
  }
}
