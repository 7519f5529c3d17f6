/** How fast users may append and read: who was faster waits, as with Kafka's quotas. */

/** Of two kinds, each by itself. */
export type QuotaKind = "produce" | "fetch";

/** Who is much too fast is made to wait again and again: no wait is longer, in milliseconds. */
const LONGEST_MS = 10_000;

/** What has been used of so many bytes a second. A second's worth may come at once. */
export class RateLimit {
  #used = 0;
  #at: number;

  /** @param now in milliseconds, of a clock that is never set back. */
  constructor(now: number) {
    this.#at = now;
  }

  /** @returns for how long who has used so many bytes is to wait, in milliseconds. */
  use(bytes: number, bytesPerSecond: number, now: number): number {
    const regained = ((now - this.#at) * bytesPerSecond) / 1000;
    this.#used = Math.max(0, this.#used - regained) + bytes;
    this.#at = now;
    const excess = this.#used - bytesPerSecond;
    return excess <= 0 ? 0 : Math.min(LONGEST_MS, Math.ceil((excess * 1000) / bytesPerSecond));
  }
}
