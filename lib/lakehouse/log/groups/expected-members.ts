import type { Clock } from "../partition/clock.js";

/** Ids that were given to new members, which have not joined by them yet. */
export class ExpectedMembers {
  readonly #clock: Clock;
  readonly #onGone: () => void;
  /** What ends their timers. */
  readonly #cancel = new Map<string, () => void>();

  /** @param onGone called when one is waited for no more. */
  constructor(clock: Clock, onGone: () => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#cancel.size;
  }

  has(memberId: string): boolean {
    return this.#cancel.has(memberId);
  }

  /** @param ms how long it is waited for. */
  add(memberId: string, ms: number): void {
    const cancel = this.#clock.after(ms, () => {
      this.#cancel.delete(memberId);
      this.#onGone();
    });
    this.#cancel.set(memberId, cancel);
  }

  /** @returns whether it was waited for. */
  take(memberId: string): boolean {
    this.#cancel.get(memberId)?.();
    return this.#cancel.delete(memberId);
  }

  clear(): void {
    for (const cancel of this.#cancel.values()) cancel();
    this.#cancel.clear();
  }
}
