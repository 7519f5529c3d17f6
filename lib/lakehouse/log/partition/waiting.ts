/** Those who wait for what a partition's writer does. */

interface Waiter {
  readonly next: bigint;
  readonly go: () => void;
  readonly fail: (error: unknown) => void;
}

/** Who waits until an offset is passed. */
export class OffsetWaiters {
  #waiters: Waiter[] = [];

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  /** Resolves when all before `next` is there. */
  until(next: bigint): Promise<void> {
    return new Promise((go, fail) => this.#waiters.push({ next, go, fail }));
  }

  /** All before `offset` is there. */
  passed(offset: bigint): void {
    if (this.#waiters.length === 0) return;
    for (const { next, go } of this.#waiters) if (next <= offset) go();
    this.#waiters = this.#waiters.filter(({ next }) => next > offset);
  }

  fail(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { fail } of waiters) fail(error);
  }
}

/** Who waits for anything new. */
export class News {
  readonly #readers = new Set<() => void>();

  /** Resolves at the next `wake`, or when `signal` is aborted. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      const go = () => {
        signal?.removeEventListener("abort", go);
        this.#readers.delete(go);
        resolve();
      };
      this.#readers.add(go);
      signal?.addEventListener("abort", go);
    });
  }

  wake(): void {
    for (const go of [...this.#readers]) go();
  }
}
